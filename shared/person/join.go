package person

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// View joins the person's nodes as they are to be seen now; declared may be nil.
// Counts and sums that were declared and never fed are 0; a first or last that
// no event gave is left out, and so is a trait whose latest value is null. Now
// decides only which days lie in a window, and how long ago something is.
func (p *Person) View(declared *Declared, now time.Time) *View {
	v := &View{Traits: map[string]Trait{}, Computed: map[string]json.RawMessage{}, Explicit: p.Preferences()}
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
	if declared == nil {
		return v
	}
	today := declared.calendar().Day(now)
	for _, c := range declared.Computed {
		v.set(c, p.compute(c).result(c, declared.calendar(), today))
	}
	p.stage(v, declared, today)
	return v
}

// Renew brings up to date, at another moment, what of a view changes by time
// alone.
func (p *Person) Renew(v *View, declared *Declared, now time.Time) {
	today := declared.calendar().Day(now)
	for _, c := range declared.Computed {
		if c.Timed() {
			v.set(c, p.compute(c).result(c, declared.calendar(), today))
		}
	}
	p.stage(v, declared, today)
}

// NextChange returns the first instant after now at which one of the named
// computed traits, or the stage, may be another although nothing happens, zero
// when there is none.
func (p *Person) NextChange(declared *Declared, names []string, now time.Time) time.Time {
	days := declared.calendar()
	today, first, found := days.Day(now), 0, false
	note := func(day int, ok bool) {
		if ok && (!found || day < first) {
			first, found = day, true
		}
	}
	for _, c := range declared.Computed {
		if c.Timed() && slices.Contains(names, c.Name) {
			note(p.compute(c).changes(c, today))
		}
	}
	if declared.Lifecycle != nil {
		note(p.life().changes(declared.Lifecycle, days, today))
	}
	if !found {
		return time.Time{}
	}
	return days.Start(first)
}

func (v *View) set(c ComputedTrait, value json.RawMessage) {
	if delete(v.Computed, c.Name); value != nil {
		v.Computed[c.Name] = value
	}
}

func (p *Person) stage(v *View, declared *Declared, today int) {
	if declared.Lifecycle != nil {
		v.Stage = p.life().stage(declared.Lifecycle, declared.calendar(), today, v.Known)
	}
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

// compute joins the folds of a trait. The result is to be read only.
func (p *Person) compute(c ComputedTrait) *Fold {
	var folds []*Fold
	for _, n := range p.Nodes {
		if f := n.Computed[c.Name]; f != nil {
			folds = append(folds, f)
		}
	}
	if len(folds) == 1 {
		return folds[0]
	}
	total := &Fold{}
	for _, f := range folds {
		total.merge(c, f)
	}
	return total
}
