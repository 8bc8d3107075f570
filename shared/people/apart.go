package people

import (
	"context"
	"slices"
	"strings"

	"rapport/shared/person"
	"rapport/shared/table"
)

// forgetRefusals takes out of a node that was kept apart from erased ones what
// it remembers of them: its refusals, and the effects of the split.
func (s *Store) forgetRefusals(ctx context.Context, hash string, erased []string) error {
	if err := s.forgetSplit(ctx, hash, erased); err != nil {
		return err
	}
	for range maxAttempts {
		p, err := s.find(ctx, hash)
		if err != nil || p == nil {
			return err
		}
		found := false
		for _, n := range p.Nodes {
			before := len(n.Refused)
			n.Refused = slices.DeleteFunc(n.Refused, func(r person.Refusal) bool { return slices.Contains(erased, r.With.Hash()) })
			found = found || len(n.Refused) < before
		}
		if !found {
			return nil
		}
		if err = s.replace(ctx, p); table.AsConflict(err) == nil {
			return err
		}
	}
	return errContended
}

// forgetSplit takes what concerned erased nodes out of the record of a node's
// latest split.
func (s *Store) forgetSplit(ctx context.Context, hash string, erased []string) error {
	key := table.SplitKey(hash)
	for range maxAttempts {
		items, err := s.table.Get(ctx, key)
		if err != nil || items[0] == nil {
			return err
		}
		r, err := DecodeRecord(items[0])
		if err != nil {
			return err
		}
		before := len(r.Effects)
		r.Effects = slices.DeleteFunc(r.Effects, func(e Effect) bool { return slices.Contains(erased, e.hash()) })
		if len(r.Effects) == before {
			return nil
		}
		body, err := encode(*r)
		if err != nil {
			return err
		}
		put := table.Put(key, body, items[0].Expires, table.VersionIs(items[0].Version))
		if err = s.table.Commit(ctx, s.owner(), put); table.AsConflict(err) == nil {
			return err
		}
	}
	return errContended
}

// hash is that of the identity that the effect is reported under.
func (e *Effect) hash() string {
	hash, _, _ := strings.Cut(e.ID, "_")
	return hash
}

// restore names again whom the effects of a record concern, other than the
// event's own identity: records do not name people beside their own, who may be
// erased without them. What concerned somebody who was erased meanwhile is left
// out, also when the identity was reopened and somebody begins anew under it.
func (s *Store) restore(ctx context.Context, r *Record) ([]Effect, error) {
	var out []Effect
	for _, e := range r.Effects {
		if e.Node == "" {
			p, err := s.find(ctx, e.hash())
			if err != nil {
				return nil, err
			}
			if p == nil || e.At.Before(p.Created) {
				continue
			}
			i := slices.IndexFunc(p.Nodes, func(n *person.Node) bool { return n.ID.Hash() == e.hash() })
			e.Node = p.Nodes[i].ID.String()
		}
		out = append(out, e)
	}
	return out, nil
}

// twin is the other reading of an earlier id that an alias names: a device's of a
// user's, and the other way round. False for an identity that has none.
func twin(id person.NodeID) (person.NodeID, bool) {
	switch id.Kind {
	case person.UserID:
		return person.NodeID{Kind: person.AnonymousID, Value: id.Value}, true
	case person.AnonymousID:
		return person.NodeID{Kind: person.UserID, Value: id.Value}, true
	}
	return id, false
}

// forgetTwin closes an identity that was not erased itself, but that nobody ever
// stated: an alias implied it, as the other reading of an erased one, and somebody
// else kept it. It has no state.
func (s *Store) forgetTwin(ctx context.Context, hash string, erased []string) error {
	for range maxAttempts {
		over, err := s.closeTwin(ctx, hash, erased)
		if table.AsConflict(err) == nil && (err != nil || over) {
			return err
		}
	}
	return errContended
}

// closeTwin makes one commit of that, and reports whether it is over. Who was kept
// apart from the identity forgets it first: afterwards nothing tells who that was.
func (s *Store) closeTwin(ctx context.Context, hash string, erased []string) (over bool, err error) {
	u := s.begin(ctx, nil)
	if err := u.read(hash); err != nil || u.moved(hash) {
		return false, err
	}
	p, id := u.implied(hash)
	if other, ok := twin(id); p == nil || !ok || !slices.Contains(erased, other.Hash()) {
		return true, nil
	}
	for _, r := range p.Node(id).Refused {
		if err := s.forgetRefusals(ctx, r.With.Hash(), []string{hash}); err != nil {
			return false, err
		}
	}
	writes, ahead, err := u.exile(p, id)
	if err != nil {
		return false, err
	}
	return !ahead, s.table.Commit(ctx, s.owner(), writes...)
}

// implied returns the person that has the node which nobody stated, nil when
// somebody did, or nobody has it.
func (u *unit) implied(hash string) (*person.Person, person.NodeID) {
	if p := u.people[u.home[hash]]; p != nil {
		for _, n := range p.Nodes {
			if n.ID.Hash() == hash && !n.Named {
				return p, n.ID
			}
		}
	}
	return nil, person.NodeID{}
}

// exile returns the writes that take an identity without state out of its person,
// whose timer stays, and leave a tombstone of it; or those that must come ahead.
func (u *unit) exile(p *person.Person, id person.NodeID) (writes []table.Write, ahead bool, err error) {
	root, due := p.Root, p.Due
	if len(p.Nodes) == 1 {
		u.drop(root)
	} else {
		part, err := u.split(p, []person.NodeID{id})
		if err != nil {
			return nil, false, err
		}
		if writes = u.ahead(map[string]string{p.Root: root, part.Root: root}); len(writes) > 0 {
			return writes, true, nil
		}
		u.drop(part.Root)
		p.Due = due
	}
	if writes, err = u.writes(); err != nil {
		return nil, false, err
	}
	hash := id.Hash()
	return append(writes, table.Put(table.PersonKey(hash), person.Tombstone{At: u.now}.Encode(), noExpiry, u.expected(hash))), false, nil
}
