package person

import (
	"encoding/json"
	"maps"
)

// View joins the person's nodes. Counts and sums that were declared and never
// fed are 0; a first or last that no event gave is left out, and so is a trait
// whose latest value is null.
func (p *Person) View(computed []ComputedTrait) *View {
	v := &View{Traits: map[string]Trait{}, Computed: make(map[string]json.RawMessage, len(computed))}
	var first *Node
	for _, n := range p.Nodes {
		if n.Named {
			v.Nodes = append(v.Nodes, n.ID)
			v.Known = v.Known || n.ID.Kind == UserID
		}
		if first == nil || n.earlier(first) {
			first = n
		}
		v.join(n)
	}
	if first != nil {
		v.ID = first.ID.Hash()
	}
	maps.DeleteFunc(v.Traits, func(_ string, t Trait) bool { return string(t.Value) == "null" })
	for _, c := range computed {
		if value := p.compute(c); value != nil {
			v.Computed[c.Name] = value
		}
	}
	return v
}

// earlier orders nodes by first seen, those that were never seen last, and by
// hash where that is the same.
func (n *Node) earlier(o *Node) bool {
	if n.FirstSeen.IsZero() != o.FirstSeen.IsZero() {
		return o.FirstSeen.IsZero()
	}
	if !n.FirstSeen.Equal(o.FirstSeen) {
		return n.FirstSeen.Before(o.FirstSeen)
	}
	return n.ID.Hash() < o.ID.Hash()
}

func (v *View) join(n *Node) {
	if !n.FirstSeen.IsZero() && (v.FirstSeen.IsZero() || n.FirstSeen.Before(v.FirstSeen)) {
		v.FirstSeen = n.FirstSeen
	}
	if n.LastSeen.After(v.LastSeen) {
		v.LastSeen = n.LastSeen
	}
	for name, t := range n.Traits {
		if have, ok := v.Traits[name]; !ok || t.wins(have) {
			v.Traits[name] = t
		}
	}
}

func (p *Person) compute(c ComputedTrait) json.RawMessage {
	var total Fold
	for _, n := range p.Nodes {
		if f := n.Computed[c.Name]; f != nil {
			total.merge(c.Op, f)
		}
	}
	return total.result(c.Op)
}
