package publish

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"rapport/shared/audience"
	"rapport/shared/decision"
	"rapport/shared/persona"
	"rapport/shared/strategy"
)

// The keys of what a persona expects; every other one is a slot.
const (
	expectedAt        = "at"
	expectedAudiences = "audiences" // that the persona must be in
	expectedOutside   = "outside"   // audiences that it must not be in
)

var expectedKeys = []string{expectedAt, expectedAudiences, expectedOutside}

// anyDay is when personas are looked at by a strategy that is the same on every
// day, so that whether it is valid does not depend on when that is asked.
var anyDay = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// trial is one persona that is held against the strategy that it is part of.
type trial struct {
	loader   *loader
	strategy *strategy.Strategy
	plan     *decision.Plan
	persona  *persona.Persona
	expects  mapping
	now      time.Time
	facts    audience.Facts
}

// checkExpected holds every persona against what it expects of the strategy.
func (l *loader) checkExpected(s *strategy.Strategy) {
	plan := decision.NewPlan(s)
	for _, id := range l.personas.ids() {
		e := l.personas.at[id]
		if e.body.fields["expects"] == nil {
			continue
		}
		t := &trial{loader: l, strategy: s, plan: plan, persona: &e.value}
		if !t.read(e.body) || !t.dated() {
			continue
		}
		view := e.value.View(s.Declared, t.now)
		s.Rules.Fill(&t.facts, view, nil, t.now)
		t.audiences(expectedAudiences, true)
		t.audiences(expectedOutside, false)
		for _, slot := range s.Slots {
			if slices.Contains(expectedKeys, slot.ID) {
				continue
			}
			if n := t.expects.scalar(slot.ID); n != nil {
				t.block(n, plan, slot.ID, decision.Request{View: view, Now: t.now, Explain: true})
			}
		}
	}
}

// read takes the keys of what the persona expects.
func (t *trial) read(body mapping) bool {
	keys := slices.Clone(expectedKeys)
	for _, slot := range t.strategy.Slots {
		keys = append(keys, slot.ID)
	}
	var ok bool
	t.expects, ok = t.loader.mapping(body.file, body.fields["expects"], "what "+body.what+" expects", keys...)
	return ok
}

// dated finds the moment of the check. It must be told where the day matters.
func (t *trial) dated() bool {
	if t.expects.fields[expectedAt] != nil {
		t.now = t.expects.moment(expectedAt, t.loader.location)
		return !t.now.IsZero()
	}
	t.now = anyDay
	if what := calendrical(t.strategy); what != "" {
		t.loader.report(t.expects.file, t.expects.node, "%s needs at, a date like 2026-11-30: %s", t.expects.what, what)
		return false
	}
	return true
}

// calendrical names what in the strategy is about certain days, "" for nothing.
func calendrical(s *strategy.Strategy) string {
	for _, a := range s.Audiences {
		if fixed(&a.When) {
			return fmt.Sprintf("the rule of the audience %s is about a certain time", a.ID)
		}
	}
	for i := range s.Blocks {
		b := &s.Blocks[i]
		if !b.From.IsZero() || !b.Until.IsZero() {
			return fmt.Sprintf("the block %s has from or until", b.ID)
		}
		if b.Rule != nil && fixed(b.Rule) {
			return fmt.Sprintf("the rule of the block %s is about a certain time", b.ID)
		}
	}
	return ""
}

// fixed reports whether a rule names a time, or makes one of a value.
func fixed(p *audience.Program) bool {
	if p.Op == audience.OpConst && p.Type == audience.TypeTime || p.Op == audience.OpTime {
		return true
	}
	return slices.ContainsFunc(p.Args, func(arg audience.Program) bool { return fixed(&arg) })
}

// audiences holds the persona's membership in each audience under the key
// against what it must be. Those that it does not name are not looked at, so that
// a new one does not concern every persona.
func (t *trial) audiences(key string, wanted bool) {
	n := t.expects.fields[key]
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		t.report(n, "%s of %s must be a list of audiences, not %s", key, t.expects.what, kindOf(n))
		return
	}
	seen := map[string]bool{}
	for _, item := range n.Content {
		i, ok := t.strategy.AudienceIndex(item.Value)
		switch {
		case !ok:
			t.report(item, "there is no audience %q%s", item.Value, didYouMean(item.Value, t.loader.audiences.ids()))
		case seen[item.Value]:
			t.report(item, "%q stands twice in what %s expects: keep one", item.Value, t.who())
		default:
			t.membership(item, i, wanted)
		}
		seen[item.Value] = true
	}
}

func (t *trial) membership(n *yaml.Node, i int, wanted bool) {
	matched, err := t.strategy.Rules.Match(i, &t.facts)
	switch member := matched && err == nil; {
	case member && !wanted:
		t.report(n, "%s is in the audience %s, where it expects not to be: %s", t.who(), n.Value, t.strategy.Rules.Why(i, &t.facts))
	case !member && wanted:
		t.report(n, "%s is not in the audience %s, as it expects: %s", t.who(), n.Value, t.strategy.Rules.Why(i, &t.facts))
	}
}

// block compares what the persona gets in a slot with what it expects there. Of
// blocks that are drawn by weight it may get any, so each of them is right.
func (t *trial) block(n *yaml.Node, plan *decision.Plan, slotID string, r decision.Request) {
	r.Slots, _ = plan.Slots([]string{slotID}) // it is one of the strategy's
	chosen := plan.Decide(r).Decisions[0]
	at := slices.IndexFunc(chosen.Candidates, func(c decision.Candidate) bool { return c.Block == n.Value })
	if at < 0 {
		var known []string
		for _, c := range chosen.Candidates {
			known = append(known, c.Block)
		}
		t.report(n, "the slot %s has no block %q%s", slotID, n.Value, didYouMean(n.Value, known))
		return
	}
	if wanted := chosen.Candidates[at]; wanted.Reason != decision.Chosen && wanted.Reason != decision.Equal {
		t.report(n, "%s gets the block %s in %s, not %s, as it expects: %s", t.who(), chosen.Block.ID, slotID, n.Value, reason(wanted, chosen.Block.Priority))
	}
}

// reason says why a block was not chosen.
func reason(c decision.Candidate, best int) string {
	switch c.Reason {
	case decision.Early:
		return "it is shown later"
	case decision.Late:
		return "it is shown no more"
	case decision.Audience:
		return strings.TrimSuffix("it is for the audience "+c.Audience+", and "+c.Why, ", and ")
	case decision.When:
		return "its rule does not hold: " + c.Why
	case decision.Unneeded:
		return "it is for who gets no other"
	default:
		return fmt.Sprintf("its priority is %d, that of the other %d", c.Priority, best)
	}
}

func (t *trial) who() string { return "the persona " + t.persona.ID }

func (t *trial) report(n *yaml.Node, format string, args ...any) {
	t.loader.report(t.expects.file, n, format, args...)
}
