package embedded

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// gate is a clock at which the first group of commits waits. A group looks at
// the clock once, so it counts the groups, too.
type gate struct {
	groups  atomic.Int32
	reached chan struct{}
	open    chan struct{}
}

func newGate() *gate { return &gate{reached: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) read() time.Time {
	if g.groups.Add(1) == 1 {
		close(g.reached)
		<-g.open
	}
	return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
}

func openAt(t *testing.T, clock func() time.Time) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "rapport.db"), clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// waitFor returns once that many commits wait for their turn.
func (q *queue) waitFor(n int) {
	for waiting := -1; waiting != n; runtime.Gosched() {
		q.mu.Lock()
		waiting = len(q.pending)
		q.mu.Unlock()
	}
}

func item(sort string) table.Key { return table.Key{Partition: "p", Sort: sort} }

func create(sort string) table.Write {
	return table.Put(item(sort), nil, time.Time{}, table.Absent())
}

func TestCommitsThatWaitShareATransaction(t *testing.T) {
	const many = 200
	g := newGate()
	db := openAt(t, g.read)
	counter := table.Add(item("counter"), map[string]int64{"n": 1}, time.Time{}, table.Condition{})
	var all sync.WaitGroup
	errs := make([]error, many)
	all.Go(func() {
		if err := db.Commit(t.Context(), "first", create("first")); err != nil {
			t.Error(err)
		}
	})
	<-g.reached
	for i := range many {
		all.Go(func() { // every marker is wanted by two
			errs[i] = db.Commit(t.Context(), fmt.Sprint("owner-", i), create(fmt.Sprint(i/2)), counter)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	all.Go(func() {
		var f *fault.Error
		err := db.Commit(ctx, "impatient", create("never"), counter)
		if !errors.As(err, &f) || f.Code != "cancelled" || !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled commit answers %v", err)
		}
	})
	db.queue.waitFor(many + 1)
	cancel()
	close(g.open)
	all.Wait()

	if n := g.groups.Load(); n != 2 {
		t.Errorf("%d groups, want the first one and one for all who waited", n)
	}
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
		} else if c := table.AsConflict(err); c == nil || c.Reasons[0] != table.Exists || c.Reasons[1] != table.Held {
			t.Errorf("commit %d: %v", i, err)
		}
	}
	items, err := db.Get(t.Context(), item("counter"), item("never"))
	if err != nil || won != many/2 || items[0] == nil || items[0].Version != many/2 || items[0].Counters["n"] != many/2 {
		t.Errorf("%d commits won, counter %+v, want %d: %v", won, items[0], many/2, err)
	}
	if items[1] != nil {
		t.Error("the cancelled commit was stored")
	}
}

func TestCommitsOfAGroupAreJudgedInOrder(t *testing.T) {
	g := newGate()
	db := openAt(t, g.read)
	var all sync.WaitGroup
	all.Go(func() { _ = db.Commit(t.Context(), "first", create("first")) })
	<-g.reached
	const chain = 20
	for i := range int64(chain) {
		all.Go(func() {
			w := create("chain")
			if i > 0 {
				w.If = table.VersionIs(i)
			}
			if err := db.Commit(t.Context(), fmt.Sprint("owner-", i), w); err != nil {
				t.Errorf("put %d does not see the one before: %v", i, err)
			}
		})
		db.queue.waitFor(int(i) + 1)
	}
	close(g.open)
	all.Wait()
	if items, err := db.Get(t.Context(), item("chain")); err != nil || items[0].Version != chain {
		t.Errorf("%+v, %v", items[0], err)
	}
}

func TestTheQueueSurvivesAPanic(t *testing.T) {
	broken := true
	db := openAt(t, func() time.Time {
		if broken {
			panic("no time")
		}
		return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_ = db.Commit(t.Context(), "a", create("a"))
	}()
	broken = false
	if err := db.Commit(t.Context(), "b", create("a")); err != nil {
		t.Error(err)
	}
}

func TestCommitsThatCannotBeWrittenAreAllRefused(t *testing.T) {
	g := newGate()
	db := openAt(t, g.read)
	var all sync.WaitGroup
	all.Go(func() { _ = db.Commit(t.Context(), "first", create("first")) })
	<-g.reached
	large := func(i int) table.Write { // the file must grow for it
		return table.Put(item(fmt.Sprint(i)), make([]byte, 100<<10), time.Time{}, table.Absent())
	}
	for i := range 10 {
		all.Go(func() {
			var f *fault.Error
			err := db.Commit(t.Context(), fmt.Sprint("owner-", i), large(i))
			if !errors.As(err, &f) || f.Kind != fault.Unavailable || f.Code != "not_stored" {
				t.Errorf("commit %d: %v", i, err)
			}
		})
	}
	db.queue.waitFor(10)
	db.bolt.MaxSize = 1 // a full disk
	close(g.open)
	all.Wait()
	db.bolt.MaxSize = 0
	for i := range 10 {
		if err := db.Commit(t.Context(), fmt.Sprint("again-", i), large(i)); err != nil {
			t.Errorf("once there is room again: %v", err)
		}
	}
}
