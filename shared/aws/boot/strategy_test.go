package boot_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/shared/aws/boot"
	"rapport/shared/embedded"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// counting is a table that counts reads and fails the first ones.
type counting struct {
	table.Table
	reads, fail int
}

var errAway = errors.New("the table is away")

func (c *counting) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	if c.reads++; c.reads <= c.fail {
		return nil, errAway
	}
	return c.Table.Get(ctx, keys...)
}

// published returns a table with a strategy whose computed traits have the names.
func published(t *testing.T, computed ...string) *counting {
	t.Helper()
	db, err := embedded.Open(filepath.Join(t.TempDir(), "rapport.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	publish(t, db, computed...)
	return &counting{Table: db}
}

func publish(t *testing.T, to table.Table, computed ...string) {
	t.Helper()
	doc := strategy.Document{Zone: "Europe/Kyiv"}
	for _, name := range computed {
		doc.Computed = append(doc.Computed, person.ComputedTrait{Name: name, Op: person.Count, Event: "Order Completed"})
	}
	if err := strategy.Publish(t.Context(), to, doc, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestTheStrategyIsReadBeforeTheFirstRequest(t *testing.T) {
	from := published(t)
	env := boot.Env{Log: slog.New(slog.DiscardHandler)}
	reader := env.Strategy(from)
	env.Warm()
	read := from.reads
	if s, err := reader.Current(t.Context()); err != nil || s.Zone != "Europe/Kyiv" {
		t.Errorf("strategy is %v, %v", s, err)
	}
	if read == 0 || from.reads != read {
		t.Errorf("%d reads at the start, %d after the first request", read, from.reads)
	}
}

// TestVisitorsDoNotWaitForMail reads the edge as decide and collect do.
func TestVisitorsDoNotWaitForMail(t *testing.T) {
	from := published(t)
	env := boot.Env{Log: slog.New(slog.DiscardHandler)}
	reader := env.EdgeStrategy(from)
	env.Warm()
	if s, err := reader.Current(t.Context()); err != nil || s.Zone != "Europe/Kyiv" || from.reads != 1 {
		t.Errorf("strategy is %v after %d reads, %v", s, from.reads, err)
	}
}

func TestAStrategyThatCannotBeReadIsLoggedAndReadLater(t *testing.T) {
	from := published(t)
	from.fail = 1
	out := captured(t, func() {
		env := boot.Env{Log: slog.New(slog.NewJSONHandler(os.Stdout, nil))}
		reader := env.Strategy(from)
		env.Warm()
		if from.reads != 1 {
			t.Errorf("%d reads at the start", from.reads)
		}
		if _, err := reader.Current(t.Context()); err != nil {
			t.Error(err)
		}
	})
	var line struct{ Level, Msg, Error string }
	if err := json.Unmarshal([]byte(out), &line); err != nil || line.Level != "WARN" || !strings.Contains(line.Error, "away") {
		t.Errorf("log is %q, %v", out, err)
	}
}

func TestAFunctionWithoutStrategyStarts(t *testing.T) {
	var env boot.Env
	env.Warm() // must not fail
	if len(env.Problems()) != 0 {
		t.Errorf("problems are %q", env.Problems())
	}
}

func TestComputedTraitsAreReserved(t *testing.T) {
	from := published(t, "orders")
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	reserved := boot.NewReserved(strategy.NewReader(from, clock), clock)
	if !reserved.Has("orders") || reserved.Has("country") {
		t.Error("orders is computed, country is not")
	}
	publish(t, from.Table, "visits")
	now = now.Add(time.Minute)
	if reserved.Has("orders") || !reserved.Has("visits") {
		t.Error("the strategy published since counts")
	}
}

// TestEventsAreTakenInWhileTheTableIsAway asks about many traits, of which only
// the first may wait for the table.
func TestEventsAreTakenInWhileTheTableIsAway(t *testing.T) {
	from := published(t, "orders")
	from.fail = 1
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	reserved := boot.NewReserved(strategy.NewReader(from, clock), clock)
	for range 100 {
		if reserved.Has("orders") {
			t.Fatal("nothing is reserved by a strategy that nobody could read")
		}
	}
	if from.reads != 1 {
		t.Errorf("%d reads of a table that is away", from.reads)
	}
	now = now.Add(10 * time.Second)
	if !reserved.Has("orders") {
		t.Error("ten seconds later the table is asked again")
	}
}
