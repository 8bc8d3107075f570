package tally_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"rapport/functions/tally"
	"rapport/shared/insight"
)

// countFunc plays the counters.
type countFunc func([]insight.Tally) []error

func (f countFunc) Count(_ context.Context, tallies []insight.Tally) []error { return f(tallies) }

func handle(t *testing.T, batch events.SQSEvent, count countFunc) []string {
	t.Helper()
	f := tally.New(tally.Deps{Counters: count, Log: slog.New(slog.DiscardHandler)})
	response, err := f.Handle(context.Background(), batch)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, failure := range response.BatchItemFailures {
		ids = append(ids, failure.ItemIdentifier)
	}
	return ids
}

// Whichever of ten tallies are not counted, or cannot be read, exactly those
// messages come again.
func TestPartialFailureOfEverySubset(t *testing.T) {
	for subset := range 1 << 10 {
		var batch events.SQSEvent
		want := []string{}
		failing := map[string]bool{}
		for i := range 10 {
			id := fmt.Sprint("m", i)
			body := insight.Tally{ID: id, Cells: []insight.Cell{{Name: "journey/cart/sent", N: 1}}}.String()
			if subset>>i&1 == 1 {
				want = append(want, id)
				failing[id] = true
				if i%3 == 0 {
					body = "{"
				}
			}
			batch.Records = append(batch.Records, events.SQSMessage{MessageId: id, Body: body})
		}
		got := handle(t, batch, func(tallies []insight.Tally) []error {
			errs := make([]error, len(tallies))
			for i, tally := range tallies {
				if failing[tally.ID] {
					errs[i] = errors.New("no")
				}
			}
			return errs
		})
		if !slices.Equal(got, want) {
			t.Fatalf("failed %v, want %v", got, want)
		}
	}
}

func TestEmptyBatch(t *testing.T) {
	if got := handle(t, events.SQSEvent{}, func([]insight.Tally) []error { return nil }); len(got) != 0 {
		t.Errorf("failed %v", got)
	}
}
