package send_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"rapport/functions/send"
	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

func batchOf(bodies ...string) events.SQSEvent {
	var b events.SQSEvent
	for i, body := range bodies {
		b.Records = append(b.Records, events.SQSMessage{MessageId: fmt.Sprint("q", i), Body: body})
	}
	return b
}

// handle sends the bodies and returns the messages that come again.
func (a *around) handle(ctx context.Context, t *testing.T, bodies ...string) []string {
	t.Helper()
	r, err := a.function().Handle(ctx, batchOf(bodies...))
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func (a *around) charged(t *testing.T) int {
	t.Helper()
	p, err := a.people.Holder(context.Background(), a.message.Node)
	if err != nil || p == nil {
		t.Fatal(p, err)
	}
	return len(p.Sent(time.Time{}))
}

func TestMailIsAddressedAndTagged(t *testing.T) {
	a := newAround(newStory(t, message.AtMostOnce))
	if again := a.handle(context.Background(), t, a.body); len(again) != 0 {
		t.Fatal(again)
	}
	want := []send.Mail{{To: address, Subject: "Your cart", Tags: map[string]string{"journey": "cart", "message": a.message.ID}}}
	if diff := cmp.Diff(want, a.mails); diff != "" {
		t.Error(diff)
	}
	l := a.stored(t, a.table)
	if l.State != message.Sent || !slices.Equal(l.Mails, []string{"ses-1"}) || a.charged(t) != 1 {
		t.Errorf("%+v, charged %d", l, a.charged(t))
	}
}

func TestHowAMessageEnds(t *testing.T) {
	invalid := fault.New(fault.Invalid, "render_abort", "out of stock")
	cases := []struct {
		name    string
		prepare func(*around)
		state   message.State
		reason  string
		again   bool
		charged int
	}{
		{"the template says no", func(a *around) { a.render = func() (send.Mail, error) { return send.Mail{}, invalid } }, message.Skipped, "render_abort", false, 0},
		{"rendering breaks", func(a *around) { a.render = func() (send.Mail, error) { return send.Mail{}, errors.New("no memory") } }, message.Claimed, "", true, 0},
		{"too late", func(a *around) { a.passed = message.Patience + time.Second }, message.Skipped, "late", false, 0},
		{"rejected", func(a *around) { a.mailer = fails(fault.New(fault.Invalid, "mail_rejected", "no such domain")) }, message.Rejected, "mail_rejected", false, 0},
		{"throttled", func(a *around) { a.mailer = fails(fault.New(fault.Unavailable, send.Throttled, "slow down")) }, message.Deferred, send.Throttled, true, 0},
		{"another unavailability", func(a *around) { a.mailer = fails(fault.New(fault.Unavailable, "down", "who knows")) }, message.Unknown, "", false, 1},
		{"the answer is lost", func(a *around) { a.mailer = fails(errNetwork) }, message.Unknown, "", false, 1},
		{"the lease runs out", func(a *around) { a.people = slowPeople{a.people, a} }, message.Deferred, "out_of_time", true, 0},
		{"no template", func(a *around) { a.strategy = &strategy.Strategy{} }, message.Skipped, message.NoTemplate, false, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := newAround(newStory(t, message.AtMostOnce))
			c.prepare(a)
			again := a.handle(context.Background(), t, a.body)
			l := a.stored(t, a.table)
			if l.State != c.state || l.Reason != c.reason || len(again) == 1 != c.again || a.charged(t) != c.charged || len(a.mails) != 0 {
				t.Errorf("%s (%s), comes again %v, charged %d, %d mails; want %s (%s), %v, %d, none",
					l.State, l.Reason, again, a.charged(t), len(a.mails), c.state, c.reason, c.again, c.charged)
			}
		})
	}
}

func fails(err error) func(context.Context) error { return func(context.Context) error { return err } }

// slowPeople needs longer than the lease for the commit that begins the sending.
type slowPeople struct {
	send.People
	a *around
}

func (p slowPeople) Charge(ctx context.Context, who *person.Person, node string, s person.Send, with ...table.Write) error {
	err := p.People.Charge(ctx, who, node, s, with...)
	p.a.passed += lease
	return err
}

// What must not get lost is tried again when the answer was lost, and the count
// of unknown messages is taken back once it is known.
func TestUnknownReceiptIsSentAgain(t *testing.T) {
	a := newAround(newStory(t, message.AtLeastOnce))
	a.mailer = fails(errNetwork)
	if again := a.handle(context.Background(), t, a.body); len(again) != 1 {
		t.Fatal("acknowledged although it may be lost")
	}
	a.mailer = func(context.Context) error { return nil }
	if again := a.handle(context.Background(), t, a.body); len(again) != 0 || len(a.mails) != 1 {
		t.Fatalf("comes again %v, %d mails", again, len(a.mails))
	}
	want := []string{`unknown","n":1`, `unknown","n":1`, `sent","n":1`, `unknown","n":-1`}
	all := strings.Join(a.tallies, "\n")
	for _, cell := range want {
		if !strings.Contains(all, cell) {
			t.Errorf("no %s in\n%s", cell, all)
		}
	}
}

// A throttled mail service is left alone: the rest of the batch waits untouched.
func TestThrottlingStopsTheBatch(t *testing.T) {
	a := newAround(newStory(t, message.AtMostOnce))
	calls := 0
	a.mailer = func(context.Context) error {
		calls++
		return fault.New(fault.Unavailable, send.Throttled, "slow down")
	}
	other := strings.ReplaceAll(a.body, a.message.ID, a.message.Node+"_other")
	if again := a.handle(context.Background(), t, a.body, other); !slices.Equal(again, []string{"q0", "q1"}) || calls != 1 {
		t.Errorf("comes again %v after %d calls", again, calls)
	}
	if items, _ := a.table.Get(context.Background(), table.LedgerKey(a.message.Node, a.message.Node+"_other")); items[0] != nil {
		t.Error("the second message was claimed")
	}
	a.mailer, a.passed = func(context.Context) error { return nil }, time.Minute
	if again := a.handle(context.Background(), t, a.body, other); len(again) != 0 || len(a.mails) != 2 {
		t.Errorf("after the pause: comes again %v, %d mails", again, len(a.mails))
	}
}

func TestUnreadableMessagesFailAlone(t *testing.T) {
	a := newAround(newStory(t, message.AtMostOnce))
	again := a.handle(context.Background(), t, "{", `{"id":"x","node":"n"}`, `{"node":"n","due":"2026-11-24T12:00:00Z"}`, a.body)
	if !slices.Equal(again, []string{"q0", "q1", "q2"}) || len(a.mails) != 1 {
		t.Errorf("comes again %v, %d mails", again, len(a.mails))
	}
}

func TestNotAcknowledgedBeforeItIsCounted(t *testing.T) {
	a := newAround(newStory(t, message.AtMostOnce))
	a.count = func() error { return errNetwork }
	if again := a.handle(context.Background(), t, a.body); len(again) != 1 || len(a.mails) != 1 {
		t.Fatalf("comes again %v, %d mails", again, len(a.mails))
	}
	a.count = func() error { return nil }
	if again := a.handle(context.Background(), t, a.body); len(again) != 0 || len(a.mails) != 1 || len(a.tallies) != 1 {
		t.Errorf("comes again %v, %d mails, counted %v", again, len(a.mails), a.tallies)
	}
}

// With less than half a second left nothing is begun.
func TestNothingIsBegunAtTheLastMoment(t *testing.T) {
	a := newAround(newStory(t, message.AtMostOnce))
	ctx, cancel := context.WithTimeout(context.Background(), 450*time.Millisecond)
	defer cancel()
	if again := a.handle(ctx, t, a.body); len(again) != 1 || a.stored(t, a.table) != nil {
		t.Errorf("comes again %v, ledger %+v", again, a.stored(t, a.table))
	}
}

// A call that takes all the time there is is broken off early enough to write
// down that nobody knows what became of the mail.
func TestOutcomeIsWrittenDownInTheLastMoment(t *testing.T) {
	a := newAround(newStory(t, message.AtMostOnce))
	a.mailer = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	ctx, cancel := context.WithTimeout(context.Background(), 700*time.Millisecond)
	defer cancel()
	if again := a.handle(ctx, t, a.body); len(again) != 0 {
		t.Errorf("comes again: %v", again)
	}
	if l := a.stored(t, a.table); l.State != message.Unknown {
		t.Errorf("the ledger says %s", l.State)
	}
}

func TestWithoutStrategyTheWholeBatchComesAgain(t *testing.T) {
	a := newAround(newStory(t, message.AtMostOnce))
	deps := a.function().Deps
	for name, broken := range map[string]strategyFunc{
		"none": func() (*strategy.Strategy, error) { return nil, errors.New("none") },
		"strange zone": func() (*strategy.Strategy, error) {
			return &strategy.Strategy{Document: strategy.Document{Zone: "Mars/Base"}}, nil
		},
	} {
		deps.Strategy = broken
		if _, err := send.New(deps).Handle(context.Background(), batchOf(a.body)); err == nil || a.stored(t, a.table) != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type strategyFunc func() (*strategy.Strategy, error)

func (f strategyFunc) Current(context.Context) (*strategy.Strategy, error) { return f() }

// Whichever of six messages cannot be counted, exactly those come again.
func TestPartialFailureOfEverySubset(t *testing.T) {
	s := newStory(t, message.AtMostOnce)
	var bodies []string
	for i := range 6 {
		bodies = append(bodies, strings.ReplaceAll(s.body, s.message.ID, fmt.Sprint(s.message.Node, "_", i)))
	}
	for subset := range 1 << 6 {
		a := newAround(s)
		want := []string{}
		sent := map[string]bool{}
		i := 0
		a.count = func() error {
			defer func() { i++ }()
			if subset>>i&1 == 1 {
				return errNetwork
			}
			return nil
		}
		for k := range 6 {
			if subset>>k&1 == 1 {
				want = append(want, fmt.Sprint("q", k))
			}
		}
		if again := a.handle(context.Background(), t, bodies...); !slices.Equal(again, want) {
			t.Fatalf("comes again %v, want %v", again, want)
		}
		for _, m := range a.mails {
			sent[m.Tags["message"]] = true
		}
		if len(a.mails) != 6 || len(slices.Collect(maps.Keys(sent))) != 6 {
			t.Fatalf("%d mails for %d messages", len(a.mails), len(sent))
		}
	}
}

// Whose person was erased while the message was on its way gets no mail.
func TestErasedPersonGetsNoMail(t *testing.T) {
	a := newAround(newStory(t, message.AtMostOnce))
	p, err := a.people.Holder(context.Background(), a.message.Node)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range p.Nodes {
		if err := a.table.Commit(context.Background(), "erase", table.Delete(table.PersonKey(n.ID.Hash()), table.Condition{})); err != nil {
			t.Fatal(err)
		}
	}
	again := a.handle(context.Background(), t, a.body)
	if l := a.stored(t, a.table); len(again) > 0 || len(a.mails) > 0 || l.State != message.Skipped || l.Reason != message.Gone {
		t.Errorf("comes again %v, %d mails, %s (%s)", again, len(a.mails), l.State, l.Reason)
	}
}
