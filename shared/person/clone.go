package person

import (
	"maps"
	"slices"

	"rapport/shared/decimal"
)

// Clone returns a person that shares nothing changeable with p.
func (p *Person) Clone() *Person {
	c := *p
	c.Audiences = maps.Clone(p.Audiences)
	c.Nodes = make([]*Node, len(p.Nodes))
	for i, n := range p.Nodes {
		c.Nodes[i] = n.clone()
	}
	return &c
}

func (n *Node) clone() *Node {
	c := *n
	if n.Owner != nil {
		owner := *n.Owner
		c.Owner = &owner
	}
	c.Refused = slices.Clone(n.Refused) // their links are never changed in place
	c.Traits = maps.Clone(n.Traits)
	c.Instances = converted(n.Instances, func(in *Instance) *Instance { copied := *in; return &copied })
	c.Goals = maps.Clone(n.Goals)
	c.Consent = maps.Clone(n.Consent)
	c.Preferences = maps.Clone(n.Preferences)
	c.Sends = slices.Clone(n.Sends)
	c.Waits = slices.Clone(n.Waits)
	c.Shown = maps.Clone(n.Shown)
	c.Orders = slices.Clone(n.Orders)
	c.Life.Purchases = slices.Clone(n.Life.Purchases)
	c.Computed = converted(n.Computed, (*Fold).clone)
	return &c
}

func (f *Fold) clone() *Fold {
	c := *f
	c.Sum = decimal.Decimal{}
	c.Sum.Set(&f.Sum)
	c.Days = maps.Clone(f.Days)
	for bucket, part := range c.Days {
		c.Days[bucket] = part.clone()
	}
	c.seen = slices.Clone(f.seen)
	c.values = f.values.clone()
	return &c
}
