package people

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"rapport/shared/event"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// travel lets a track event start, change or end the person's journeys. A goal
// is remembered also from history, for it says that the matter is settled; a
// trigger that is history, or older than a day, or that may not be observed,
// starts nothing. It returns the goals that were reached after a mail, to be
// counted.
func travel(p *person.Person, n *person.Node, e *event.Event, s *strategy.Strategy, now time.Time, observed bool) (goals []Effect) {
	if e.Type != event.Track || byMachine(e) {
		return nil
	}
	for i := range s.Journeys {
		j := &s.Journeys[i]
		if j.Ends(e.Name) {
			if !e.Imported {
				goals = append(goals, reached(p, j, keyOf(j, e), e, now)...)
			}
			n.Reach(person.InstanceKey(j.ID, keyOf(j, e)), e.Timestamp)
			continue
		}
		if !observed || e.Imported || now.Sub(e.Timestamp) > journey.LateTrigger {
			continue
		}
		w, known := p.Walk(j.ID, keyOf(j, e))
		if j.Starts(e.Name) || (known && !w.Over() && j.Changes(e.Name)) {
			step(n, j, e, w.Over())
		}
	}
	forgetOld(p, s, now)
	return goals
}

// byMachine reports whether a program made the event: a mailbox that loads each
// picture, a scanner that follows each link. It says nothing of what the person
// wants (hear marks it).
func byMachine(e *event.Event) bool {
	return string(lookup(e.Properties, "machine")) == "true"
}

// step brings the instance up to the event, which restarts its wait. After a
// goal it begins anew, with nothing in the cart: what was in it is bought.
func step(n *person.Node, j *journey.Journey, e *event.Event, anew bool) {
	in := n.Start(person.InstanceKey(j.ID, keyOf(j, e)), person.Instance{
		Version: j.Version, Changed: e.Timestamp, By: e.MessageID,
	})
	if anew {
		in.Content = nil
	}
	in.Content = journey.Fill(in.Content, e.Name, e.Properties)
}

func keyOf(j *journey.Journey, e *event.Event) string {
	if j.Key == "" {
		return ""
	}
	raw := lookup(e.Properties, j.Key)
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw) // a number is as good a cart id as any
	}
	const most = 128
	if text == "null" || len(text) > most {
		return ""
	}
	return text
}

// keepWalks is for how long an instance is known after its last change, beyond
// the journey's own length, so long a cart brings no second mail; and a goal, for
// it must be known while anything is that it ended.
const keepWalks = 30 * 24 * time.Hour

// forgetOld looks at all nodes at once: a goal on one of them ends instances on
// others, which were changed no later and are forgotten no later.
func forgetOld(p *person.Person, s *strategy.Strategy, now time.Time) {
	for _, n := range p.Nodes {
		for name, in := range n.Instances {
			if now.Sub(in.Changed) > keepWalks+longest(s, name) {
				delete(n.Instances, name)
			}
		}
		for name, at := range n.Goals {
			if now.Sub(at) > keepWalks+longest(s, name) {
				delete(n.Goals, name)
			}
		}
	}
}

func longest(s *strategy.Strategy, name string) time.Duration {
	id, _, _ := strings.Cut(name, "|")
	var most time.Duration
	for _, list := range [][]journey.Journey{s.Journeys, s.Retired} {
		for i := range list {
			if list[i].ID == id {
				most = max(most, list[i].Longest())
			}
		}
	}
	return most
}

// stage is a walk with the definition that it goes by.
type stage struct {
	person.Walk
	journey *journey.Journey
	key     string
}

// due is when the walk's next step is to be taken.
func (g stage) due() time.Time {
	from := g.Changed
	if g.FiredAt.After(from) {
		from = g.FiredAt
	}
	return from.Add(g.journey.Steps[g.Fired].Wait)
}

// stages lists the walks that are under way, in a fixed order.
func stages(p *person.Person, s *strategy.Strategy) []stage {
	var out []stage
	for i := range s.Journeys {
		id := s.Journeys[i].ID
		for _, key := range walksOf(p, id) {
			w, _ := p.Walk(id, key)
			j := definition(s, id, w.Version)
			if !w.Over() && w.Fired < len(j.Steps) {
				out = append(out, stage{Walk: w, journey: j, key: key})
			}
		}
	}
	return out
}

// walksOf lists the keys of a person's walks through a journey, sorted.
func walksOf(p *person.Person, id string) []string {
	var keys []string
	for _, n := range p.Nodes {
		for name := range n.Instances {
			if key, ok := strings.CutPrefix(name, person.InstanceKey(id, "")); ok {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// definition is the version that the walk began with, so that a journey which is
// edited strands nobody; the current one when that version is no longer kept.
func definition(s *strategy.Strategy, id, version string) *journey.Journey {
	var current *journey.Journey
	for _, list := range [][]journey.Journey{s.Journeys, s.Retired} {
		for i := range list {
			switch {
			case list[i].ID != id:
			case list[i].Version == version:
				return &list[i]
			case current == nil:
				current = &list[i]
			}
		}
	}
	return current
}

// proceed takes the steps that are due and returns what must be sent, messages
// that waited among it, and when there is more to do; zero when there is not.
func proceed(p *person.Person, s *strategy.Strategy, cause string, now time.Time, quiet bool) (effects []Effect, next time.Time) {
	effects, next = release(p, cause, now, quiet)
	for _, g := range stages(p, s) {
		due := g.due()
		if due.After(now) || quiet {
			next = earlier(next, due)
			continue
		}
		effects = append(effects, fire(p, g, cause, due, now))
		if g.Fired++; g.Fired < len(g.journey.Steps) {
			g.FiredAt = now
			next = earlier(next, g.due())
		}
	}
	return effects, next
}

// fire takes one step. The message is named by the step and the change that it
// followed, so that the same step never makes two.
func fire(p *person.Person, g stage, cause string, due, now time.Time) Effect {
	in := p.Node(g.Node).Instances[person.InstanceKey(g.journey.ID, g.key)]
	in.Fired, in.FiredAt, in.FiredOn = g.Fired+1, now, g.Changed
	m := &message.Message{
		Node: g.Node.Hash(), Journey: g.journey.ID, Version: g.journey.Version, Key: g.key, Step: g.Fired,
		Changed: g.Changed, Template: g.journey.Steps[g.Fired].Send, Content: g.Content, Due: due,
	}
	name := strings.Join([]string{m.Journey, m.Key, string(rune('0' + m.Step)), g.Changed.UTC().Format(time.RFC3339Nano), g.By}, "\x00")
	sum := sha256.Sum256([]byte(name))
	m.ID = m.Node + "_" + strings.ToLower(idText.EncodeToString(sum[:16]))
	return Effect{ID: m.ID, Kind: MessageDue, Node: g.Node.String(), Cause: cause, At: now.UTC(), Message: m}
}

// Void says why a message must not go out any more: "goal" when what it asks for
// was done, "changed" when it was done and the walk has begun anew since, so that
// the message shows a cart that is no more, "gone" when the person has no such
// instance; "" while it holds. A change without a goal does not void: the step
// was taken, it will not be taken again, and one mail is owed.
func Void(p *person.Person, m *message.Message) string {
	w, ok := p.Walk(m.Journey, m.Key)
	switch {
	case !ok:
		return "gone"
	case w.Over():
		return "goal"
	case !w.Goal.IsZero() && !m.Changed.After(w.Goal):
		return "changed"
	}
	return ""
}

// earlier is the earlier of two instants, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
