// Package send is the Lambda behind the queue of messages: at the last moment it
// asks whether each may still go out, and hands it to the mail service once.
package send

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/shared/fault"
	"rapport/shared/letter"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"

	_ "time/tzdata" // days and hours are those of a zone, which Lambda's system may not know
)

// People finds who a message is for, and keeps what was sent to them; see
// people.Store.
type People interface {
	Holder(ctx context.Context, nodeHash string) (*person.Person, error)
	Erased(ctx context.Context, nodeHash string) (bool, error)
	Charge(ctx context.Context, p *person.Person, nodeHash string, send person.Send, with ...table.Write) error
	Defer(ctx context.Context, p *person.Person, nodeHash string, w person.Wait, with ...table.Write) error
	Refund(ctx context.Context, nodeHash, messageID string, with ...table.Write) error
}

// Strategy gives the published strategy.
type Strategy interface {
	Current(ctx context.Context) (*strategy.Strategy, error)
}

// Mail is one mail, ready to go.
type Mail = letter.Letter

// Mailer hands a mail to the mail service, in one request that is never
// repeated, and returns the service's id for it. Errors: kind Invalid when the
// service definitely does not take this mail; kind Unavailable, code throttled,
// when it definitely did not take it now. Any other means that the mail may be
// out.
type Mailer interface {
	Send(ctx context.Context, mail Mail) (id string, err error)
}

// Throttled is the code of the fault by which a Mailer says "not now".
const Throttled = "throttled"

// Render makes the mail of a message. Errors: kind Invalid when the message
// cannot become a mail, or its template says that it should not; the code is the
// reason.
type Render interface {
	Mail(ctx context.Context, s *strategy.Strategy, m *message.Message, p *person.Person) (Mail, error)
}

// Queue takes tallies. Nil means that all of them are safe.
type Queue interface {
	Send(ctx context.Context, messages ...string) error
}

// Lease is for how long a message belongs to one invocation, which may take a
// minute.
const Lease = 2 * time.Minute

// Deps is what send works with.
type Deps struct {
	Table    table.Table
	People   People
	Strategy Strategy
	Render   Render
	Mailer   Mailer
	Tallies  Queue
	Now      func() time.Time
	Owner    func() string // a new random token for each commit
	Lease    time.Duration // longer than the function may run
	Log      *slog.Logger

	// Count adds to a metric of CloudWatch; nil counts nothing.
	Count func(metric string, n int)
}

// Function handles batches of the queue of messages.
type Function struct {
	Deps
	book message.Book
}

// New returns the function.
func New(d Deps) *Function {
	if d.Count == nil {
		d.Count = func(string, int) {}
	}
	return &Function{d, message.Book{Table: d.Table, Owner: d.Owner}}
}

// margin is what is left of the function's time to write down what became of a
// mail, after which nothing new is begun.
const margin = 500 * time.Millisecond

// Handle sends the messages of a batch. One is acknowledged only when nothing is
// left to do about it and that was counted; the others come again. When the mail
// service asks for a pause, the rest of the batch is left alone.
func (f *Function) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	current, err := f.Strategy.Current(ctx)
	if err != nil {
		return out, err
	}
	zone, err := time.LoadLocation(current.Zone)
	if err != nil {
		return out, fault.New(fault.Internal, "strategy_zone", "the strategy has no time zone that is known here").Because(err)
	}
	work, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		work, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
	}
	defer cancel()
	var stop error
	for _, m := range batch.Records {
		err := cmp.Or(stop, work.Err())
		if err == nil {
			err = f.deliver(ctx, work, &delivery{Function: f, strategy: current, zone: zone, owner: f.Owner()}, m.Body)
		}
		if err == nil {
			continue
		}
		out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		f.Log.WarnContext(ctx, "message not done; it comes again", "messageId", m.MessageId, "error", err)
		if errors.Is(err, errThrottled) {
			stop = err
		}
	}
	return out, nil
}

// deliver takes one message as far as it goes now. Nil means that it is done.
func (f *Function) deliver(ctx, work context.Context, d *delivery, body string) error {
	m := &message.Message{}
	if err := json.Unmarshal([]byte(body), m); err != nil || m.ID == "" || m.Node == "" || m.Due.IsZero() {
		return fault.New(fault.Malformed, "bad_message", "a message has at least id, node and due").Because(err)
	}
	d.message = m
	if err := d.run(ctx, work); err != nil {
		return err
	}
	return d.count(ctx)
}

var (
	errBusy      = fault.New(fault.Unavailable, "busy", "another delivery has this message, or it is put off; it is done or free later")
	errThrottled = fault.New(fault.Unavailable, Throttled, "the mail service asks for a pause")
	errContended = fault.New(fault.Unavailable, "contended", "the person or the message changes too often at this moment")
	errUnsure    = fault.New(fault.Unavailable, "unsure", "it is not known whether the mail is out, and it must not get lost")
	errLate      = fault.New(fault.Unavailable, "out_of_time", "too little time is left to hand the mail over")
)
