// Package people holds the heart of Rapport: Apply, the pure function that
// folds one event into one person, and the Store that finds, joins and commits
// people so that each event counts once and nothing is lost.
package people

import (
	"bytes"
	"encoding/json"
	"time"

	"rapport/shared/audience"
	"rapport/shared/event"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Apply folds one event into the person that has its node, and says what must
// happen because of it. The person that is passed in stays as it is. Now is
// when Rapport handles the event; it decides memberships and the next due
// instant, never the state.
//
// Folding the same set of events in any order gives the same view; folding one
// of them twice does not, so callers drop repetitions first (Store.Fold).
func Apply(p *person.Person, e *event.Event, s *strategy.Strategy, now time.Time) (*person.Person, []Effect) {
	next := p.Clone()
	effects, _ := apply(next, e, s, now)
	return next, effects
}

// apply is Apply in place, for callers that own the person. The verdict is what
// consent says of the event, "" for nothing.
func apply(p *person.Person, e *event.Event, s *strategy.Strategy, now time.Time) (effects []Effect, verdict string) {
	goals, verdict := absorb(p, e, s, now)
	// History may be late by years: it makes people, and triggers nothing.
	return append(goals, reassess(p, e.Node(), e.MessageID, s, now, e.Imported)...), verdict
}

// absorb changes the state of the event's node, and nothing that depends on the
// moment but which old journeys are forgotten, and whether consent holds: of
// somebody who does not let us remember what they do, only that a goal was reached
// is taken in, so that nobody is reminded of what is done. It returns the goals
// that the event reached.
func absorb(p *person.Person, e *event.Event, s *strategy.Strategy, now time.Time) (goals []Effect, verdict string) {
	id := e.Node()
	n := p.Node(id)
	if n == nil {
		n = &person.Node{ID: id}
		p.Adopt(n)
	}
	n.Named = true
	verdict = agree(n, e, s)
	if !observes(p.Consents(), e, s, now) {
		return travel(p, n, e, s, now, false), NoConsent
	}
	n.See(e.Timestamp)
	declare(n, e)
	compute(n, e, s.Declared)
	live(n, e, s.Lifecycle)
	return travel(p, n, e, s, now, true), verdict
}

// declare takes the traits of an identify. Those that came with an unproven
// claim to be somebody describe that somebody, and are left alone.
func declare(n *person.Node, e *event.Event) {
	if e.Type != event.Identify || e.Claim != "" || len(e.Traits) == 0 {
		return
	}
	var traits map[string]json.RawMessage
	if json.Unmarshal(e.Traits, &traits) != nil {
		return
	}
	for name, value := range traits {
		n.Declare(name, person.Trait{Value: value, At: e.Timestamp, By: e.MessageID})
	}
}

// compute feeds the computed traits that listen to this event.
func compute(n *person.Node, e *event.Event, declared *person.Declared) {
	day := declared.Days.Day(e.Timestamp)
	for _, c := range declared.Computed {
		if !listens(c.Event, e) {
			continue
		}
		value := property(e, c.Of)
		if c.Op.TakesProperty() && value == nil {
			continue
		}
		n.Fold(c.Name).Add(c, e.Timestamp, day, e.MessageID, value)
	}
}

// live remembers what the life cycle depends on.
func live(n *person.Node, e *event.Event, c *person.Lifecycle) {
	if c == nil {
		return
	}
	if listens(c.Goal, e) {
		n.Life.Buy(person.Purchase{At: e.Timestamp, By: e.MessageID})
	}
	for _, name := range c.Lead {
		n.Life.Lead = n.Life.Lead || listens(name, e) || name == person.Identified && e.Type == event.Identify
	}
}

func listens(name string, e *event.Event) bool {
	switch e.Type {
	case event.Track:
		return name == e.Name
	case event.Page, event.Screen:
		return name == string(e.Type)
	default:
		return false
	}
}

// property returns the first of the paths that the event has a value for.
func property(e *event.Event, paths []string) json.RawMessage {
	for _, path := range paths {
		if path == person.TimestampProperty {
			raw, _ := json.Marshal(e.Timestamp.UTC().Format(timeFormat))
			return raw
		}
		if value := lookup(e.Properties, path); value != nil && !bytes.Equal(value, []byte("null")) {
			return value
		}
	}
	return nil
}

// timeFormat is how times stand in answers and computed traits: milliseconds, UTC.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// lookup finds "total" or "order.total" in a JSON object. A name that holds a
// dot itself is tried whole first.
func lookup(object json.RawMessage, path string) json.RawMessage {
	var fields map[string]json.RawMessage
	if len(object) == 0 || json.Unmarshal(object, &fields) != nil {
		return nil
	}
	if value, ok := fields[path]; ok {
		return value
	}
	for i := range path {
		if path[i] == '.' {
			if value := lookup(fields[path[:i]], path[i+1:]); value != nil {
				return value
			}
		}
	}
	return nil
}

// reassess evaluates every audience, takes the steps of journeys that are due,
// says what must happen because of both, and arms the person's timer when time
// alone can change something before it would fire. A due instant that moved
// later is left: the timer finds out when it fires. Quiet is for history:
// memberships are known without being announced, and no step is taken.
func reassess(p *person.Person, node person.NodeID, cause string, s *strategy.Strategy, now time.Time, quiet bool) []Effect {
	effects, flip := enrol(p, node, cause, s, now)
	if quiet {
		effects = nil
	}
	steps, next := proceed(p, s, cause, now, quiet)
	due := earlier(flip, next)
	// A due instant that has passed is either about to fire or was lost; it has
	// just been served.
	if p.Due.Before(now) || (!due.IsZero() && due.Before(p.Due)) {
		p.Due = due
	}
	return append(effects, steps...)
}

// enrol brings memberships and stage up to date, and returns when time alone can
// change one.
func enrol(p *person.Person, node person.NodeID, cause string, s *strategy.Strategy, now time.Time) (effects []Effect, due time.Time) {
	view := p.View(s.Declared, now)
	var facts audience.Facts
	s.Rules.Fill(&facts, view, nil, now)
	for i, a := range s.Audiences {
		matched := belongs(s, i, &facts)
		_, member := p.Audiences[a.ID]
		switch {
		case matched && !member:
			p.Enter(a.ID, now)
			effects = append(effects, newEffect(AudienceEntered, node, a.ID, cause, now))
		case !matched && member:
			p.Leave(a.ID)
			effects = append(effects, newEffect(AudienceLeft, node, a.ID, cause, now))
		}
	}
	forget(p, s)
	return append(effects, advance(p, node, view.Stage, cause, now)...), turn(p, s, view, &facts, now)
}

// forget drops memberships of audiences that the strategy no longer has.
func forget(p *person.Person, s *strategy.Strategy) {
	for id := range p.Audiences {
		if _, ok := s.AudienceIndex(id); !ok {
			p.Leave(id)
		}
	}
}
