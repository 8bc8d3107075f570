package send_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/functions/send"
	"rapport/shared/event"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/quiet"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// night is a story whose message falls due at one o'clock, as a quiet hour begins.
type night struct {
	*around
	t      *testing.T
	asked  []message.Message // that a mail was written for
	failed func(error) error // what Defer answers instead of its own answer
}

func newNight(t *testing.T) *night {
	t.Helper()
	n := &night{around: newAround(newStory(t, message.AtMostOnce)), t: t, failed: func(err error) error { return err }}
	doc := n.strategy.Document
	doc.Contact = message.Contact{Quiet: &quiet.Hours{From: 13 * 60, To: 14 * 60}, Zones: []string{"Europe/London"}}
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	n.strategy = s
	return n
}

func (n *night) Mail(_ context.Context, _ *strategy.Strategy, m *message.Message, _ *person.Person) (send.Mail, error) {
	n.asked = append(n.asked, *m)
	return send.Mail{Subject: "Your cart"}, nil
}

// deliver hands the bodies to send, and returns those that come again.
func (n *night) deliver(bodies ...string) []string {
	n.t.Helper()
	deps := n.function().Deps
	deps.Render, deps.People = n, uncertain{n.people, n}
	r, err := send.New(deps).Handle(context.Background(), batchOf(bodies...))
	if err != nil {
		n.t.Fatal(err)
	}
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// uncertain is people whose answer to Defer may be another.
type uncertain struct {
	send.People
	n *night
}

func (u uncertain) Defer(ctx context.Context, p *person.Person, node string, w person.Wait, with ...table.Write) error {
	return u.n.failed(u.People.Defer(ctx, p, node, w, with...))
}

func (n *night) person() *person.Person {
	n.t.Helper()
	p, err := n.people.Holder(context.Background(), n.message.Node)
	if err != nil || p == nil {
		n.t.Fatal(p, err)
	}
	return p
}

// release lets the person's timer fire, and returns the message that comes of it.
func (n *night) release() string {
	n.t.Helper()
	p := n.person()
	effects, err := people.NewStore(n.table, n.clock, tokens("wake")).Wake(context.Background(), n.strategy, people.Timer{Node: p.Root, Due: p.Due, Minute: p.Due})
	if err != nil || len(effects) != 1 || effects[0].Kind != people.MessageDue {
		n.t.Fatalf("%+v, %v", effects, err)
	}
	body, err := json.Marshal(effects[0].Message)
	if err != nil {
		n.t.Fatal(err)
	}
	return string(body)
}

func (n *night) counted(what string) (times int) {
	for _, tally := range n.tallies {
		times += strings.Count(tally, what)
	}
	return times
}

// The whole way: put off, delivered once more in vain, brought back by the timer,
// sent with its content.
func TestQuietHoursPutAMessageOff(t *testing.T) {
	n := newNight(t)
	two := n.at.Add(time.Hour)
	for range 2 {
		if again := n.deliver(n.body); len(again) > 0 || len(n.asked) > 0 {
			t.Fatalf("comes again %v, asked for %d mails", again, len(n.asked))
		}
	}
	l, p := n.stored(t, n.table), n.person()
	if l.State != message.Deferred || l.Reason != message.QuietHours || !l.Until.Equal(two) || !l.Waits() || l.WaitedFor != message.QuietHours {
		t.Errorf("the ledger says %+v", l)
	}
	if w := p.Waiting(); len(w) != 1 || w[0].ID != n.message.ID || !w[0].Until.Equal(two) || !p.Due.Equal(two) || n.charged(t) != 0 {
		t.Errorf("waiting %+v, due %s, charged %d", w, p.Due, n.charged(t))
	}
	if n.counted(`waiting/quiet_hours","n":1`) != 2 { // once for each delivery, under one id
		t.Errorf("counted %s", n.tallies)
	}
	n.passed = time.Hour
	body := n.release()
	if strings.Contains(body, "Green tea") {
		t.Errorf("the timer brings %s", body)
	}
	if again := n.deliver(body, body, n.body); len(again) > 0 || len(n.mails) != 1 {
		t.Fatalf("comes again %v, %d mails", again, len(n.mails))
	}
	if len(n.asked) != 1 || !strings.Contains(string(n.asked[0].Content), "Green tea") || n.asked[0].Key != n.message.Key {
		t.Errorf("the mail was written from %+v", n.asked)
	}
	if l := n.stored(t, n.table); l.State != message.Sent || l.Content != nil || len(n.person().Waiting()) != 0 || n.charged(t) != 1 {
		t.Errorf("%+v, waiting %v, charged %d", l, n.person().Waiting(), n.charged(t))
	}
	if n.counted(`waiting/quiet_hours","n":-1`) == 0 {
		t.Errorf("counted %s", n.tallies)
	}
}

// What the timer brings back to a clock that is behind is not lost: it comes again.
func TestBroughtBackAMomentEarly(t *testing.T) {
	n := newNight(t)
	n.deliver(n.body)
	n.passed = time.Hour
	body := n.release()
	n.passed = time.Hour - time.Second
	if again := n.deliver(body); len(again) != 1 {
		t.Fatal("acknowledged, and lost")
	}
	n.passed = time.Hour + 6*time.Minute
	if again := n.deliver(body); len(again) > 0 || len(n.mails) != 1 {
		t.Errorf("comes again %v, %d mails", again, len(n.mails))
	}
}

// What happens while a message waits counts when it is brought back.
func TestWhatEndsAWait(t *testing.T) {
	order := happened("m9", event.Track, "Order Completed", `{"cart_id":"c1"}`, "")
	for _, c := range []struct {
		name   string
		happen func(*night)
		reason string
	}{
		{"the goal", func(n *night) {
			order.Timestamp = n.at
			if _, err := n.store().Fold(context.Background(), n.strategy, []event.Event{order}); err != nil {
				t.Fatal(err)
			}
		}, "goal"},
		{"a no", func(n *night) {
			no := person.Consent{At: n.clock(), By: "link"}
			if err := n.store().Agree(context.Background(), n.strategy, customer, "marketing", no); err != nil {
				t.Fatal(err)
			}
		}, message.Refusal},
		{"longer quiet hours than it can wait", func(n *night) {
			n.strategy.Contact.Quiet = &quiet.Hours{From: 14 * 60, To: 13*60 + 59}
			n.passed = 25 * time.Hour
		}, message.QuietHours},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNight(t)
			n.deliver(n.body)
			n.passed = time.Hour
			body := n.release()
			c.happen(n)
			if again := n.deliver(body); len(again) > 0 {
				t.Fatalf("comes again %v", again)
			}
			if l := n.stored(t, n.table); l.State != message.Skipped || l.Reason != c.reason || len(n.person().Waiting()) != 0 {
				t.Errorf("%s (%s), waiting %v", l.State, l.Reason, n.person().Waiting())
			}
			if n.counted(`skipped/`+c.reason+`","n":1`) == 0 || n.counted(`waiting/quiet_hours","n":-1`) == 0 {
				t.Errorf("counted %s", n.tallies)
			}
		})
	}
}

func (n *night) store() *people.Store { return people.NewStore(n.table, n.clock, tokens("store")) }

// Still not allowed when it is brought back, a message waits once more, and is
// counted as waiting once.
func TestAMessageWaitsTwice(t *testing.T) {
	n := newNight(t)
	n.deliver(n.body)
	n.passed = time.Hour
	body := n.release()
	n.strategy.Contact.Quiet = &quiet.Hours{From: 13 * 60, To: 15 * 60}
	if again := n.deliver(body); len(again) > 0 || len(n.mails) > 0 {
		t.Fatalf("comes again %v, %d mails", again, len(n.mails))
	}
	n.passed = 2 * time.Hour
	if w := n.person().Waiting(); len(w) != 1 || w[0].Released || !w[0].Until.Equal(n.clock()) {
		t.Fatalf("waiting %+v", w)
	}
	n.deliver(n.release())
	if len(n.mails) != 1 || len(n.asked) != 1 || !strings.Contains(string(n.asked[0].Content), "Green tea") {
		t.Errorf("%d mails, %+v", len(n.mails), n.asked)
	}
}

// Whether the commit that puts a message off came through is found out when its
// answer is lost.
func TestAnswerToAPauseIsLost(t *testing.T) {
	n := newNight(t)
	calls := 0
	n.failed = func(error) error { calls++; return errNetwork }
	if again := n.deliver(n.body); len(again) > 0 || calls != 1 {
		t.Errorf("comes again %v after %d calls", again, calls)
	}
	if l := n.stored(t, n.table); !l.Waits() {
		t.Errorf("the ledger says %s", l.State)
	}
}

// The person changed while the message was judged: all is asked again.
func TestAPauseIsJudgedAnew(t *testing.T) {
	n := newNight(t)
	inner := n.people
	n.people = slowReading{inner, func() {
		visit := happened("m8", event.Track, "Viewed", "{}", "")
		if _, err := n.store().Fold(context.Background(), n.strategy, []event.Event{visit}); err != nil {
			t.Fatal(err)
		}
	}}
	if again := n.deliver(n.body); len(again) > 0 {
		t.Fatalf("comes again %v", again)
	}
	n.people = inner
	if l := n.stored(t, n.table); !l.Waits() || len(n.person().Waiting()) != 1 {
		t.Errorf("the ledger says %s, waiting %v", l.State, n.person().Waiting())
	}
}

// slowReading is people who change once, after they were read.
type slowReading struct {
	send.People
	change func()
}

func (s slowReading) Defer(ctx context.Context, p *person.Person, node string, w person.Wait, with ...table.Write) error {
	if w := p.Waiting(); len(w) == 0 && s.change != nil && !slices.ContainsFunc(p.Nodes, func(n *person.Node) bool { return n.LastSeen.After(noon) }) {
		s.change()
	}
	return s.People.Defer(ctx, p, node, w, with...)
}

// So many messages wait that one more is not worth remembering.
func TestTooManyWait(t *testing.T) {
	for _, waiting := range []int{message.MaxWaits - 1, message.MaxWaits} {
		n := newNight(t)
		store := n.store()
		for i := range waiting {
			w := person.Wait{ID: fmt.Sprint("w", i), Until: n.at.Add(time.Hour), Ends: n.at.Add(2 * time.Hour), Message: json.RawMessage("{}")}
			if err := store.Defer(context.Background(), n.person(), n.message.Node, w); err != nil {
				t.Fatal(err)
			}
		}
		n.deliver(n.body)
		if l := n.stored(t, n.table); l.Waits() != (waiting < message.MaxWaits) || l.Reason != message.QuietHours {
			t.Errorf("after %d: %s (%s)", waiting, l.State, l.Reason)
		}
	}
}

// One that waits already may wait again, however many do.
func TestWhoWaitsMayWaitAgain(t *testing.T) {
	n := newNight(t)
	n.deliver(n.body)
	n.passed = time.Hour
	body := n.release()
	store := n.store()
	for i := range message.MaxWaits {
		w := person.Wait{ID: fmt.Sprint("w", i), Until: n.at.Add(2 * time.Hour), Ends: n.at.Add(3 * time.Hour), Message: json.RawMessage("{}")}
		if err := store.Defer(context.Background(), n.person(), n.message.Node, w); err != nil {
			t.Fatal(err)
		}
	}
	n.strategy.Contact.Quiet = &quiet.Hours{From: 13 * 60, To: 15 * 60}
	n.deliver(body)
	if l := n.stored(t, n.table); !l.Waits() {
		t.Errorf("%s (%s)", l.State, l.Reason)
	}
}

// Of twenty messages at once a budget of two has room for two; the others wait.
func TestABudgetIsSpentOnce(t *testing.T) {
	n := newNight(t)
	n.strategy.Contact = message.Contact{Budget: &quiet.Budget{Most: 2, Days: 1}}
	var bodies []string
	for i := range 20 {
		bodies = append(bodies, strings.ReplaceAll(n.body, n.message.ID, fmt.Sprint(n.message.Node, "_", i)))
	}
	if again := n.deliver(bodies...); len(again) > 0 || len(n.mails) != 2 || len(n.person().Waiting()) != 18 {
		t.Errorf("comes again %v, %d mails, %d wait", again, len(n.mails), len(n.person().Waiting()))
	}
}
