// Package unify is the Lambda behind the ingest queue: it folds events into
// people and publishes what follows from them. The queue holds what collect packed
// and what other systems told the bus, which the strategy's sources translate.
package unify

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/people"
	"rapport/shared/strategy"

	_ "time/tzdata" // days and hours are those of a zone, which Lambda's system may not know
)

// People folds events that belong together; see people.Store.Fold.
type People interface {
	Fold(ctx context.Context, s *strategy.Strategy, events []event.Event) ([]people.Effect, error)
}

// Strategy gives the published strategy.
type Strategy interface {
	Current(ctx context.Context) (*strategy.Strategy, error)
}

// Outlet publishes effects; people.Outlet does. Nil means that all of them are
// out.
type Outlet interface {
	Publish(ctx context.Context, effects []people.Effect) error
}

// Queue takes messages. Nil means that all of them are safe.
type Queue interface {
	Send(ctx context.Context, messages ...string) error
}

// Deps is what unify works with.
type Deps struct {
	People   People
	Strategy Strategy
	Outlet   Outlet
	Parked   Queue  // the dead letters, for what no repetition could mend
	Account  string // whose bus is listened to, by its AWS account id; "" listens to any
	Log      *slog.Logger
}

// Function handles batches of the ingest queue.
type Function struct{ Deps }

// New returns the function.
func New(d Deps) *Function { return &Function{d} }

// parallel is how many people of one batch are folded at the same time.
const parallel = 8

// Handle tells a batch of the queue from a bare event of EventBridge by its
// records. A message is acknowledged only when all its events are committed and
// their effects are out; the others come again.
func (f *Function) Handle(ctx context.Context, payload json.RawMessage) (any, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err == nil && len(batch.Records) > 0 {
		return f.batch(ctx, batch)
	}
	if !event.IsBridge(payload) {
		return nil, fault.New(fault.Malformed, "bad_event", "unify takes an SQS batch or an event of EventBridge")
	}
	batch.Records = []events.SQSMessage{{MessageId: "direct", Body: string(payload)}}
	response, err := f.batch(ctx, batch)
	if err == nil && len(response.BatchItemFailures) > 0 {
		err = fault.New(fault.Unavailable, "not_folded", "the event was not folded; the log says why")
	}
	return nil, err
}

func (f *Function) batch(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	current, err := f.Strategy.Current(ctx)
	if err != nil {
		return events.SQSEventResponse{}, err
	}
	d := f.unpack(ctx, batch, current)
	groups := people.Together(d.events)
	work := make(chan []int)
	var wg sync.WaitGroup
	for range min(parallel, len(groups)) {
		wg.Go(func() {
			for group := range work {
				if err := f.fold(ctx, current, d.pick(group)); err != nil {
					f.Log.ErrorContext(ctx, "events not folded; their messages come again", "error", err)
					d.fail(group)
				}
			}
		})
	}
	for _, group := range groups {
		work <- group
	}
	close(work)
	wg.Wait()
	return d.response(batch), nil
}

func (f *Function) fold(ctx context.Context, s *strategy.Strategy, group []event.Event) error {
	effects, err := f.People.Fold(ctx, s, group)
	if len(effects) > 0 {
		if publishErr := f.Outlet.Publish(ctx, effects); publishErr != nil {
			return publishErr
		}
	}
	return err
}
