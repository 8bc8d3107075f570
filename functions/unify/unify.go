// Package unify is the Lambda behind the ingest queue: it folds events into
// people and publishes what follows from them.
package unify

import (
	"context"
	"log/slog"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"rapport/shared/event"
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

// Deps is what unify works with.
type Deps struct {
	People   People
	Strategy Strategy
	Outlet   Outlet
	Log      *slog.Logger
}

// Function handles batches of the ingest queue.
type Function struct{ Deps }

// New returns the function.
func New(d Deps) *Function { return &Function{d} }

// parallel is how many people of one batch are folded at the same time.
const parallel = 8

// Handle folds the events of a batch. A message is acknowledged only when all
// its events are committed and their effects are out; the others come again.
func (f *Function) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	current, err := f.Strategy.Current(ctx)
	if err != nil {
		return events.SQSEventResponse{}, err
	}
	d := unpack(batch, f.Log)
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
