// Package hear is the Lambda that listens to what SES says of our mail: it
// settles the ledger of the message, keeps addresses that must not be written to
// any more, and gives the happening back to its person as an event. SES repeats
// itself and keeps no order, so everything here ends the same whatever comes
// twice, or first.
package hear

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// People finds people and keeps what they agree to; people.Store does.
type People interface {
	// Holder returns the person that has the node with that hash, nil when nobody does.
	Holder(ctx context.Context, nodeHash string) (*person.Person, error)
	// Agree records what was said under one identity.
	Agree(ctx context.Context, s *strategy.Strategy, node person.NodeID, purpose string, c person.Consent) error
	// Refund takes back what was charged for a mail that is not out; a second time it changes nothing.
	Refund(ctx context.Context, nodeHash, messageID string, with ...table.Write) error
}

// Strategy gives the published strategy.
type Strategy interface {
	Current(ctx context.Context) (*strategy.Strategy, error)
}

// Queue takes messages. Nil means that all of them are safe.
type Queue interface {
	Send(ctx context.Context, messages ...string) error
}

// Deps is what hear works with.
type Deps struct {
	Table    table.Table
	People   People
	Strategy Strategy
	Queue    Queue // the ingest queue
	Tallies  Queue
	Now      func() time.Time
	Owner    func() string // a new random token for each commit
	Account  string        // whose SES is believed, by its AWS account id; "" believes any
	Log      *slog.Logger
}

// Function handles events of SES, in batches of its queue or one by itself.
type Function struct {
	Deps
	book message.Book
}

// New returns the function.
func New(d Deps) *Function { return &Function{d, message.Book{Table: d.Table, Owner: d.Owner}} }

// Handle tells a batch of the queue from a bare event by its records. An event
// of a batch is acknowledged only when all that follows from it is stored; the
// others come again.
func (f *Function) Handle(ctx context.Context, payload json.RawMessage) (any, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return nil, fault.New(fault.Malformed, "bad_event", "hear takes an event of SES or an SQS batch of them").Because(err)
	}
	current, err := f.Strategy.Current(ctx)
	if err != nil {
		return nil, err
	}
	if len(batch.Records) == 0 {
		_, err := f.hear(ctx, current, payload)
		return nil, err
	}
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	foreign := 0
	for _, m := range batch.Records {
		ours, err := f.hear(ctx, current, []byte(m.Body))
		if err != nil {
			f.Log.ErrorContext(ctx, "event not heard; it comes again", "messageId", m.MessageId, "error", err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		} else if !ours {
			foreign++
		}
	}
	if foreign > 0 {
		f.Log.InfoContext(ctx, "events that are not about our mail", "count", foreign)
	}
	return out, nil
}

// hear does all that follows from one event. Ours is false for one that is not
// about a mail of ours, which is no fault: the account may send other mail too.
func (f *Function) hear(ctx context.Context, s *strategy.Strategy, payload []byte) (ours bool, err error) {
	h, err := f.read(payload)
	if err != nil || h == nil {
		return false, err
	}
	for _, address := range h.dead {
		if err := f.suppress(ctx, address, suppression{Kind: h.fact, At: h.at}); err != nil {
			return true, err
		}
	}
	ledger, err := f.book.Settle(ctx, h.message, h.proven(), h.mail, h.at)
	if err != nil || ledger == nil {
		return ledger != nil || len(h.dead) > 0, err
	}
	if err := f.refund(ctx, h, ledger); err != nil {
		return true, err
	}
	if err := f.count(ctx, s, ledger); err != nil {
		return true, err
	}
	return true, f.tell(ctx, s, h, ledger)
}
