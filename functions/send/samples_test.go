package send_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/functions/send"
	"rapport/infra/goldentest"
	"rapport/shared/embedded"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// around is everything around the function. Each part does what it should unless
// a test says otherwise.
type around struct {
	*story
	table   *embedded.DB
	passed  time.Duration // since the message was due
	owner   func() string
	mails   []send.Mail
	tallies []string

	render func() (send.Mail, error)
	mailer func(context.Context) error
	people send.People
	count  func() error
}

func newAround(s *story) *around {
	a := &around{story: s, owner: tokens("send")}
	a.table = s.copyOf(a.clock)
	a.people = people.NewStore(a.table, a.clock, tokens("people"))
	a.render = func() (send.Mail, error) {
		return send.Mail{Subject: "Your cart", Tags: map[string]string{"journey": "cart"}}, nil
	}
	a.mailer = func(context.Context) error { return nil }
	a.count = func() error { return nil }
	return a
}

func (a *around) clock() time.Time { return a.at.Add(a.passed) }

func (a *around) Current(context.Context) (*strategy.Strategy, error) { return a.strategy, nil }

func (a *around) Mail(context.Context, *strategy.Strategy, *message.Message, *person.Person) (send.Mail, error) {
	return a.render()
}

type aroundMailer struct{ *around }

func (a aroundMailer) Send(ctx context.Context, mail send.Mail) (string, error) {
	if err := a.mailer(ctx); err != nil {
		return "", err
	}
	a.around.mails = append(a.around.mails, mail)
	return "ses-1", nil
}

type aroundTallies struct{ *around }

func (a aroundTallies) Send(_ context.Context, messages ...string) error {
	if err := a.count(); err != nil {
		return err
	}
	a.around.tallies = append(a.around.tallies, messages...)
	return nil
}

func (a *around) function() *send.Function {
	return send.New(send.Deps{
		Table: a.table, People: a.people, Strategy: a, Render: a, Mailer: aroundMailer{a}, Tallies: aroundTallies{a},
		Now: a.clock, Owner: a.owner, Lease: lease, Log: slog.New(slog.DiscardHandler),
	})
}

// TestSamples sends each sample to a customer who left a cart, twice: the second
// delivery sends nothing and asks to count the same.
func TestSamples(t *testing.T) {
	goldentest.Samples(t, "send", func(t *testing.T, payload []byte) any {
		var batch events.SQSEvent
		if err := json.Unmarshal(payload, &batch); err != nil {
			t.Fatal(err)
		}
		a := newAround(newStory(t, message.AtMostOnce))
		f := a.function()
		var out []any
		for range 2 {
			a.mails, a.tallies = []send.Mail{}, []string{}
			response, err := f.Handle(context.Background(), batch)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, map[string]any{"response": response, "mails": a.mails, "tallies": a.tallies})
		}
		var m message.Message
		_ = json.Unmarshal([]byte(batch.Records[len(batch.Records)-1].Body), &m)
		items, err := a.table.Get(context.Background(), table.LedgerKey(m.Node, m.ID))
		if err != nil {
			t.Fatal(err)
		}
		return append(out, map[string]any{"ledger": json.RawMessage(items[0].Body)})
	})
}
