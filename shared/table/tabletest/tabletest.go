// Package tabletest is the contract of the storage port (shared/table): every
// backend must pass Run.
package tabletest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// Run holds the table that open returns to the contract. Open is called once for
// each part of it, and may return the same table again and again: every part
// uses keys of its own. A table that lives longer than the run must be empty of
// what an earlier run left behind. The table must take its time from clock,
// which stands far in the future, so that no sweeper of an engine interferes.
func Run(t *testing.T, open func(t *testing.T, clock func() time.Time) table.Table) {
	parts := []struct {
		name string
		test func(s *suite)
	}{
		{"conditions", conditions},
		{"put", put},
		{"add", add},
		{"delete", deletion},
		{"check", check},
		{"bodies", bodies},
		{"counters", counters},
		{"all or nothing", allOrNothing},
		{"own success", ownSuccess},
		{"own success is no one else's", strangers},
		{"refused commits", refusedCommits},
		{"item size", itemSize},
		{"get", get},
		{"sort order", sortOrder},
		{"partitions", partitions},
		{"ranges", ranges},
		{"pages", pages},
		{"scan", scan},
		{"refused reads", refusedReads},
		{"expired", expired},
		{"expiry", expiry},
		{"expired between", expiredBetween},
		{"expired pages", expiredPages},
		{"one counter for many", oneCounter},
		{"one version for many", oneVersion},
		{"usage", usage},
		{"model", model},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			c := &clock{now: time.Date(2050, 1, 1, 12, 0, 0, 250_000_000, time.UTC)}
			p.test(&suite{T: t, table: open(t, c.read), clock: c, prefix: t.Name()})
		})
	}
}

// suite is one part of the contract at work on its own keys.
type suite struct {
	*testing.T
	table  table.Table
	clock  *clock
	prefix string
	owners int
}

// clock is the time that the table under test sees.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// in returns a moment from now in whole seconds, as an expiry comes back.
func (c *clock) in(d time.Duration) time.Time { return c.read().Add(d).Truncate(time.Second) }

// section runs a part of a part under its own name and with its own keys.
func (s *suite) section(name string, test func(s *suite)) {
	s.Helper()
	s.Run(name, func(t *testing.T) {
		test(&suite{T: t, table: s.table, clock: s.clock, prefix: t.Name()})
	})
}

func (s *suite) key(sort string) table.Key { return table.Key{Partition: s.prefix, Sort: sort} }

func (s *suite) keys(n int) []table.Key {
	out := make([]table.Key, n)
	for i := range out {
		out[i] = s.key(fmt.Sprintf("k%03d", i))
	}
	return out
}

// owner returns one that was not used in this section before.
func (s *suite) owner() string {
	s.owners++
	return fmt.Sprintf("owner-%d", s.owners)
}

// commit applies the writes under a new owner.
func (s *suite) commit(writes ...table.Write) {
	s.Helper()
	s.commitAs(s.owner(), writes...)
}

func (s *suite) commitAs(owner string, writes ...table.Write) {
	s.Helper()
	if err := s.table.Commit(s.Context(), owner, writes...); err != nil {
		s.Fatalf("commit: %v", err)
	}
}

// refused expects that the commit is refused for these reasons, one a write.
func (s *suite) refused(reasons []table.Reason, writes ...table.Write) {
	s.Helper()
	s.refusedAs(s.owner(), reasons, writes...)
}

func (s *suite) refusedAs(owner string, reasons []table.Reason, writes ...table.Write) {
	s.Helper()
	err := s.table.Commit(s.Context(), owner, writes...)
	conflict := table.AsConflict(err)
	if conflict == nil {
		s.Fatalf("commit answers %v, want a conflict %v", err, reasons)
	}
	if !slices.Equal(conflict.Reasons, reasons) {
		s.Errorf("commit is refused for %v, want %v", conflict.Reasons, reasons)
	}
}

func because(reasons ...table.Reason) []table.Reason { return reasons }

// faulty expects a fault of the kind.
func (s *suite) faulty(kind fault.Kind, err error) {
	s.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind {
		s.Errorf("error is %v, want a fault of kind %v", err, kind)
		return
	}
	if f.Code == "" || f.Message == "" {
		s.Errorf("fault %+v has no code or no message", f)
	}
}

// get reads items and expects an answer for each key.
func (s *suite) get(keys ...table.Key) []*table.Item {
	s.Helper()
	items, err := s.table.Get(s.Context(), keys...)
	if err != nil {
		s.Fatalf("get: %v", err)
	}
	if len(items) != len(keys) {
		s.Fatalf("get answers %d items for %d keys", len(items), len(keys))
	}
	return items
}

// holds expects the item as it is given, but for its key.
func (s *suite) holds(key table.Key, want table.Item) {
	s.Helper()
	want.Key = key
	if diff := cmp.Diff(&want, s.get(key)[0], wholeBodies); diff != "" {
		s.Errorf("item %q (-want +got):\n%s", key.Sort, diff)
	}
}

// wholeBodies compares bodies at once; byte by byte, large ones take seconds.
var wholeBodies = cmp.Comparer(func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) })

// absent expects that none of the items is there.
func (s *suite) absent(keys ...table.Key) {
	s.Helper()
	for i, item := range s.get(keys...) {
		if item != nil {
			s.Errorf("item %q is there: version %d", keys[i].Sort, item.Version)
		}
	}
}

// query follows the pages of a range to the end. With a limit, no page may hold more.
func (s *suite) query(partition string, r table.Range) []table.Item {
	s.Helper()
	return s.follow(r.Limit, func(after string) (table.Page, error) {
		r.After = after
		return s.table.Query(s.Context(), partition, r)
	})
}

func (s *suite) follow(limit int, read func(after string) (table.Page, error)) []table.Item {
	s.Helper()
	var out []table.Item
	seen := map[string]bool{}
	for after := ""; ; {
		page, err := read(after)
		if err != nil {
			s.Fatalf("page after %q: %v", after, err)
		}
		if limit > 0 && len(page.Items) > limit {
			s.Errorf("page has %d items, the limit is %d", len(page.Items), limit)
		}
		out = append(out, page.Items...)
		if page.Next == "" {
			return out
		}
		if seen[page.Next] {
			s.Fatalf("pages go in circles at %q", page.Next)
		}
		seen[page.Next], after = true, page.Next
	}
}

func sorts(items []table.Item) []string {
	out := []string{}
	for _, item := range items {
		out = append(out, item.Key.Sort)
	}
	return out
}

// metered returns a context and where the table reports to under it.
func (s *suite) metered() (context.Context, *[]table.Usage) {
	var mu sync.Mutex
	var reports []table.Usage
	ctx := table.WithMeter(s.Context(), func(u table.Usage) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, u)
	})
	return ctx, &reports
}
