package insight_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/embedded"
	"rapport/shared/insight"
	"rapport/shared/journey"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// newTable returns the embedded table in a file that is not synced.
func newTable(t testing.TB, clock func() time.Time) *embedded.DB {
	t.Helper()
	db, err := embedded.Open(t.TempDir()+"/rapport.db", clock)
	if err != nil {
		t.Fatal(err)
	}
	db.Bolt().NoSync, db.Bolt().NoGrowSync = true, true
	t.Cleanup(func() { _ = db.Close() })
	return db
}

var owners atomic.Int64

func newCounters(tb table.Table, now time.Time) *insight.Counters {
	return insight.NewCounters(tb, at(now), func() string { return fmt.Sprint("owner-", owners.Add(1)) })
}

// sample has one slot with two blocks, and one journey.
func sample(t testing.TB) *strategy.Strategy {
	t.Helper()
	s, err := strategy.Ready(strategy.Document{
		Zone:      "Europe/Kyiv",
		Audiences: []audience.Audience{},
		Slots:     []content.Slot{{ID: "hero", Fallback: "plain"}},
		Blocks:    []content.Block{{ID: "plain", Slot: "hero"}, {ID: "warm", Slot: "hero", Priority: 10}},
		Journeys:  []journey.Journey{{ID: "cart"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// count counts the tallies and expects every one to be counted.
func count(t testing.TB, c *insight.Counters, tallies ...insight.Tally) {
	t.Helper()
	for i, err := range c.Count(context.Background(), tallies) {
		if err != nil {
			t.Fatalf("tally %d: %v", i, err)
		}
	}
}

// one is a tally of one cell.
func one(id, name string, n int64) insight.Tally {
	return insight.Tally{ID: id, Cells: []insight.Cell{{Name: name, N: n}}}
}

// path returns the only journey's.
func path(t testing.TB, c *insight.Counters) insight.Path {
	t.Helper()
	paths, err := c.Journeys(context.Background(), sample(t))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	return paths[0]
}

var errLost = errors.New("the connection was lost")

// faulty loses the n-th commit: before it has an effect, or its reply after.
type faulty struct {
	table.Table
	lose    int
	applied bool
	calls   int
	widest  int // writes of the largest commit
}

func (f *faulty) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	f.calls++
	f.widest = max(f.widest, len(writes))
	if f.calls != f.lose {
		return f.Table.Commit(ctx, owner, writes...)
	}
	if f.applied {
		if err := f.Table.Commit(ctx, owner, writes...); err != nil {
			return err
		}
	}
	return errLost
}
