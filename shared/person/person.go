// Package person is the single customer view: identity nodes, each with its own
// mergeable state, joined into one person. The join depends only on which
// events the nodes received, so any order, any repetition and any merge order
// give the same view, and a merge is undone by moving a node out.
package person

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// MaxNodes is the most identities that one person may have.
const MaxNodes = 200

// Person is one customer as stored: one item, under the hash of its root node.
// Root, Created, Unit, Audiences, Stage and Due depend on when things arrived; they are
// history. All the rest is state, and order-free.
type Person struct {
	Root      string               // hash of the node whose key the item has
	Created   time.Time            // when the first node of the root was met
	Unit      string               // hash of the first node at creation: what assignments are drawn by
	Nodes     []*Node              // sorted by kind and value
	Audiences map[string]time.Time // memberships that were announced, and since when
	Stage     Stage                // of the life cycle, as it was announced; "": not yet
	Staged    time.Time            // since when
	Due       time.Time            // the instant the timer is armed for; zero: none
	Version   int64                // of the stored item; 0: not stored yet
	Expires   time.Time            // of the stored item: when the person is forgotten; zero: not by time

	// Pending is the record of the latest event when it was committed together
	// with the person, and not yet known to lie in its own place; nil: none. It is
	// opaque here. Whoever changes which nodes the person has puts it there first.
	Pending []byte
}

// Node is one identity and all that was learned through it.
type Node struct {
	ID NodeID

	// Named says that an event stated this identity under its kind. A node that
	// an alias merely implies is resolved, but not listed.
	Named bool

	// Owner is the earliest proven link from this node to a stronger one: a user
	// id, an address, or what an external id came with. Later ones are refused, so
	// that a device which two customers share merges nobody. A person is what its
	// nodes' owners hold together.
	Owner *Link

	// Refused are the identities that this one must not be joined with, sorted.
	Refused []Refusal

	FirstSeen time.Time // of event times
	LastSeen  time.Time
	Traits    map[string]Trait
	Computed  map[string]*Fold
	Life      Life

	Instances map[string]*Instance // by journey and key, see InstanceKey
	Goals     map[string]time.Time // by journey and key: when the latest goal was reached; key "" is for all
	Consent   map[string]Consent   // by ConsentKey

	// Preferences are what the person chose, by field, see Prefer. They are kept
	// apart from Traits, which others tell of the person.
	Preferences map[string]Trait

	Sends  []Send              // charged to this node, oldest first
	Waits  []Wait              // put off, by message id
	Shown  map[string]Exposure // by slot and block: what orders are put down to
	Orders []Order             // the latest, for exposures that arrive after them
}

// Link is the evidence for an edge between two nodes.
type Link struct {
	To   NodeID
	Rule string    // "identify" for a device, "email", "external", or "alias"
	At   time.Time // of the event
	By   string    // its message id
}

// Before orders links by (event time, message id), which decides who owns a node.
func (l Link) Before(o Link) bool {
	if !l.At.Equal(o.At) {
		return l.At.Before(o.At)
	}
	return l.By < o.By
}

// New returns a person that is just this node, met now.
func New(id NodeID, now time.Time) *Person {
	hash := id.Hash()
	return &Person{Root: hash, Created: now, Unit: hash, Nodes: []*Node{{ID: id}}}
}

// Node returns the person's node with that id, or nil.
func (p *Person) Node(id NodeID) *Node {
	if i, ok := p.find(id); ok {
		return p.Nodes[i]
	}
	return nil
}

func (p *Person) find(id NodeID) (int, bool) {
	return slices.BinarySearchFunc(p.Nodes, id, func(n *Node, id NodeID) int { return n.ID.Compare(id) })
}

// Adopt adds a node that no other person has.
func (p *Person) Adopt(n *Node) {
	if i, ok := p.find(n.ID); !ok {
		p.Nodes = slices.Insert(p.Nodes, i, n)
	}
}

// Release takes the node out of the person and returns it, nil when it has none.
func (p *Person) Release(id NodeID) *Node {
	i, ok := p.find(id)
	if !ok {
		return nil
	}
	n := p.Nodes[i]
	p.Nodes = slices.Delete(p.Nodes, i, i+1)
	return n
}

// Absorb moves everything of the other person into p.
func (p *Person) Absorb(other *Person) {
	for _, n := range other.Nodes {
		p.Adopt(n)
	}
	for id, since := range other.Audiences {
		p.enter(id, since)
	}
	if other.Staged.After(p.Staged) {
		p.Stage, p.Staged = other.Stage, other.Staged
	}
	if p.Due.IsZero() || (!other.Due.IsZero() && other.Due.Before(p.Due)) {
		p.Due = other.Due
	}
}

func (p *Person) enter(audience string, since time.Time) {
	if p.Audiences == nil {
		p.Audiences = map[string]time.Time{}
	}
	if have, ok := p.Audiences[audience]; !ok || since.Before(have) {
		p.Audiences[audience] = since
	}
}

// Enter records that the person was announced as a member since then.
func (p *Person) Enter(audience string, since time.Time) { p.enter(audience, since) }

// Leave forgets a membership.
func (p *Person) Leave(audience string) { delete(p.Audiences, audience) }

// User returns the node of a user id that the person has, nil when it is
// anonymous. One that an alias merely implies is not taken.
func (p *Person) User() *Node {
	for _, n := range p.Nodes {
		if n.ID.Kind == UserID && n.Named {
			return n
		}
	}
	return nil
}

// Anonymous reports whether nobody knows who the person is: all there is of them
// is the id of one browser or app.
func (p *Person) Anonymous() bool {
	return len(p.Nodes) == 1 && p.Nodes[0].ID.Kind == AnonymousID
}

// Older reports whether p was met before o. The older of two people keeps its
// item when they merge, so pointers always lead to the older one.
func (p *Person) Older(o *Person) bool {
	if !p.Created.Equal(o.Created) {
		return p.Created.Before(o.Created)
	}
	return p.Root < o.Root
}

// See widens the node's first and last seen to an event's time.
func (n *Node) See(at time.Time) {
	if n.FirstSeen.IsZero() || at.Before(n.FirstSeen) {
		n.FirstSeen = at
	}
	if at.After(n.LastSeen) {
		n.LastSeen = at
	}
}

// Declare sets a trait unless a later event already did.
func (n *Node) Declare(name string, t Trait) {
	if n.Traits == nil {
		n.Traits = map[string]Trait{}
	}
	if have, ok := n.Traits[name]; !ok || t.wins(have) {
		n.Traits[name] = t
	}
}

// Own records a link to a user id unless an earlier one owns the node, and
// reports whether it did.
func (n *Node) Own(l Link) bool {
	if n.Owner != nil && !l.Before(*n.Owner) {
		return false
	}
	n.Owner = &l
	return true
}

// Held returns the node and all those of the person's that owners hold together
// with it, sorted.
func (p *Person) Held(id NodeID) []NodeID {
	held := map[NodeID]bool{id: true}
	for grown := true; grown; {
		grown = false
		for _, n := range p.Nodes {
			if n.Owner == nil || p.Node(n.Owner.To) == nil || held[n.ID] == held[n.Owner.To] {
				continue
			}
			held[n.ID], held[n.Owner.To], grown = true, true, true
		}
	}
	return slices.SortedFunc(maps.Keys(held), NodeID.Compare)
}

// Split takes nodes out of the person, into one of their own that is returned.
// The part with the root node keeps root and timer; the other is named after its
// first user id and has no timer. The part with the unit's node keeps the unit;
// the other is drawn by the node that was seen first, as if it had never been
// joined. Memberships and stage stay with both until they are evaluated.
func (p *Person) Split(out []NodeID) *Person {
	q := &Person{Created: p.Created, Audiences: maps.Clone(p.Audiences), Stage: p.Stage, Staged: p.Staged}
	rooted := false
	for _, id := range out {
		q.Adopt(p.Release(id))
		rooted = rooted || id.Hash() == p.Root
	}
	fresh := q
	if rooted {
		q.Root, q.Due = p.Root, p.Due
		fresh = p
	}
	first := fresh.Nodes[0]
	if user := fresh.User(); user != nil {
		first = user
	}
	fresh.Root, fresh.Due = first.ID.Hash(), time.Time{}
	unit := p.Unit
	p.Unit, q.Unit = p.unit(unit), q.unit(unit)
	return q
}

// unit returns the unit while the person has its node, else the hash of the node
// that was seen first.
func (p *Person) unit(unit string) string {
	first := p.Nodes[0]
	for _, n := range p.Nodes {
		if n.ID.Hash() == unit {
			return unit
		}
		if n.earlier(first) {
			first = n
		}
	}
	return first.ID.Hash()
}

// Compare orders nodes by kind, then value.
func (n NodeID) Compare(o NodeID) int {
	if c := strings.Compare(string(n.Kind), string(o.Kind)); c != 0 {
		return c
	}
	return strings.Compare(n.Value, o.Value)
}
