package send_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
	"rapport/shared/table/tabletest"
)

// memory is the table in memory. The explorer makes a new one for each of its
// scenarios, so it must cost next to nothing; it keeps the whole contract.
type memory struct {
	mu    sync.Mutex
	clock func() time.Time
	items map[table.Key]owned
}

type owned struct {
	table.Item
	owner string
}

func newMemory(clock func() time.Time) *memory {
	return &memory{clock: clock, items: map[table.Key]owned{}}
}

// copyOf starts from what another table holds.
func copyOf(m *memory, clock func() time.Time) *memory {
	return &memory{clock: clock, items: maps.Clone(m.items)}
}

// take returns a stored item as the caller may keep it.
func (o owned) take() table.Item {
	o.Body = bytes.Clone(o.Body)
	o.Counters = maps.Clone(o.Counters)
	return o.Item
}

func (m *memory) live(o owned) bool { return o.Expires.IsZero() || o.Expires.Unix() > m.clock().Unix() }

func (m *memory) find(key table.Key) (owned, bool) {
	o, ok := m.items[key]
	return o, ok && m.live(o)
}

func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

func (m *memory) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	if err := table.ValidateKeys(keys); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fault.New(fault.Unavailable, "cancelled", "the caller gave up").Because(ctx.Err())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*table.Item, len(keys))
	usage := table.Usage{Call: "Get", Items: len(keys)}
	for i, key := range keys {
		o, ok := m.find(key)
		usage.Reads += units(o.Bytes(), 4<<10)
		if ok {
			item := o.take()
			out[i] = &item
		}
	}
	table.Spend(ctx, usage)
	return out, nil
}

func (m *memory) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if err := table.Validate(owner, writes); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fault.New(fault.Unavailable, "cancelled", "the caller gave up").Because(ctx.Err())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	conflict := &table.Conflict{Reasons: make([]table.Reason, len(writes))}
	usage := table.Usage{Call: "Commit", Items: len(writes)}
	refused, ours, each := false, false, 1.0
	if len(writes) > 1 {
		each = 2
	}
	for i, w := range writes {
		o, ok := m.find(w.Key)
		ours = ours || ok && o.owner == owner && w.Op != table.OpCheck
		conflict.Reasons[i] = judge(w, o, ok)
		refused = refused || conflict.Reasons[i] != table.Held
		usage.Writes += each * units(max(o.Bytes(), w.Bytes()), 1<<10)
	}
	table.Spend(ctx, usage)
	switch {
	case ours:
		return nil
	case refused:
		return conflict
	}
	next := make([]owned, len(writes))
	for i, w := range writes {
		var err error
		if next[i], err = m.next(owner, w); err != nil {
			return err
		}
	}
	for i, w := range writes {
		switch w.Op {
		case table.OpDelete:
			delete(m.items, w.Key)
		case table.OpPut, table.OpAdd:
			m.items[w.Key] = next[i]
		}
	}
	return nil
}

func judge(w table.Write, o owned, exists bool) table.Reason {
	if !exists {
		return w.Judge(false, 0, 0)
	}
	return w.Judge(true, o.Version, o.Counters[w.If.Counter])
}

// next is what a write makes of its item.
func (m *memory) next(owner string, w table.Write) (owned, error) {
	o, ok := m.find(w.Key)
	if !ok {
		o = owned{}
	}
	n := owned{owner: owner, Item: table.Item{Key: w.Key, Version: o.Version + 1}}
	if w.Op == table.OpPut || !ok {
		n.Body, n.Counters = bytes.Clone(w.Body), maps.Clone(w.Counters)
		if !w.Expires.IsZero() {
			n.Expires = time.Unix(w.Expires.Unix(), 0).UTC()
		}
		if len(n.Body) == 0 {
			n.Body = nil
		}
		if len(n.Counters) == 0 {
			n.Counters = nil
		}
		return n, nil
	}
	n.Body, n.Expires, n.Counters = o.Body, o.Expires, maps.Clone(o.Counters)
	if n.Counters == nil {
		n.Counters = map[string]int64{}
	}
	for name, by := range w.Counters {
		if had := n.Counters[name]; by > 0 && had > math.MaxInt64-by || by < 0 && had < math.MinInt64-by {
			return n, fault.New(fault.Invalid, "counter_overflow", "counter %q would overflow", name)
		}
		n.Counters[name] += by
	}
	if n.Bytes() > table.MaxItemBytes {
		return n, fault.New(fault.TooLarge, "item_too_large", "the item would have %d bytes", n.Bytes())
	}
	return n, nil
}

func (m *memory) Query(ctx context.Context, partition string, r table.Range) (table.Page, error) {
	if err := table.ValidateRange(partition, r); err != nil {
		return table.Page{}, err
	}
	keys := m.keys(func(k table.Key) bool {
		after := r.After == "" || !r.Descending && k.Sort > r.After || r.Descending && k.Sort < r.After
		return k.Partition == partition && k.Sort >= r.From && (r.To == "" || k.Sort <= r.To) && after
	})
	if r.Descending {
		slices.Reverse(keys)
	}
	return m.page(ctx, "Query", keys, r.Limit, func(k table.Key) string { return k.Sort })
}

func (m *memory) Scan(ctx context.Context, s table.Segment) (table.Page, error) {
	if err := table.ValidateSegment(s); err != nil {
		return table.Page{}, err
	}
	after, err := base64.RawURLEncoding.DecodeString(s.After)
	if err != nil {
		return table.Page{}, fault.New(fault.Invalid, "bad_cursor", "this is no cursor").Because(err)
	}
	partition, sort, _ := strings.Cut(string(after), "\x00")
	keys := m.keys(func(k table.Key) bool {
		h := fnv.New32a()
		_, _ = h.Write([]byte(k.Partition))
		return int(h.Sum32()%uint32(max(s.Of, 1))) == s.Index && compareKeys(k, table.Key{Partition: partition, Sort: sort}) > 0
	})
	return m.page(ctx, "Scan", keys, s.Limit, func(k table.Key) string {
		return base64.RawURLEncoding.EncodeToString([]byte(k.Partition + "\x00" + k.Sort))
	})
}

func compareKeys(a, b table.Key) int {
	return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Sort, b.Sort))
}

func (m *memory) keys(want func(table.Key) bool) []table.Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []table.Key
	for key := range m.items {
		if want(key) {
			out = append(out, key)
		}
	}
	slices.SortFunc(out, compareKeys)
	return out
}

func (m *memory) page(ctx context.Context, call string, keys []table.Key, limit int, cursor func(table.Key) string) (table.Page, error) {
	if ctx.Err() != nil {
		return table.Page{}, fault.New(fault.Unavailable, "cancelled", "the caller gave up").Because(ctx.Err())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var p table.Page
	read := 0
	for i, key := range keys {
		if i > 0 && (read >= table.PageBytes || limit > 0 && len(p.Items) >= limit) {
			p.Next = cursor(keys[i-1])
			break
		}
		o := m.items[key]
		read += o.Bytes()
		if m.live(o) {
			p.Items = append(p.Items, o.take())
		}
	}
	table.Spend(ctx, table.Usage{Call: call, Items: len(p.Items), Reads: units(read, 4<<10)})
	return p, nil
}

// What the explorer finds is worth as much as its table is one.
func TestMemoryKeepsTheContract(t *testing.T) {
	tabletest.Run(t, func(_ *testing.T, clock func() time.Time) table.Table { return newMemory(clock) })
}
