package people

import (
	"context"
	"slices"
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
	tallies  Queue             // takes what an erasure ends; nil: that is not counted
}

// Telling returns the store, which from now on counts the messages that an erasure
// ends.
func (s *Store) Telling(tallies Queue) *Store {
	s.tallies = tallies
	return s
}

// NewStore returns a store over the table. Now is the clock; owner makes a new
// random token for each commit, by which a commit recognises its own success
// after a lost reply. A store that only reads needs no owner.
func NewStore(t table.Table, now func() time.Time, owner func() string) *Store {
	return &Store{table: t, now: now, owner: owner}
}

// maxHops bounds how many items a look-up reads. Merges leave at most one pointer
// behind for each that was not met since; a longer chain is a fault.
const maxHops = 12

// Find returns the person that has the node, nil when nobody does, or when it
// was erased. It reads one
// item, or two when the node joined another.
func (s *Store) Find(ctx context.Context, node person.NodeID) (*person.Person, error) {
	return s.find(ctx, node.Hash())
}

func (s *Store) find(ctx context.Context, hash string) (*person.Person, error) {
	e, err := s.follow(ctx, hash)
	return e.person, err
}

// end is what stands where a node leads: nothing, a person, or a tombstone.
type end struct {
	root   string // whose key it has
	item   *table.Item
	person *person.Person
	tomb   person.Tombstone
	erased bool // there is a tombstone
}

// follow reads the item of a node and follows its pointers to their end. What
// does not have the node was left by it between two of our reads, which begin
// anew then. One that leads to nothing time and again is nobody's.
func (s *Store) follow(ctx context.Context, hash string) (end, error) {
	at, nowhere := hash, ""
	for range maxHops {
		e, to, err := s.look(ctx, at)
		switch {
		case err != nil:
			return end{}, err
		case to != "":
			at = to
			continue
		case at == hash || e.has(hash) || e.item == nil && at == nowhere:
			return e, nil
		case e.item == nil:
			nowhere = at
		}
		at = hash
	}
	return end{}, fault.New(fault.Internal, "pointer_chain", "the pointers of %s do not end", hash)
}

// look reads the item of a node: what stands there, or where it leads.
func (s *Store) look(ctx context.Context, at string) (e end, to string, err error) {
	items, err := s.table.Get(ctx, table.PersonKey(at))
	if err != nil {
		return end{}, "", err
	}
	if e = (end{root: at, item: items[0]}); e.item == nil {
		return e, "", nil
	}
	if pointer, ok := person.DecodePointer(e.item.Body); ok {
		return e, pointer.To, nil
	}
	return e, "", e.decode()
}

func (e *end) decode() (err error) {
	if e.tomb, e.erased = person.DecodeTombstone(e.item.Body); !e.erased {
		e.person, err = decode(e.root, e.item)
	}
	return err
}

// decode reads the item of a person.
func decode(root string, item *table.Item) (*person.Person, error) {
	p, err := person.Decode(root, item.Version, item.Body)
	if err == nil {
		p.Expires = item.Expires
	}
	return p, err
}

func (e *end) has(hash string) bool {
	if e.person == nil {
		return slices.Contains(e.tomb.Rest, hash)
	}
	return slices.ContainsFunc(e.person.Nodes, func(n *person.Node) bool { return n.ID.Hash() == hash })
}
