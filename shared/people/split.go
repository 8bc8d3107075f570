package people

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// Bounds of one commit of a split: a part costs its person, its timer and its
// pointers, and a commit has table.MaxCommitWrites.
const (
	maxParts    = 16
	maxPointers = 60 // beyond the parts and the record; what is more is written ahead
	maxAhead    = 90
)

// splitLife is for how long the effects of a split are published again when it
// is repeated: who did not get the answer repeats it soon.
const splitLife = 24 * time.Hour

// Split takes an identity out of its person (person.TakeOut) in one commit, and
// refuses from then on what would join the two again. Both sides' audiences and
// journeys are looked at, and their timers armed. It returns the effects to
// publish, those of the split before included, and whether there is more to do:
// publish, then call again. That is so for people with many identities; each
// commit leaves them sound, and whatever ends in between is continued by the
// next call. Repeating a split changes nothing.
//
// Errors: kind NotFound when nobody has the identity.
func (s *Store) Split(ctx context.Context, strat *strategy.Strategy, id person.NodeID) (effects []Effect, more bool, err error) {
	return s.recast(ctx, strat, id, "split", func(u *unit) ([]table.Write, bool, error) { return u.takeOut(id) })
}

// Lift ends what the splits of an identity refuse, and joins again what evidence
// joins, as if the splits had never been. It is called and repeated as Split is.
//
// Errors: kind NotFound when nobody has the identity, kind Conflict when the
// joined person would have too many identities.
func (s *Store) Lift(ctx context.Context, strat *strategy.Strategy, id person.NodeID) (effects []Effect, more bool, err error) {
	return s.recast(ctx, strat, id, "lift", func(u *unit) ([]table.Write, bool, error) {
		more, err := u.lift(id)
		return nil, more, err
	})
}

// recast commits one change to who belongs to whom. The change may ask for
// writes that must come before it.
func (s *Store) recast(ctx context.Context, strat *strategy.Strategy, id person.NodeID, what string,
	change func(*unit) (ahead []table.Write, more bool, err error),
) ([]Effect, bool, error) {
	for range maxAttempts {
		u := s.begin(ctx, strat)
		if err := u.read(id.Hash()); err != nil {
			return nil, false, err
		}
		if _, ok := u.home[id.Hash()]; !ok {
			if u.moved(id.Hash()) {
				continue
			}
			return nil, false, fault.New(fault.NotFound, "no_person", "nobody has this identity yet").In("node")
		}
		before, version, err := s.recasting(ctx, id)
		if err != nil {
			return nil, false, err
		}
		ahead, more, err := change(u)
		switch {
		case errors.Is(err, errContended):
			continue
		case err != nil:
			return nil, false, err
		case len(ahead) > 0:
			err, more = s.table.Commit(ctx, s.owner(), ahead...), true
		case len(u.dirty) > 0:
			var effects []Effect
			effects, err = u.recast(ctx, s, id, version, what+" "+u.now.UTC().Format(timeFormat))
			before = append(before, effects...)
		}
		if table.AsConflict(err) == nil {
			return before, more, err
		}
	}
	return nil, false, errContended
}

// recasting returns the effects of the node's latest split or lifting, and the
// version of their record.
func (s *Store) recasting(ctx context.Context, id person.NodeID) ([]Effect, int64, error) {
	items, err := s.table.Get(ctx, table.SplitKey(id.Hash()))
	if err != nil || items[0] == nil {
		return nil, 0, err
	}
	r, err := DecodeRecord(items[0])
	if err != nil {
		return nil, 0, err
	}
	effects, err := s.restore(ctx, r)
	return effects, items[0].Version, err
}

// recast looks at the people that changed and commits them with their effects.
func (u *unit) recast(ctx context.Context, s *Store, id person.NodeID, version int64, cause string) ([]Effect, error) {
	var effects []Effect
	for _, root := range sortedKeys(u.stale) {
		p := u.people[root]
		effects = append(effects, reassess(p, spokesman(p), cause, u.strategy, u.now, false)...)
	}
	body, err := encode(Record{Effects: effects})
	if err != nil {
		return nil, err
	}
	cond := table.Absent()
	if version > 0 {
		cond = table.VersionIs(version)
	}
	writes, err := u.writes()
	if err != nil {
		return nil, err
	}
	record := table.Put(table.SplitKey(id.Hash()), body, u.now.Add(splitLife), cond)
	return effects, s.table.Commit(ctx, s.owner(), append(writes, record)...)
}

// takeOut takes the identity out and lets the parts go their ways, as many as
// one commit holds.
func (u *unit) takeOut(id person.NodeID) (ahead []table.Write, more bool, err error) {
	p := u.people[u.home[id.Hash()]]
	n := p.Node(id)
	if p.TakeOut(id) {
		u.touch(p)
	}
	starts := append([]person.NodeID{id}, n.Out()...)
	var hashes []string
	for _, start := range starts {
		hashes = append(hashes, start.Hash())
	}
	if err := u.read(hashes...); err != nil {
		return nil, false, err
	}
	parts, origin := 0, map[string]string{}
	for _, start := range starts {
		at := u.people[u.home[start.Hash()]]
		if at == nil {
			continue // that end is known no more
		}
		held := at.Held(start)
		if len(held) == len(at.Nodes) {
			continue
		}
		if parts++; parts > maxParts {
			return u.ahead(origin), true, nil
		}
		old := cmp.Or(origin[at.Root], at.Root)
		part, err := u.split(at, held)
		if err != nil {
			return nil, false, err
		}
		origin[at.Root], origin[part.Root] = old, old
	}
	return u.ahead(origin), false, nil
}

// ahead returns pointers to write before the parts of a person part, nil when
// one commit holds all of them. Origin names, by the root of each part, the one
// that it comes from. Until they part, the pointers lead by the new roots, which
// point to the old one, to the person that all are still in.
func (u *unit) ahead(origin map[string]string) []table.Write {
	var roots, others []table.Write
	for _, to := range sortedKeys(origin) {
		if old := origin[to]; to != old && u.items[to].pointer != old {
			roots = append(roots, u.lead(to, old))
		}
		for _, n := range u.people[to].Nodes {
			if w, ok := u.pointer(n.ID.Hash(), to); ok {
				others = append(others, w)
			}
		}
	}
	if len(others) <= maxPointers {
		return nil
	}
	return append(roots, others...)[:min(len(roots)+len(others), maxAhead)]
}

// lift ends the refusals that the splits of a node left, as many as one commit
// holds.
func (u *unit) lift(id person.NodeID) (more bool, err error) {
	size := 0
	for i, with := range outByProof(u.people[u.home[id.Hash()]].Node(id)) {
		if err := u.read(with.Hash()); err != nil {
			return false, err
		}
		if u.moved(with.Hash()) {
			return false, errContended
		}
		if root, ok := u.home[with.Hash()]; ok {
			size += 2 + min(len(u.people[root].Nodes), maxRepoint)
		}
		if i > 0 && size > maxPointers {
			return true, nil
		}
		if err := u.readmit(id, with); err != nil {
			return false, err
		}
	}
	return false, nil
}

// outByProof lists what the node was taken away from, the end first that the
// earliest evidence leads to: that one owns it in the end, so it joins no other
// on the way, whose memberships it would take along.
func outByProof(n *person.Node) []person.NodeID {
	out := n.Out()
	slices.SortStableFunc(out, func(a, b person.NodeID) int {
		x, y := n.Refusal(a).Link, n.Refusal(b).Link
		switch {
		case x == nil && y == nil:
			return 0
		case x == nil:
			return 1
		case y == nil || x.Before(*y):
			return -1
		}
		return 1
	})
	return out
}

// readmit ends the refusal between two identities and counts the evidence that
// waited at either end.
func (u *unit) readmit(id, with person.NodeID) error {
	waited := map[person.NodeID]*person.Link{}
	for _, end := range [2][2]person.NodeID{{id, with}, {with, id}} {
		if root, ok := u.home[end[0].Hash()]; ok {
			waited[end[0]] = u.people[root].Node(end[0]).Lift(end[1])
			u.dirty[root] = true
		}
	}
	if len(waited) < 2 {
		return nil // the other was erased, and what waited is about nobody
	}
	for _, from := range [2]person.NodeID{id, with} {
		l := waited[from]
		if l == nil {
			continue
		}
		verdict, err := u.own(from, l.To, *l, false)
		switch {
		case err != nil:
			return err
		case verdict == TooManyIDs:
			return fault.New(fault.Conflict, TooManyIDs,
				"together they would have more than %d identities; take others out first", person.MaxNodes).In("node")
		}
	}
	return nil
}
