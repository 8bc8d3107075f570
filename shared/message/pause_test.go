package message_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"pgregory.net/rapid"

	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/quiet"
)

// pausing is a message that is due at ten in the evening in Kyiv, and all around it.
type pausing struct {
	message  message.Message
	template message.Template
	purpose  message.Purpose
	contact  message.Contact
	node     *person.Node
	now      time.Time
}

var evening = time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)

func newPausing() *pausing {
	p := &pausing{
		message:  message.Message{ID: "n_me", Node: "n", Journey: "cart", Key: "c1", Due: evening, Content: json.RawMessage(`{"items":[]}`)},
		template: message.Template{ID: "reminder", Purpose: "marketing"},
		purpose:  message.Purpose{ID: "marketing", Basis: message.OptOut},
		node:     &person.Node{ID: person.NodeID{Kind: person.UserID, Value: "u1"}},
		now:      evening,
	}
	p.node.Declare("timezone", person.Trait{Value: json.RawMessage(`"Europe/Kyiv"`), At: evening})
	return p
}

func (p *pausing) prefers(field, value string) {
	p.node.Prefer(field, person.Trait{Value: json.RawMessage(value), At: evening})
}

func (p *pausing) sent(id, purpose string, ago time.Duration) {
	p.node.Sends = append(p.node.Sends, person.Send{ID: id, Purpose: purpose, At: p.now.Add(-ago)})
}

func (p *pausing) look() message.Look {
	return message.Look{Template: &p.template, Purpose: &p.purpose, Address: "customer@example.com"}
}

func (p *pausing) pause(t testing.TB) *message.Pause {
	t.Helper()
	home, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	receipts := message.Purpose{ID: "receipts", Transactional: true}
	return message.Pauses(&p.message, p.look(), message.Crowd{
		Person: &person.Person{Nodes: []*person.Node{p.node}}, Contact: p.contact, Purposes: []message.Purpose{p.purpose, receipts}, Home: home,
	}, p.now)
}

var (
	night = &quiet.Hours{From: 21 * 60, To: 8 * 60}
	one   = &quiet.Budget{Most: 1, Days: 1}
)

func TestWhatHoldsAMessageBack(t *testing.T) {
	const h = time.Hour
	morning := 10 * h // 08:00 in Kyiv
	for _, c := range []struct {
		name    string
		prepare func(*pausing)
		reason  string
		after   time.Duration
		detail  string
	}{
		{"nothing", func(*pausing) {}, "", 0, ""},
		{"quiet hours", func(p *pausing) { p.contact.Quiet = night }, message.QuietHours, morning, "quiet hours 21:00–08:00 in Europe/Kyiv (timezone)"},
		{"quiet hours that are over", func(p *pausing) { p.contact.Quiet, p.now = night, p.now.Add(morning) }, "", 0, ""},
		{"none for the purpose", func(p *pausing) { p.contact.Quiet, p.purpose.Quiet = night, &quiet.None }, "", 0, ""},
		{"others for the purpose", func(p *pausing) { p.contact.Quiet, p.purpose.Quiet = night, &quiet.Hours{From: 20 * 60, To: 9 * 60} }, message.QuietHours, 11 * h, "20:00–09:00"},
		{"transactional", func(p *pausing) {
			p.contact = message.Contact{Quiet: night, Budget: one}
			p.sent("a", "marketing", 0)
			p.prefers(person.Cadence, `"monthly"`)
			p.purpose.Transactional = true
		}, "", 0, ""},
		{"the person's own hours", func(p *pausing) { p.prefers(person.Quiet, `{"from":"19:00","to":"10:00"}`) }, message.QuietHours, 12 * h, "19:00–10:00 in Europe/Kyiv (timezone)"},
		{"both", func(p *pausing) { p.contact.Quiet = night; p.prefers(person.Quiet, `{"from":"07:30","to":"10:00"}`) }, message.QuietHours, 12 * h, "07:30–10:00 and 21:00–08:00"},
		{"the person's own zone", func(p *pausing) {
			p.contact.Quiet = night
			p.prefers(person.Quiet, `{"from":"03:00","to":"04:00","zone":"America/New_York"}`)
		}, "", 0, ""}, // 15:00 there
		{"own hours that cannot be read", func(p *pausing) { p.prefers(person.Quiet, `{"from":"9pm"}`) }, "", 0, ""},
		{"a budget", func(p *pausing) { p.contact.Budget = one; p.sent("a", "news", 23*h) }, message.Capped, h, "the budget of all purposes is 1 in 1 days"},
		{"a budget with room", func(p *pausing) { p.contact.Budget = one; p.sent("a", "news", 24*h) }, "", 0, ""},
		{"a receipt charges none", func(p *pausing) { p.contact.Budget = one; p.sent("a", "receipts", h) }, "", 0, ""},
		{"nor does the message itself", func(p *pausing) { p.contact.Budget = one; p.sent("n_me", "marketing", h) }, "", 0, ""},
		{"a budget of the purpose", func(p *pausing) { p.purpose.Budget = one; p.sent("a", "marketing", 20*h) }, message.Capped, 4 * h, "the budget of marketing is"},
		{"others do not charge that", func(p *pausing) { p.purpose.Budget = one; p.sent("a", "news", h) }, "", 0, ""},
		{"a budget that has room at night", func(p *pausing) { p.contact = message.Contact{Quiet: night, Budget: one}; p.sent("a", "news", 20*h) }, message.QuietHours, morning, "quiet"},
		{"a budget that has room later", func(p *pausing) { p.contact = message.Contact{Quiet: night, Budget: one}; p.sent("a", "news", 12*h) }, message.QuietHours, 12 * h, "quiet"},
		{"a cadence", func(p *pausing) { p.prefers(person.Cadence, `"daily"`); p.sent("a", "news", h) }, message.Cadence, 2 * h, "daily"}, // midnight in Kyiv
		{"a cadence, and a receipt", func(p *pausing) { p.prefers(person.Cadence, `"daily"`); p.sent("a", "receipts", h) }, "", 0, ""},
		{"a cadence beyond its patience", func(p *pausing) { p.prefers(person.Cadence, `"monthly"`); p.sent("a", "news", h) }, message.Cadence, 24 * h, "monthly"},
		{"more patience", func(p *pausing) {
			p.prefers(person.Cadence, `"weekly"`)
			p.sent("a", "news", h)
			p.template.Defer = 7 * 24 * h
		}, message.Cadence, (2 + 24*5) * h, "weekly"},
		{"a budget that has room at night, a day later", func(p *pausing) {
			p.contact = message.Contact{Quiet: night, Budget: one}
			p.sent("a", "news", h/2)
			p.template.Defer = 7 * 24 * h
		}, message.QuietHours, 34 * h, "quiet"},
		{"a budget to the nanosecond", func(p *pausing) { p.contact.Budget = one; p.sent("a", "news", 23*h-1) }, message.Capped, h + time.Millisecond, "budget"},
		{"all of the day", func(p *pausing) { p.contact.Quiet = night; p.prefers(person.Quiet, `{"from":"07:00","to":"22:00"}`) }, message.QuietHours, 24 * h, "quiet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPausing()
			c.prepare(p)
			got := p.pause(t)
			if got == nil {
				got = &message.Pause{Until: p.now}
			}
			if got.Reason != c.reason || !got.Until.Equal(p.now.Add(c.after)) || !strings.Contains(got.Detail, c.detail) {
				t.Errorf("%s until %s (%s), want %s after %s", got.Reason, got.Until, got.Detail, c.reason, c.after)
			}
		})
	}
}

// A message waits as long as its patience, then it has waited in vain.
func TestPatienceEnds(t *testing.T) {
	for _, patience := range []time.Duration{0, time.Hour} {
		p := newPausing()
		p.contact.Quiet, p.template.Defer = &quiet.Hours{From: 8 * 60, To: 7*60 + 59}, patience
		ends := evening.Add(message.DefaultDefer)
		if patience > 0 {
			ends = evening.Add(patience)
		}
		for _, off := range []time.Duration{-time.Second, 0, time.Second} {
			p.now = ends.Add(off)
			if got := p.pause(t); got == nil || got.Over(p.now) != (off >= 0) || !got.Ends.Equal(ends) || off < 0 && !got.Until.Equal(ends) {
				t.Errorf("%s from its end: %+v", off, got)
			}
		}
	}
}

// Of those that wait for the same room, the one goes that is worth most; then the
// one that can wait less.
func TestTheMostValuableGoes(t *testing.T) {
	for _, c := range []struct {
		name    string
		rival   person.Wait
		prepare func(*pausing)
		yields  bool
	}{
		{"worth more", person.Wait{ID: "r", Purpose: "news", Value: 2}, nil, true},
		{"worth less", person.Wait{ID: "r", Purpose: "news"}, nil, false},
		{"worth as much, and can wait longer", person.Wait{ID: "r", Purpose: "news", Value: 1, Ends: evening.Add(25 * time.Hour)}, nil, false},
		{"worth as much, and can wait less", person.Wait{ID: "r", Purpose: "news", Value: 1, Ends: evening.Add(time.Hour)}, nil, true},
		{"worth as much, and has a smaller id", person.Wait{ID: "a", Purpose: "news", Value: 1}, nil, true},
		{"worth as much, and has a larger id", person.Wait{ID: "r", Purpose: "news", Value: 1}, nil, false},
		{"not yet asked for again", person.Wait{ID: "r", Purpose: "news", Value: 2, Until: evening.Add(time.Minute)}, nil, false},
		{"asked for again, a moment early", person.Wait{ID: "r", Purpose: "news", Value: 2, Until: evening.Add(time.Minute), Released: true}, nil, true},
		{"waited in vain", person.Wait{ID: "r", Purpose: "news", Value: 2, Ends: evening}, nil, false},
		{"a receipt", person.Wait{ID: "r", Purpose: "receipts", Value: 2}, nil, false},
		{"the message itself", person.Wait{ID: "n_me", Purpose: "marketing", Value: 2}, nil, false},
		{"there is room for both", person.Wait{ID: "r", Purpose: "news", Value: 2}, func(p *pausing) { p.contact.Budget = &quiet.Budget{Most: 2, Days: 1} }, false},
		{"another purpose's budget", person.Wait{ID: "r", Purpose: "news", Value: 2}, func(p *pausing) { p.contact.Budget, p.purpose.Budget = nil, one }, false},
		{"a cadence", person.Wait{ID: "r", Purpose: "news", Value: 2}, func(p *pausing) {
			p.contact.Budget = nil
			p.prefers(person.Cadence, `"daily"`)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPausing()
			p.contact.Budget, p.template.Value = one, 1
			if c.prepare != nil {
				c.prepare(p)
			}
			if c.rival.Ends.IsZero() {
				c.rival.Ends = evening.Add(message.DefaultDefer)
			}
			if c.rival.Until.IsZero() {
				c.rival.Until = evening
			}
			p.node.Put(c.rival)
			got := p.pause(t)
			if yields := got != nil; yields != c.yields {
				t.Fatalf("yields: %v", yields)
			}
			if got != nil && (got.Until.Sub(evening) != 10*time.Minute || !strings.Contains(got.Detail, "worth more")) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// However many messages compete, one of them always may go: they do not wait for
// each other in a circle.
func TestOneOfManyGoes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(r, "messages")
		var all []person.Wait
		for i := range n {
			all = append(all, person.Wait{
				ID: fmt.Sprint("n_", i), Purpose: "marketing", Value: rapid.IntRange(0, 2).Draw(r, "value"),
				Until: evening, Ends: evening.Add(time.Duration(rapid.IntRange(1, 3).Draw(r, "ends")) * time.Hour), Released: rapid.Bool().Draw(r, "released"),
			})
		}
		went := 0
		for _, mine := range all {
			p := newPausing()
			p.contact.Budget = one
			p.message.ID, p.template.Value, p.template.Defer = mine.ID, mine.Value, mine.Ends.Sub(evening)
			for _, w := range all {
				p.node.Put(w)
			}
			if p.pause(t) == nil {
				went++
			}
		}
		if went != 1 {
			r.Fatalf("%d of %d go", went, n)
		}
	})
}

// What the person remembers is all of the message but its content.
func TestWhatIsRememberedOfAPause(t *testing.T) {
	p := newPausing()
	p.contact.Quiet, p.template.Value = night, 7
	pause := p.pause(t)
	w := pause.Wait(&p.message, p.look())
	var m message.Message
	if err := json.Unmarshal(w.Message, &m); err != nil || m.ID != p.message.ID || m.Key != "c1" || !m.Due.Equal(evening) || m.Content != nil {
		t.Errorf("%s, %v", w.Message, err)
	}
	if w.ID != "n_me" || w.Purpose != "marketing" || w.Value != 7 || w.Released || !w.Until.Equal(pause.Until) || !w.Ends.Equal(pause.Ends) || p.message.Content == nil {
		t.Errorf("%+v", w)
	}
}
