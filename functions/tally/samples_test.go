package tally_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/functions/tally"
	"rapport/infra/goldentest"
	"rapport/shared/embedded"
	"rapport/shared/insight"
	"rapport/shared/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

// TestSamples counts each sample into an empty table, twice: the second
// delivery gets the same answer and changes nothing.
func TestSamples(t *testing.T) {
	goldentest.Samples(t, "tally", func(t *testing.T, payload []byte) any {
		var batch events.SQSEvent
		if err := json.Unmarshal(payload, &batch); err != nil {
			t.Fatal(err)
		}
		db, err := embedded.Open(filepath.Join(t.TempDir(), "rapport.db"), now)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		commits := 0
		counters := insight.NewCounters(db, now, func() string { commits++; return fmt.Sprint("owner-", commits) })
		f := tally.New(tally.Deps{Counters: counters, Log: slog.New(slog.DiscardHandler)})
		var out []any
		for range 2 {
			response, err := f.Handle(context.Background(), batch)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, map[string]any{"response": response, "counters": stored(t, db)})
		}
		return out
	})
}

// stored shows every counter in the table.
func stored(t *testing.T, db table.Table) map[string]int64 {
	t.Helper()
	page, err := db.Scan(context.Background(), table.Segment{Of: 1})
	if err != nil || page.Next != "" {
		t.Fatal(page.Next, err)
	}
	out := map[string]int64{}
	for _, item := range page.Items {
		for name, n := range item.Counters {
			out[item.Key.Partition+"/"+name] += n
		}
	}
	return out
}
