package people

import (
	"context"

	"rapport/shared/person"
	"rapport/shared/table"
)

// ErasedID is the verdict on an event that named an erased identity beside its
// own: it counts without it, and joins nothing to it.
const ErasedID = "erased_id"

// refusals is the counter of a tombstone.
const refusals = "refused"

// Erased reports whether the person that had the node was erased, and the node
// not reopened since.
func (s *Store) Erased(ctx context.Context, nodeHash string) (bool, error) {
	e, err := s.follow(ctx, nodeHash)
	return e.erased, err
}

// grave returns the hash whose item is the node's tombstone: its own, or the one
// that its pointers lead to while an erasure is not finished. The node was read.
func (u *unit) grave(hash string) (tombstone string, erased bool) {
	for range maxHops {
		item := u.items[hash]
		switch {
		case item.erased:
			return hash, true
		case item.pointer == "":
			return "", false
		}
		hash = item.pointer
	}
	return "", false
}

// refuse turns an event of an erased node away, and takes other erased
// identities out of one that may count.
func (u *unit) refuse(en *entry) {
	own := en.given.Node().Hash()
	grave, erased := u.grave(own)
	en.event, en.strip = en.given, false // an attempt before may have seen what is not so any more
	if en.refused = erased; erased {
		u.refused[grave]++
		u.relied[own] = true
		return
	}
	en.event, en.strip = en.given.Without(func(id person.NodeID) bool {
		_, erased := u.grave(id.Hash())
		if erased {
			u.relied[id.Hash()] = true
		}
		return erased
	})
}

// graves counts what tombstones refused, and holds the items that the unit only
// relied on: an erasure in between must not be missed.
func (u *unit) graves() []table.Write {
	var out []table.Write
	for _, hash := range sortedKeys(u.refused) {
		add := map[string]int64{refusals: u.refused[hash]}
		out = append(out, table.Add(table.PersonKey(hash), add, noExpiry, u.expected(hash)))
	}
	held := map[string]bool{}
	for _, hash := range sortedKeys(u.relied) {
		if root, ok := u.home[hash]; ok {
			hash = root
		}
		if !held[hash] && !u.dirty[hash] && u.refused[hash] == 0 {
			held[hash] = true
			out = append(out, table.Check(table.PersonKey(hash), u.expected(hash)))
		}
	}
	return out
}
