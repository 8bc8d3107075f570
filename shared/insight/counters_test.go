package insight_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/insight"
	"rapport/shared/table"
)

// flood returns batches as a queue may deliver them: tallies come again, in the
// same batch and in later ones.
func flood(r *rand.Rand) (batches [][]insight.Tally, want map[string]int64) {
	want = map[string]int64{}
	var all []insight.Tally
	names := []string{"planned", "sent", "skipped/goal", "skipped/consent", "opened"}
	for i := range 60 {
		t := insight.Tally{ID: fmt.Sprint("t", i)}
		if i%3 == 0 {
			t.Day = "2026-11-24"
		}
		for _, name := range names[:1+r.IntN(len(names))] {
			n := 1 + r.Int64N(9)
			t.Cells = append(t.Cells, insight.Cell{Name: "journey/cart/" + name, N: n})
			want[name] += n
		}
		all = append(all, t)
	}
	var queue []insight.Tally
	for _, t := range all {
		for range 1 + r.IntN(3) {
			queue = append(queue, t)
		}
	}
	r.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
	return slices.Collect(slices.Chunk(queue, 10)), want
}

// counted reads the journey's counters as they lie in the table.
func counted(t *testing.T, tb table.Table, item string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for shard, err := range table.All(context.Background(), tb, table.CounterKey(item, 0).Partition, table.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		for name, n := range shard.Counters {
			out[name] += n
		}
	}
	return out
}

// deliver brings each batch until all of it is counted, only the failed ones again.
func deliver(t *testing.T, c *insight.Counters, batches [][]insight.Tally) {
	t.Helper()
	for _, batch := range batches {
		for tries := 0; len(batch) > 0; tries++ {
			var left []insight.Tally
			for i, err := range c.Count(context.Background(), batch) {
				if err != nil {
					left = append(left, batch[i])
				}
			}
			if batch = left; tries == 4 {
				t.Fatalf("%d tallies are never counted", len(left))
			}
		}
	}
}

// Whichever commit is lost, before or after its effect, every tally counts once.
func TestLostCommits(t *testing.T) {
	batches, want := flood(rand.New(rand.NewPCG(3, 3)))
	run := func(lose int, applied bool) int {
		f := &faulty{Table: newTable(t, at(noon)), lose: lose, applied: applied}
		deliver(t, newCounters(f, noon), batches)
		if got := counted(t, f.Table, "journey/cart"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("commit %d lost (applied=%v): %v, want %v", lose, applied, got, want)
		}
		return f.calls
	}
	commits := run(0, false)
	if commits < len(batches) {
		t.Fatalf("%d commits for %d batches: the story proves nothing", commits, len(batches))
	}
	for lose := 1; lose <= commits; lose++ {
		run(lose, false)
		run(lose, true)
	}
}

// Several Lambdas get the same messages at the same time.
func TestTogether(t *testing.T) {
	batches, want := flood(rand.New(rand.NewPCG(5, 5)))
	db := newTable(t, at(noon))
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			c := newCounters(db, noon)
			for i := range batches {
				for _, err := range c.Count(context.Background(), batches[(i+worker)%len(batches)]) {
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if got := counted(t, db, "journey/cart"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A batch costs one commit, and a tally that was counted does not hold up the others.
func TestOneCommitABatch(t *testing.T) {
	f := &faulty{Table: newTable(t, at(noon))}
	c := newCounters(f, noon)
	var batch []insight.Tally
	for i := range 10 {
		batch = append(batch, one(fmt.Sprint(i), "journey/cart/sent", 1))
	}
	count(t, c, append(batch, batch...)...) // each twice
	if f.calls != 1 {
		t.Errorf("%d commits", f.calls)
	}
	batch[3].ID = "new"
	count(t, c, batch...)
	if f.calls != 3 {
		t.Errorf("%d commits: one is refused, one counts what is left", f.calls)
	}
	count(t, c, batch...)
	if got := path(t, c).Sent; got != 11 || f.calls != 4 {
		t.Errorf("sent = %d in %d commits", got, f.calls)
	}
}

// Wide tallies are spread over commits that the table takes.
func TestWideTallies(t *testing.T) {
	f := &faulty{Table: newTable(t, at(noon))}
	var batch []insight.Tally
	for i := range 7 {
		wide := insight.Tally{ID: fmt.Sprint("wide", i), Day: "2026-11-24"}
		for n := range insight.MaxCells / 2 {
			wide.Cells = append(wide.Cells, insight.Cell{Name: fmt.Sprintf("journey/j%d-%d/sent", i, n), N: 1})
		}
		batch = append(batch, wide)
	}
	for i := range 130 {
		batch = append(batch, one(fmt.Sprint("slim", i), "journey/cart/sent", 1))
	}
	c := newCounters(f, noon)
	count(t, c, batch...)
	// Seven wide ones take a commit each, the slim ones fill three more.
	if f.calls > 10 || f.widest > table.MaxCommitWrites {
		t.Errorf("%d commits of up to %d writes", f.calls, f.widest)
	}
	count(t, c, batch...)
	if got := path(t, c).Sent; got != 130 {
		t.Errorf("sent = %d of 130", got)
	}
	for i := range 7 {
		for n := range insight.MaxCells / 2 {
			for _, day := range []string{"", "#2026-11-24"} {
				item := fmt.Sprintf("journey/j%d-%d%s", i, n, day)
				if got := counted(t, f.Table, item)["sent"]; got != 1 {
					t.Fatalf("%s is %d", item, got)
				}
			}
		}
	}
}

// A bad tally fails alone.
func TestBadTallyFailsAlone(t *testing.T) {
	c := newCounters(newTable(t, at(noon)), noon)
	errs := c.Count(context.Background(), []insight.Tally{
		one("a", "journey/cart/sent", 1), one("b", "nothing", 1), one("c", "journey/cart/sent", 1),
	})
	if errs[0] != nil || fault.KindOf(errs[1]) != fault.Invalid || errs[2] != nil {
		t.Errorf("errors %v", errs)
	}
	if got := path(t, c).Sent; got != 2 {
		t.Errorf("sent = %d", got)
	}
}

// picky refuses every commit that holds the marker of the tally, for good or as
// an item that is always busy.
type picky struct {
	table.Table
	marker table.Key
	err    error
	busy   map[string]bool // partition and sort of counters that were found busy
}

func (p *picky) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	conflict := &table.Conflict{}
	hit := false
	for _, w := range writes {
		conflict.Reasons = append(conflict.Reasons, table.Held)
		if hit = hit || w.Key == p.marker; w.Op == table.OpAdd && p.busy != nil {
			p.busy[w.Key.Sort] = true
			conflict.Reasons[len(conflict.Reasons)-1] = table.Busy
		}
	}
	switch {
	case !hit:
		return p.Table.Commit(ctx, owner, writes...)
	case p.busy != nil:
		return conflict
	}
	return p.err
}

// What no retry mends is one tally's fault: the others are counted all the same.
func TestRefusedTallyFailsAlone(t *testing.T) {
	refused := fault.New(fault.Invalid, "too_many_counters", "no")
	p := &picky{Table: newTable(t, at(noon)), marker: table.TallyMarkerKey("b"), err: refused}
	c := newCounters(p, noon)
	errs := c.Count(context.Background(), []insight.Tally{
		one("a", "journey/cart/sent", 1), one("b", "journey/cart/sent", 1), one("c", "journey/cart/sent", 1),
	})
	if errs[0] != nil || errs[1] == nil || errs[2] != nil || path(t, c).Sent != 2 {
		t.Errorf("errors %v, sent %d", errs, path(t, c).Sent)
	}
}

// A busy counter is tried in other shards, and not for ever.
func TestBusyCounter(t *testing.T) {
	p := &picky{Table: newTable(t, at(noon)), marker: table.TallyMarkerKey("b"), busy: map[string]bool{}}
	c := newCounters(p, noon)
	errs := c.Count(context.Background(), []insight.Tally{one("b", "journey/cart/sent", 1)})
	if fault.KindOf(errs[0]) != fault.Unavailable || len(p.busy) != table.CounterShards/2 {
		t.Errorf("%v after the shards %v", errs[0], p.busy)
	}
}

// Days are kept for 400 days, totals for ever, and markers for 60 days.
func TestExpiry(t *testing.T) {
	db := newTable(t, at(noon))
	tally := one("a", "journey/cart/sent", 1)
	tally.Day = "2026-11-24"
	count(t, newCounters(db, noon), tally)
	page, err := db.Scan(context.Background(), table.Segment{Of: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range page.Items {
		days := int(item.Expires.Sub(noon) / (24 * time.Hour))
		switch want := map[bool]int{true: 400, false: 60}[strings.Contains(item.Key.Partition, "#2026")]; {
		case item.Key.Partition == "c#journey/cart":
			if !item.Expires.IsZero() {
				t.Error("a total ends")
			}
		case days != want:
			t.Errorf("%s lives %d days, want %d", item.Key.Partition, days, want)
		}
	}
	if len(page.Items) != 3 {
		t.Errorf("%d items", len(page.Items))
	}
}
