package people

import (
	"context"
	"time"

	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/table"
)

// Store keeps people in the table.
type Store struct {
	table table.Table
	now   func() time.Time
	owner func() string

	receipts *decision.Keyring // nil: nothing is counted
}

// NewStore returns a store over the table. Now is the clock; owner makes a new
// random token for each commit, by which a commit recognises its own success
// after a lost reply. A store that only reads needs no owner.
func NewStore(t table.Table, now func() time.Time, owner func() string) *Store {
	return &Store{table: t, now: now, owner: owner}
}

// maxHops bounds how many pointers a look-up follows. Merges leave at most one
// behind for each that was not met since; a longer chain is a fault.
const maxHops = 12

// Find returns the person that has the node, nil when nobody does, or when it
// was erased. It reads one
// item, or two when the node joined another.
func (s *Store) Find(ctx context.Context, node person.NodeID) (*person.Person, error) {
	return s.find(ctx, node.Hash())
}

func (s *Store) find(ctx context.Context, hash string) (*person.Person, error) {
	root, item, err := s.follow(ctx, hash)
	if err != nil || item == nil {
		return nil, err
	}
	if _, erased := person.DecodeTombstone(item.Body); erased {
		return nil, nil
	}
	return person.Decode(root, item.Version, item.Body)
}

// follow reads the item of a node and follows its pointers to what stands at
// their end, a person or a tombstone, and to whose key that has. The item is nil
// when nobody has the node.
func (s *Store) follow(ctx context.Context, hash string) (root string, item *table.Item, err error) {
	for range maxHops {
		items, err := s.table.Get(ctx, table.PersonKey(hash))
		if err != nil || items[0] == nil {
			return hash, nil, err
		}
		pointer, ok := person.DecodePointer(items[0].Body)
		if !ok {
			return hash, items[0], nil
		}
		hash = pointer.To
	}
	return hash, nil, fault.New(fault.Internal, "pointer_chain", "the pointers of %s do not end", hash)
}
