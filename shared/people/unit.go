package people

import (
	"context"
	"maps"
	"slices"
	"time"

	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// unit is one attempt to change people: what was read, what became of it, and
// the writes that make it so, all or nothing.
type unit struct {
	ctx      context.Context
	store    *Store
	table    table.Table
	strategy *strategy.Strategy
	now      time.Time
	idle     bool // nobody did anything: time alone changes people
	receipts *decision.Keyring

	items  map[string]stored         // by node hash: the item as it was read
	people map[string]*person.Person // by root hash
	home   map[string]string         // node hash → root hash, as of now
	dirty  map[string]bool           // roots whose person changed
	stale  map[string]bool           // roots whose audiences are yet to be evaluated
	armed  map[string]time.Time      // by root hash: the due instant a timer exists for

	refused map[string]int64 // by the hash of a tombstone: the events it refused
	relied  map[string]bool  // nodes whose item must be as it was read, though nothing is written to it
}

// stored is what a node's item held: nothing (version 0), a pointer, a tombstone
// or a person.
type stored struct {
	version int64
	pointer string
	erased  bool
}

func (s *Store) begin(ctx context.Context, strat *strategy.Strategy) *unit {
	return &unit{
		ctx: ctx, store: s, table: s.table, strategy: strat, now: s.now(), receipts: s.receipts,
		items: map[string]stored{}, people: map[string]*person.Person{},
		home: map[string]string{}, dirty: map[string]bool{},
		stale: map[string]bool{}, armed: map[string]time.Time{},
		refused: map[string]int64{}, relied: map[string]bool{},
	}
}

// person returns the person that has the node, a new one when nobody does.
func (u *unit) person(id person.NodeID) (*person.Person, error) {
	hash := id.Hash()
	if _, ok := u.home[hash]; !ok {
		if err := u.read(hash); err != nil {
			return nil, err
		}
	}
	root, ok := u.home[hash]
	if !ok {
		p := person.New(id, u.now)
		u.settle(p)
		return p, nil
	}
	return u.people[root], nil
}

// read fetches the items of nodes, follows their pointers, and takes in the
// people at the end of them. Nodes that nobody has stay without a home. So does
// one that was moved between two of our reads: its item has another version by
// now, so whatever is made of it conflicts at the commit and is read anew.
func (u *unit) read(hashes ...string) error {
	pending := hashes
	for range maxHops {
		if pending = u.unread(pending); len(pending) == 0 {
			return nil
		}
		next, err := u.fetch(pending)
		if err != nil {
			return err
		}
		pending = next
	}
	return fault.New(fault.Internal, "pointer_chain", "the pointers of %s do not end", hashes[0])
}

// moved reports whether a node that was read and has no home has one in truth,
// which it moved to between two of our reads.
func (u *unit) moved(hash string) bool {
	_, home := u.home[hash]
	_, erased := u.grave(hash)
	return !home && !erased && u.items[hash].version > 0
}

func (u *unit) unread(hashes []string) []string {
	return slices.DeleteFunc(slices.Clone(hashes), func(h string) bool {
		_, have := u.items[h]
		return have
	})
}

// fetch reads items and returns the targets of the pointers among them.
func (u *unit) fetch(hashes []string) (targets []string, err error) {
	for chunk := range slices.Chunk(hashes, table.MaxGetKeys) {
		keys := make([]table.Key, len(chunk))
		for i, h := range chunk {
			keys[i] = table.PersonKey(h)
		}
		items, err := u.table.Get(u.ctx, keys...)
		if err != nil {
			return nil, err
		}
		for i, item := range items {
			target, err := u.take(chunk[i], item)
			if err != nil {
				return nil, err
			}
			if target != "" {
				targets = append(targets, target)
			}
		}
	}
	return targets, nil
}

func (u *unit) take(hash string, item *table.Item) (target string, err error) {
	if item == nil {
		u.items[hash] = stored{}
		return "", nil
	}
	if pointer, ok := person.DecodePointer(item.Body); ok {
		u.items[hash] = stored{version: item.Version, pointer: pointer.To}
		return pointer.To, nil
	}
	if _, erased := person.DecodeTombstone(item.Body); erased {
		u.items[hash] = stored{version: item.Version, erased: true}
		return "", nil
	}
	p, err := decode(hash, item)
	if err != nil {
		return "", err
	}
	if err := u.store.settle(u.ctx, p); err != nil {
		return "", err
	}
	u.items[hash] = stored{version: item.Version}
	if !p.Due.IsZero() {
		u.armed[hash] = p.Due
	}
	u.settle(p)
	return "", nil
}

// touch marks a person whose nodes changed.
func (u *unit) touch(p *person.Person) { u.dirty[p.Root], u.stale[p.Root] = true, true }

// drop forgets a person that lives on under another root.
func (u *unit) drop(root string) {
	delete(u.people, root)
	delete(u.dirty, root)
	delete(u.stale, root)
}

// settle makes the person the home of all its nodes.
func (u *unit) settle(p *person.Person) {
	u.people[p.Root] = p
	for _, n := range p.Nodes {
		u.home[n.ID.Hash()] = p.Root
	}
}

// merge joins two people; the older one's item and unit stay.
func (u *unit) merge(a, b *person.Person) error {
	if b.Older(a) {
		a, b = b, a
	}
	// The items of the nodes that move are needed for their new pointers; those
	// beyond the share are repointed when they are met.
	var moving []string
	for _, n := range b.Nodes[:min(len(b.Nodes), maxRepoint)] {
		moving = append(moving, n.ID.Hash())
	}
	if _, err := u.fetch(u.unread(append(moving, b.Root))); err != nil {
		return err
	}
	u.drop(b.Root)
	a.Absorb(b)
	u.settle(a)
	u.touch(a)
	return nil
}

// maxRepoint is how many nodes of the younger person a merge repoints itself.
const maxRepoint = 80

// split takes nodes out of a person into one of their own.
func (u *unit) split(p *person.Person, out []person.NodeID) (*person.Person, error) {
	var hashes []string
	for _, n := range p.Nodes {
		hashes = append(hashes, n.ID.Hash())
	}
	if _, err := u.fetch(u.unread(hashes)); err != nil {
		return nil, err
	}
	u.drop(p.Root)
	part := p.Split(out)
	for _, side := range []*person.Person{p, part} {
		u.settle(side)
		u.touch(side)
	}
	return part, nil
}

// writes returns what makes the table agree with the unit.
func (u *unit) writes() ([]table.Write, error) {
	var out []table.Write
	for _, root := range sortedKeys(u.dirty) {
		p := u.people[root]
		u.leave(p)
		body, err := p.Encode()
		if err != nil {
			return nil, err
		}
		out = append(out, table.Put(table.PersonKey(root), body, p.Expires, u.expected(root)))
		for _, n := range p.Nodes {
			if w, ok := u.pointer(n.ID.Hash(), root); ok {
				out = append(out, w)
			}
		}
		if !p.Due.IsZero() && !p.Due.Equal(u.armed[root]) {
			out = append(out, arm(root, p.Due, u.now))
		}
	}
	return append(append(out, u.disarmed()...), u.graves()...), nil
}

// disarmed removes the timers that nobody waits for any more, so that a person
// never has more than one: those of people that live on under another root, and
// those that an earlier one took the place of.
func (u *unit) disarmed() []table.Write {
	var out []table.Write
	for _, root := range sortedKeys(u.armed) {
		if p := u.people[root]; p == nil || !p.Due.Equal(u.armed[root]) {
			out = append(out, table.Delete(timerKey(root, u.armed[root]), table.Condition{}))
		}
	}
	return out
}

// pointer returns the write that leads the node to its root, if one is due. An
// item that was not read belongs to a node that did not move.
func (u *unit) pointer(hash, root string) (table.Write, bool) {
	item, read := u.items[hash]
	if hash == root || !read || item.pointer == root {
		return table.Write{}, false
	}
	return u.lead(hash, root), true
}

func (u *unit) lead(hash, root string) table.Write {
	body := person.Pointer{To: root}.Encode()
	return table.Put(table.PersonKey(hash), body, noExpiry, u.expected(hash))
}

func (u *unit) expected(hash string) table.Condition {
	if v := u.items[hash].version; v > 0 {
		return table.VersionIs(v)
	}
	return table.Absent()
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
