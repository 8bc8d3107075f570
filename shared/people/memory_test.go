package people_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"rapport/shared/table"
)

// memory is a table in a map, for tests that need very many of them. It passes
// the same contract as the real backends (TestMemoryKeepsTheContract).
type memory struct {
	mu    sync.Mutex
	clock func() time.Time
	items map[table.Key]memoryItem

	// before, when set, runs ahead of each commit: tests let others win there.
	before func(writes []table.Write) error
}

type memoryItem struct {
	table.Item
	owner string
}

func newMemory(clock func() time.Time) *memory {
	return &memory{clock: clock, items: map[table.Key]memoryItem{}}
}

func (m *memory) live(k table.Key) (memoryItem, bool) {
	item, ok := m.items[k]
	if ok && !item.Expires.IsZero() && !item.Expires.After(m.clock()) {
		return memoryItem{}, false
	}
	return item, ok
}

func (m *memory) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*table.Item, len(keys))
	for i, k := range keys {
		if item, ok := m.live(k); ok {
			item.Counters = maps.Clone(item.Counters)
			out[i] = &item.Item
		}
	}
	table.Spend(ctx, table.Usage{Call: "Get", Items: len(keys), Reads: float64(len(keys))})
	return out, nil
}

func (m *memory) Query(ctx context.Context, partition string, r table.Range) (table.Page, error) {
	return m.page(ctx, r.After, r.Limit, r.Descending, func(k table.Key) (string, bool) {
		return k.Sort, k.Partition == partition && k.Sort >= r.From && (r.To == "" || k.Sort <= r.To)
	})
}

func (m *memory) Scan(ctx context.Context, s table.Segment) (table.Page, error) {
	return m.page(ctx, s.After, s.Limit, false, func(k table.Key) (string, bool) {
		sum := 0
		for _, b := range []byte(k.Partition) {
			sum += int(b)
		}
		return k.Partition + "\x00" + k.Sort, sum%max(s.Of, 1) == s.Index
	})
}

func (m *memory) page(ctx context.Context, after string, limit int, down bool, want func(table.Key) (string, bool)) (table.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	type hit struct {
		at   string
		item table.Item
	}
	var hits []hit
	for k := range m.items {
		at, ok := want(k)
		item, live := m.live(k)
		if ok && live && (after == "" || (down && at < after) || (!down && at > after)) {
			hits = append(hits, hit{at, item.Item})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		if down {
			a, b = b, a
		}
		return cmp.Compare(a.at, b.at)
	})
	var p table.Page
	size := 0
	for i, h := range hits {
		p.Items = append(p.Items, h.item)
		size += h.item.Bytes()
		if i+1 < len(hits) && (size >= table.PageBytes || len(p.Items) == limit) {
			p.Next = h.at
			break
		}
	}
	table.Spend(ctx, table.Usage{Call: "Query", Items: len(p.Items), Reads: 1})
	return p, nil
}

func (m *memory) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if err := table.Validate(owner, writes); err != nil {
		return err
	}
	if m.before != nil {
		if err := m.before(writes); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	table.Spend(ctx, table.Usage{Call: "Commit", Items: len(writes), Writes: float64(len(writes))})
	conflict := &table.Conflict{Reasons: make([]table.Reason, len(writes))}
	refused := false
	for i, w := range writes {
		item, ok := m.live(w.Key)
		if ok && w.Op != table.OpCheck && item.owner == owner {
			return nil
		}
		conflict.Reasons[i] = judge(w, item, ok)
		refused = refused || conflict.Reasons[i] != table.Held
	}
	if refused {
		return conflict
	}
	for _, w := range writes {
		m.apply(owner, w)
	}
	return nil
}

func judge(w table.Write, item memoryItem, ok bool) table.Reason {
	switch {
	case w.Op == table.OpDelete && !ok:
		return table.Held
	case w.If.Absent && ok:
		return table.Exists
	case w.If.Version > 0 && !ok:
		return table.Missing
	case w.If.Version > 0 && item.Version != w.If.Version:
		return table.VersionChanged
	case w.If.Counter != "" && item.Counters[w.If.Counter] >= w.If.Below:
		return table.CounterReached
	}
	return table.Held
}

func (m *memory) apply(owner string, w table.Write) {
	item, ok := m.live(w.Key)
	switch w.Op {
	case table.OpDelete:
		delete(m.items, w.Key)
		return
	case table.OpCheck:
		return
	case table.OpPut:
		item.Body, item.Expires, item.Counters = slices.Clone(w.Body), w.Expires.Truncate(time.Second), maps.Clone(w.Counters)
	case table.OpAdd:
		item.Counters = maps.Clone(item.Counters)
		if item.Counters == nil {
			item.Counters = map[string]int64{}
		}
		for name, n := range w.Counters {
			item.Counters[name] += n
		}
		if !ok {
			item.Expires = w.Expires.Truncate(time.Second)
		}
	}
	item.Key, item.owner = w.Key, owner
	item.Version++
	if len(item.Body) == 0 {
		item.Body = nil
	}
	if len(item.Counters) == 0 {
		item.Counters = nil
	}
	m.items[w.Key] = item
}
