package message

import (
	"encoding/json"
	"fmt"
	"time"

	"rapport/shared/person"
	"rapport/shared/quiet"
)

// Reasons why a message waits, and, when it waited in vain, why it does not go
// out.
const (
	QuietHours = "quiet_hours"
	Capped     = "capped"  // a budget has no room for it
	Cadence    = "cadence" // the person wishes for fewer
)

// DefaultDefer is for how long a message may wait where its template says nothing.
const DefaultDefer = 24 * time.Hour

// MaxDefer is the longest that a template may say: within it the walk that asked
// for the message is remembered, and that it was counted.
const MaxDefer = 7 * 24 * time.Hour

// MaxWaits is how many messages to one person wait at most; more would be too many
// to send ever, and would make the person's item large.
const MaxWaits = 50

// yielding is how long a message waits for one that is worth more to be decided.
const yielding = 10 * time.Minute

// Contact is when and how often a strategy lets people be written to, over all
// purposes but transactional ones.
type Contact struct {
	Quiet  *quiet.Hours  `json:"quiet,omitempty"`  // nil: none
	Zones  []string      `json:"zones,omitempty"`  // IANA names, in which whose zone is unknown may be; none: all
	Budget *quiet.Budget `json:"budget,omitempty"` // nil: no limit
}

// Crowd is what else is known at the last moment: of the other messages to the
// person, and of when it may be written to.
type Crowd struct {
	Person   *person.Person
	Contact  Contact
	Purposes []Purpose      // all of the strategy
	Home     *time.Location // the strategy's zone
}

// Pause is that a message which the gate lets pass must wait.
type Pause struct {
	Reason string
	Detail string    // the reason in a sentence
	Until  time.Time // when to ask again
	Ends   time.Time // after which it does not wait any more
}

// Over reports whether the message waited in vain.
func (p *Pause) Over(now time.Time) bool { return !now.Before(p.Ends) }

// Wait is what the person remembers of a message that is put off.
func (p *Pause) Wait(m *Message, look Look) person.Wait {
	stub := *m
	stub.Content = nil
	body, _ := json.Marshal(stub) // texts and times: cannot fail
	return person.Wait{
		ID: m.ID, Until: p.Until, Ends: p.Ends, Purpose: look.Purpose.ID, Value: look.Template.Value, Message: body,
	}
}

// Pauses says that a message which the gate lets pass must wait, nil when it may
// go now. What a transactional purpose sends never waits. Until is the first
// instant that quiet hours, budgets and cadence allow, all together, or the end of
// the message's patience if that is earlier: what they are may change meanwhile.
func Pauses(m *Message, look Look, crowd Crowd, now time.Time) *Pause {
	if look.Purpose.Transactional {
		return nil
	}
	c := circumstances(m, look, crowd, now)
	reason, detail, until := "", "", now
	const rounds = 10 // each moves over the end of something; two or three are many
	for range rounds {
		at := until
		for _, limit := range c.limits() {
			next := limit.from(until)
			if !next.After(until) {
				continue
			}
			if until = next; reason == "" {
				reason, detail = limit.reason, limit.detail
			}
		}
		if until.Equal(at) {
			break
		}
	}
	if reason == "" {
		reason, detail, until = c.outbid(now)
	}
	if reason == "" {
		return nil
	}
	if until.After(c.ends) {
		until = c.ends
	}
	// A person remembers milliseconds, and nothing may be asked for too early.
	until = until.Add(time.Millisecond - 1).Truncate(time.Millisecond)
	return &Pause{Reason: reason, Detail: detail, Until: until, Ends: c.ends}
}

// limit is one of the things that hold a message back.
type limit struct {
	reason, detail string
	from           func(at time.Time) time.Time // the first instant that it allows
}

// situation is all that the limits of one message depend on.
type situation struct {
	rule    quiet.Rule
	cadence string
	budgets []spent
	all     []time.Time // sent, of purposes that are not transactional
	rivals  []person.Wait
	mine    person.Wait
	ends    time.Time
}

// spent is a budget with what was sent out of it; of is the purpose that it is
// about, "" for all.
type spent struct {
	quiet.Budget
	of   string
	sent []time.Time
}

func circumstances(m *Message, look Look, crowd Crowd, now time.Time) situation {
	t, purpose, p := look.Template, look.Purpose, crowd.Person
	chosen := p.Preferences()
	var own person.QuietHours
	_ = json.Unmarshal(chosen[person.Quiet].Value, &own) // what cannot be read is none
	s := situation{mine: person.Wait{ID: m.ID, Value: t.Value}, ends: m.Due.Add(t.patience())}
	s.mine.Ends = s.ends
	_ = json.Unmarshal(chosen[person.Cadence].Value, &s.cadence) // as above
	hours := crowd.Contact.Quiet
	if purpose.Quiet != nil {
		hours = purpose.Quiet
	}
	s.rule.Hours = []quiet.Hours{quiet.Own(own)}
	if hours != nil {
		s.rule.Hours = append(s.rule.Hours, *hours)
	}
	s.rule.Place = quiet.Where(p, own.Zone, crowd.Contact.Zones, crowd.Home, now)
	exempt := map[string]bool{}
	for _, other := range crowd.Purposes {
		exempt[other.ID] = other.Transactional
	}
	if b := crowd.Contact.Budget; b != nil {
		s.budgets = append(s.budgets, spent{Budget: *b})
	}
	if b := purpose.Budget; b != nil {
		s.budgets = append(s.budgets, spent{Budget: *b, of: purpose.ID})
	}
	for _, send := range p.Sent(time.Time{}) {
		if send.ID != m.ID && !exempt[send.Purpose] {
			s.charge(send)
		}
	}
	for _, w := range p.Waiting() {
		if w.ID != m.ID && !exempt[w.Purpose] && w.Ready(now) && precedes(w, s.mine) {
			s.rivals = append(s.rivals, w)
		}
	}
	return s
}

func (t *Template) patience() time.Duration {
	if t.Defer > 0 {
		return t.Defer
	}
	return DefaultDefer
}

func (s *situation) charge(send person.Send) {
	s.all = append(s.all, send.At)
	for i := range s.budgets {
		if b := &s.budgets[i]; b.of == "" || b.of == send.Purpose {
			b.sent = append(b.sent, send.At)
		}
	}
}

// precedes reports whether of two messages that compete the first one goes: the
// one that is worth more, then the one that can wait less.
func precedes(a, b person.Wait) bool {
	switch {
	case a.Value != b.Value:
		return a.Value > b.Value
	case !a.Ends.Equal(b.Ends):
		return a.Ends.Before(b.Ends)
	}
	return a.ID < b.ID
}

// limits are all that hold the message back.
func (s *situation) limits() []limit {
	out := []limit{{QuietHours, fmt.Sprintf("quiet hours %s in %s", s.rule, s.rule.Place), func(at time.Time) time.Time {
		first, ok := s.rule.First(at)
		if !ok {
			return at.Add(MaxDefer) // never
		}
		return first
	}}}
	for _, b := range s.budgets {
		what := "all purposes"
		if b.of != "" {
			what = b.of
		}
		out = append(out, limit{Capped, fmt.Sprintf("the budget of %s is %s", what, b.Budget), func(at time.Time) time.Time {
			return b.Room(b.sent, at)
		}})
	}
	return append(out, limit{Cadence, fmt.Sprintf("the person wishes for at most one message, %s, in %s", s.cadence, s.rule.Place), func(at time.Time) time.Time {
		return quiet.Turn(s.cadence, s.rule.Place, s.all, at)
	}})
}

// outbid says that the message, which could go now, leaves the room to others
// that are worth more and may be decided at any moment.
func (s *situation) outbid(now time.Time) (reason, detail string, until time.Time) {
	for _, w := range s.rivals {
		s.charge(person.Send{ID: w.ID, Purpose: w.Purpose, At: now})
	}
	for _, limit := range s.limits() {
		if limit.from(now).After(now) {
			return limit.reason, "another message, which is worth more, is about to take the room: " + limit.detail, now.Add(yielding)
		}
	}
	return "", "", now
}
