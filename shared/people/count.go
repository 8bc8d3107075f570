package people

import (
	"time"

	"rapport/shared/decision"
	"rapport/shared/event"
	"rapport/shared/insight"
	"rapport/shared/journey"
	"rapport/shared/person"
)

// Counting returns the store, which from now on also says what to count of the
// events that it folds. The keys are those that decide signs receipts with.
func (s *Store) Counting(keys decision.Keyring) *Store {
	s.receipts = &keys
	return s
}

// count says what to count of an event that was just applied.
func (u *unit) count(p *person.Person, e *event.Event) []Effect {
	if u.receipts == nil {
		return nil
	}
	observer := insight.Observer{Keys: *u.receipts, Zone: u.strategy.Location()}
	own := p.Node(e.Node())
	subject := insight.Subject{Unit: p.Unit, Own: memoryOf(own)}
	for _, n := range p.Nodes {
		subject.Nodes = append(subject.Nodes, n.ID.Hash())
		if n != own {
			subject.Others = append(subject.Others, memoryOf(n))
		}
	}
	memory, tallies := observer.Observe(e, subject, u.now)
	own.Shown, own.Orders = memory.Shown, memory.Orders
	out := make([]Effect, len(tallies))
	for i := range tallies {
		out[i] = counted(&tallies[i], own.ID, e.MessageID, u.now)
	}
	return out
}

func memoryOf(n *person.Node) insight.Memory { return insight.Memory{Shown: n.Shown, Orders: n.Orders} }

func counted(t *insight.Tally, node person.NodeID, cause string, now time.Time) Effect {
	return Effect{ID: t.ID, Kind: Counted, Node: node.String(), Cause: cause, At: now.UTC(), Tally: t}
}

// reached counts the goals of walks that had a mail planned, once a walk.
func reached(p *person.Person, j *journey.Journey, key string, e *event.Event, now time.Time) []Effect {
	var out []Effect
	for _, name := range walksOf(p, j.ID) {
		if key != "" && name != key {
			continue
		}
		w, _ := p.Walk(j.ID, name)
		if w.Fired == 0 || w.Over() || w.Changed.After(e.Timestamp) {
			continue
		}
		t := &insight.Tally{
			ID:    insight.ID("goal", w.Node.Hash(), j.ID, name, w.Changed.UTC().Format(time.RFC3339Nano)),
			Cells: []insight.Cell{{Name: insight.Name("journey", j.ID, "goal"), N: 1}},
		}
		out = append(out, counted(t, e.Node(), e.MessageID, now))
	}
	return out
}
