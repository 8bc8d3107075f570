// Package tally is the Lambda behind the queue of tallies: it adds them to the
// counters that reports are made of, each exactly once.
package tally

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"rapport/shared/insight"
)

// Counters counts tallies; insight.Counters does. It returns an error for each,
// nil once it is counted.
type Counters interface {
	Count(ctx context.Context, tallies []insight.Tally) []error
}

// Deps is what tally works with.
type Deps struct {
	Counters Counters
	Log      *slog.Logger
}

// Function handles batches of the queue of tallies.
type Function struct{ Deps }

// New returns the function.
func New(d Deps) *Function { return &Function{d} }

// Handle counts a batch. A message is acknowledged once its tally is counted;
// one that cannot be counted comes again, and ends among the dead letters when
// it never can.
func (f *Function) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	errs := make([]error, len(batch.Records))
	var tallies []insight.Tally
	var place []int // of each tally in the batch
	for i, m := range batch.Records {
		t, err := insight.ParseTally(m.Body)
		if err != nil {
			errs[i] = err
			continue
		}
		tallies, place = append(tallies, t), append(place, i)
	}
	for n, err := range f.Counters.Count(ctx, tallies) {
		errs[place[n]] = err
	}
	for i, err := range errs {
		if err != nil {
			id := batch.Records[i].MessageId
			f.Log.ErrorContext(ctx, "tally not counted; its message comes again", "messageId", id, "error", err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
		}
	}
	return out, nil
}
