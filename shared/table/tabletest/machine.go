package tabletest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/table"
)

// model compares the table with a map, over random commits, retries, reads and
// passing time on few keys.
func model(s *suite) {
	runs := 0
	rapid.Check(s.T, func(t *rapid.T) {
		runs++ // keys of its own for every run
		m := &machine{T: t, table: s.table, clock: s.clock, partitions: []string{
			fmt.Sprintf("%s/%d", s.prefix, runs), fmt.Sprintf("%s/%d#", s.prefix, runs),
		}, items: map[table.Key]modelItem{}}
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			rapid.SampledFrom([]func(){m.commit, m.commit, m.commit, m.retry, m.get, m.query, m.wait}).Draw(t, "step")()
		}
		m.get()
	})
}

// machine is a table next to its model.
type machine struct {
	*rapid.T
	table      table.Table
	clock      *clock
	partitions []string
	items      map[table.Key]modelItem
	past       []modelCommit
}

type modelItem struct {
	table.Item
	owner string
}

type modelCommit struct {
	owner  string
	writes []table.Write
}

var (
	modelSorts    = []string{"a", "a#", "b", "é"}
	modelCounters = []string{"m", "n"}
	modelDelays   = []time.Duration{0, time.Second, 1500 * time.Millisecond, 3 * time.Second}
)

func (m *machine) keys() []table.Key {
	var out []table.Key
	for _, partition := range m.partitions {
		for _, sort := range modelSorts {
			out = append(out, table.Key{Partition: partition, Sort: sort})
		}
	}
	return out
}

func (m *machine) commit() {
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom(m.keys()), 1, 3, rapid.ID[table.Key]).Draw(m.T, "keys")
	c := modelCommit{owner: fmt.Sprint("owner-", len(m.past))}
	for _, key := range keys {
		c.writes = append(c.writes, m.write(key))
	}
	m.past = append(m.past, c)
	m.apply(c)
}

// retry repeats an earlier commit, whatever has happened since.
func (m *machine) retry() {
	if len(m.past) > 0 {
		m.apply(rapid.SampledFrom(m.past).Draw(m.T, "again"))
	}
}

func (m *machine) write(key table.Key) table.Write {
	w := table.Write{Op: table.Op(rapid.IntRange(0, 3).Draw(m.T, "op")), Key: key}
	w.If = m.condition(key, w.Op)
	if w.Op == table.OpPut || w.Op == table.OpAdd {
		for _, name := range modelCounters[:rapid.IntRange(int(w.Op), 2).Draw(m.T, "counters")] {
			if w.Counters == nil {
				w.Counters = map[string]int64{}
			}
			w.Counters[name] = rapid.Int64Range(-2, 3).Draw(m.T, name)
		}
		if delay := rapid.SampledFrom(modelDelays).Draw(m.T, "expires"); delay > 0 {
			w.Expires = m.clock.read().Add(delay)
		}
	}
	if w.Op == table.OpPut {
		w.Body = []byte(rapid.StringN(0, 2, 8).Draw(m.T, "body"))
	}
	return w
}

// condition draws one that the write may have, and that often holds.
func (m *machine) condition(key table.Key, op table.Op) table.Condition {
	version := m.live(key).Version
	if version == 0 || rapid.IntRange(0, 3).Draw(m.T, "stray") == 0 {
		version = rapid.Int64Range(1, 3).Draw(m.T, "version")
	}
	counter := rapid.SampledFrom(modelCounters).Draw(m.T, "counter")
	limit := rapid.Int64Range(-1, 4).Draw(m.T, "below")
	cond := rapid.SampledFrom([]table.Condition{
		table.Absent(), table.VersionIs(version),
		{Absent: true, Counter: counter, Below: limit},
		{Version: version, Counter: counter, Below: limit},
		table.CounterBelow(counter, limit),
		{},
	}).Draw(m.T, "if")
	if cond.IsZero() && op == table.OpCheck || cond.Version == 0 && !cond.Absent && op == table.OpPut {
		return table.Absent()
	}
	return cond
}

func (m *machine) apply(c modelCommit) {
	want := m.judge(c)
	err := m.table.Commit(m.Context(), c.owner, c.writes...)
	if conflict := table.AsConflict(err); conflict != nil {
		if !slices.Equal(conflict.Reasons, want) {
			m.Fatalf("%+v is refused for %v, want %v", c, conflict.Reasons, want)
		}
		return
	}
	if err != nil || want != nil {
		m.Fatalf("%+v: %v, want %v", c, err, want)
	}
}

// judge applies the commit to the model, or returns the reasons why not.
func (m *machine) judge(c modelCommit) []table.Reason {
	reasons := make([]table.Reason, len(c.writes))
	for i, w := range c.writes {
		item := m.live(w.Key)
		if w.Op != table.OpCheck && item.owner == c.owner {
			return nil
		}
		reasons[i] = item.reason(w)
	}
	if slices.ContainsFunc(reasons, func(r table.Reason) bool { return r != table.Held }) {
		return reasons
	}
	for _, w := range c.writes {
		m.change(c.owner, w)
	}
	return nil
}

func (i modelItem) reason(w table.Write) table.Reason {
	there := i.Version > 0
	if w.If.Absent && there {
		return table.Exists
	}
	if w.Op == table.OpDelete && !there {
		return table.Held
	}
	if w.If.Version != 0 && w.If.Version != i.Version {
		if there {
			return table.VersionChanged
		}
		return table.Missing
	}
	if w.If.Counter != "" && i.Counters[w.If.Counter] >= w.If.Below {
		return table.CounterReached
	}
	return table.Held
}

func (m *machine) change(owner string, w table.Write) {
	item := m.live(w.Key)
	switch w.Op {
	case table.OpCheck:
		return
	case table.OpDelete:
		delete(m.items, w.Key)
		return
	case table.OpPut:
		item.Body, item.Counters, item.Expires = w.Body, w.Counters, w.Expires.Truncate(time.Second)
		if len(w.Body) == 0 {
			item.Body = nil
		}
	case table.OpAdd:
		if item.Version == 0 {
			item.Expires = w.Expires.Truncate(time.Second)
		}
		item.Counters = maps.Clone(item.Counters)
		if item.Counters == nil {
			item.Counters = map[string]int64{}
		}
		for name, n := range w.Counters {
			item.Counters[name] += n
		}
	}
	item.Key, item.owner = w.Key, owner
	item.Version++
	m.items[w.Key] = item
}

// live returns the item as others see it now: with version 0 when it is not there.
func (m *machine) live(key table.Key) modelItem {
	item := m.items[key]
	if !item.Expires.IsZero() && !m.clock.read().Before(item.Expires) {
		return modelItem{}
	}
	return item
}

func (m *machine) get() {
	keys := m.keys()
	want := make([]*table.Item, len(keys))
	for i, key := range keys {
		if item := m.live(key); item.Version > 0 {
			want[i] = &item.Item
		}
	}
	got, err := m.table.Get(m.Context(), keys...)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		m.Fatalf("get: %v (-want +got):\n%s", err, diff)
	}
}

func (m *machine) query() {
	bounds := append([]string{""}, modelSorts...)
	r := table.Range{
		From: rapid.SampledFrom(bounds).Draw(m.T, "from"), To: rapid.SampledFrom(bounds).Draw(m.T, "to"),
		Descending: rapid.Bool().Draw(m.T, "descending"), Limit: rapid.IntRange(0, 3).Draw(m.T, "limit"),
	}
	partition := rapid.SampledFrom(m.partitions).Draw(m.T, "partition")
	want, got := []table.Item{}, []table.Item{}
	for _, sort := range modelSorts {
		item := m.live(table.Key{Partition: partition, Sort: sort})
		if item.Version > 0 && sort >= r.From && (r.To == "" || sort <= r.To) {
			want = append(want, item.Item)
		}
	}
	if r.Descending {
		slices.Reverse(want)
	}
	for item, err := range table.All(m.Context(), m.table, partition, r) {
		if err != nil {
			m.Fatalf("query %+v: %v", r, err)
		}
		got = append(got, item)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		m.Fatalf("query %+v (-want +got):\n%s", r, diff)
	}
}

func (m *machine) wait() { m.clock.advance(rapid.SampledFrom(modelDelays[1:]).Draw(m.T, "wait")) }
