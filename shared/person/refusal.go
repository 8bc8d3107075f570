package person

import "slices"

// Refusal keeps two identities apart that somebody took apart. Each end has one,
// with the evidence that leads from it to the other: evidence that is not
// counted now waits, so that lifting the refusal joins as if it had never been.
type Refusal struct {
	With NodeID
	Out  bool  // this end was taken out of the other's person
	Link *Link // the earliest evidence from this end to the other; nil when there is none
}

// Refusal returns what the node keeps against the other, nil when nothing does.
func (n *Node) Refusal(with NodeID) *Refusal {
	if i, ok := n.refusal(with); ok {
		return &n.Refused[i]
	}
	return nil
}

func (n *Node) refusal(with NodeID) (int, bool) {
	return slices.BinarySearchFunc(n.Refused, with, func(r Refusal, id NodeID) int { return r.With.Compare(id) })
}

func (n *Node) refuse(with NodeID, out bool) *Refusal {
	i, ok := n.refusal(with)
	if !ok {
		n.Refused = slices.Insert(n.Refused, i, Refusal{With: with})
	}
	n.Refused[i].Out = n.Refused[i].Out || out
	return &n.Refused[i]
}

// Withhold keeps evidence for a link that the node refuses, unless earlier
// evidence waits already, and reports whether it did.
func (n *Node) Withhold(l Link) bool {
	r := n.refuse(l.To, false)
	if r.Link != nil && !l.Before(*r.Link) {
		return false
	}
	r.Link = &l
	return true
}

// Lift ends the node's refusal of the other and returns the evidence that
// waited; nil when there is none.
func (n *Node) Lift(with NodeID) *Link {
	i, ok := n.refusal(with)
	if !ok {
		return nil
	}
	l := n.Refused[i].Link
	n.Refused = slices.Delete(n.Refused, i, i+1)
	return l
}

// Out lists the identities that the node was taken away from, sorted.
func (n *Node) Out() []NodeID {
	var out []NodeID
	for _, r := range n.Refused {
		if r.Out {
			out = append(out, r.With)
		}
	}
	return out
}

// TakeOut cuts the links that hold a node in its person and refuses them from
// now on; the parts still lie in p, for Held and Split to separate. It reports
// whether anything was cut.
//
// A node that somebody owns leaves its owner, takes what it owns along, and
// refuses every user id that stays behind. A node that nobody owns is left by
// the user ids that it owns, or when there are none by its devices, except
// where it was taken out before: so doing it again changes nothing.
func (p *Person) TakeOut(id NodeID) bool {
	cuts := p.cuts(id)
	for _, from := range cuts {
		n := p.Node(from)
		l := *n.Owner
		n.Owner = nil
		other := from
		if from == id {
			other = l.To
		}
		p.refuse(id, other)
		n.Refusal(l.To).Link = &l
	}
	if len(cuts) == 0 || cuts[0] != id {
		return len(cuts) > 0
	}
	mine := p.Held(id)
	for _, n := range p.Nodes {
		if _, with := slices.BinarySearchFunc(mine, n.ID, NodeID.Compare); !with && n.ID.Kind == UserID {
			p.refuse(id, n.ID)
		}
	}
	return true
}

// refuse keeps the node that is taken out and the other apart, at both ends.
func (p *Person) refuse(id, other NodeID) {
	p.Node(id).refuse(other, true)
	if n := p.Node(other); n != nil {
		n.refuse(id, false)
	}
}

// cuts lists the nodes whose links are to be cut so that the node is out, itself
// first.
func (p *Person) cuts(id NodeID) []NodeID {
	n := p.Node(id)
	var users, all []NodeID
	for _, m := range p.Nodes {
		if m.Owner == nil || m.Owner.To != id {
			continue
		}
		all = append(all, m.ID)
		if m.ID.Kind == UserID && m.Named {
			users = append(users, m.ID)
		}
	}
	switch {
	case n.Owner != nil:
		return append([]NodeID{id}, p.cycle(n)...)
	case len(n.Out()) > 0:
		return nil
	case len(users) > 0:
		return users
	}
	return all
}

// cycle returns the node through which owners lead back to n, if they do.
func (p *Person) cycle(n *Node) []NodeID {
	seen := map[NodeID]bool{n.ID: true}
	for at := p.Node(n.Owner.To); at != nil && at.Owner != nil && !seen[at.ID]; at = p.Node(at.Owner.To) {
		if at.Owner.To == n.ID {
			return []NodeID{at.ID}
		}
		seen[at.ID] = true
	}
	return nil
}

// Owners lists the nodes whose links lead from the node up to the one that
// nobody owns, in order; of a cycle each once.
func (p *Person) Owners(id NodeID) []*Node {
	var out []*Node
	seen := map[NodeID]bool{}
	for n := p.Node(id); n != nil && n.Owner != nil && !seen[n.ID]; n = p.Node(n.Owner.To) {
		seen[n.ID] = true
		out = append(out, n)
	}
	return out
}
