// Package advance is the Lambda behind the clock: each minute it finds the
// timers that are due and puts them on a queue, and from that queue it fires
// them one by one.
package advance

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/shared/fault"
	"rapport/shared/people"
	"rapport/shared/strategy"
)

// Timers finds and fires timers; people.Store does.
type Timers interface {
	Sweep(ctx context.Context, visit func([]people.Timer) error) error
	Wake(ctx context.Context, s *strategy.Strategy, t people.Timer) ([]people.Effect, error)
}

// Strategy gives the published strategy.
type Strategy interface {
	Current(ctx context.Context) (*strategy.Strategy, error)
}

// Queue takes timers that are due. Nil means that all of them are safe.
type Queue interface {
	Send(ctx context.Context, messages ...string) error
}

// Outlet publishes effects; people.Outlet does. Nil means that all of them are
// out.
type Outlet interface {
	Publish(ctx context.Context, effects []people.Effect) error
}

// Deps is what advance works with.
type Deps struct {
	Timers   Timers
	Strategy Strategy
	Queue    Queue
	Outlet   Outlet
	Log      *slog.Logger
}

// Function handles both the schedule's tick and batches of its own queue.
type Function struct{ Deps }

// New returns the function.
func New(d Deps) *Function { return &Function{d} }

// Handle tells a batch of timers from a tick by its records.
func (f *Function) Handle(ctx context.Context, payload json.RawMessage) (any, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return nil, fault.New(fault.Malformed, "bad_event", "advance takes a scheduled event or an SQS batch").Because(err)
	}
	if len(batch.Records) > 0 {
		return f.fire(ctx, batch)
	}
	return nil, f.sweep(ctx)
}

// sweep queues what is due, then remembers how far it came: a tick that dies
// in between is repeated by the next one.
func (f *Function) sweep(ctx context.Context) error {
	return f.Timers.Sweep(ctx, func(due []people.Timer) error {
		messages := make([]string, len(due))
		for i, t := range due {
			text, err := json.Marshal(t)
			if err != nil {
				return err
			}
			messages[i] = string(text)
		}
		return f.Queue.Send(ctx, messages...)
	})
}

func (f *Function) fire(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	current, err := f.Strategy.Current(ctx)
	if err != nil {
		return out, err
	}
	for _, m := range batch.Records {
		if err := f.wake(ctx, current, m.Body); err != nil {
			f.Log.ErrorContext(ctx, "timer not fired; it comes again", "messageId", m.MessageId, "error", err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out, nil
}

func (f *Function) wake(ctx context.Context, s *strategy.Strategy, body string) error {
	var t people.Timer
	if err := json.Unmarshal([]byte(body), &t); err != nil || t.Node == "" || t.Due.Before(time.Unix(1, 0)) {
		return fault.New(fault.Malformed, "bad_timer", "a timer has node, due and minute").Because(err)
	}
	effects, err := f.Timers.Wake(ctx, s, t)
	if err != nil || len(effects) == 0 {
		return err
	}
	return f.Outlet.Publish(ctx, effects)
}
