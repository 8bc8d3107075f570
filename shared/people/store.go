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

// Find returns the person that has the node, nil when nobody does. It reads one
// item, or two when the node joined another.
func (s *Store) Find(ctx context.Context, node person.NodeID) (*person.Person, error) {
	return s.find(ctx, node.Hash())
}

func (s *Store) find(ctx context.Context, hash string) (*person.Person, error) {
	for range maxHops {
		items, err := s.table.Get(ctx, table.PersonKey(hash))
		if err != nil {
			return nil, err
		}
		if items[0] == nil {
			return nil, nil
		}
		pointer, ok := person.DecodePointer(items[0].Body)
		if !ok {
			return person.Decode(hash, items[0].Version, items[0].Body)
		}
		hash = pointer.To
	}
	return nil, fault.New(fault.Internal, "pointer_chain", "the pointers of %s do not end", hash)
}
