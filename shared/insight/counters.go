package insight

import (
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

const (
	// markerLife is how long a tally is remembered as counted: longer than a
	// message can lie in its queue, then among the dead letters, and be replayed.
	markerLife = 60 * 24 * time.Hour

	// dayLife keeps days for a comparison with the same month of last year.
	dayLife = 400 * 24 * time.Hour

	// maxBusy is how often a commit tries another shard before the queue has to
	// bring its tallies again.
	maxBusy = table.CounterShards / 2
)

// Counters keeps the cells in the table.
type Counters struct {
	table table.Table
	now   func() time.Time
	owner func() string
}

// NewCounters returns counters over the table. Now is the clock; owner makes a
// new random token for each commit. Who only reads needs neither.
func NewCounters(t table.Table, now func() time.Time, owner func() string) *Counters {
	return &Counters{table: t, now: now, owner: owner}
}

// Count counts the tallies and returns an error for each: nil once it is
// counted, by this call or by one before it.
func (c *Counters) Count(ctx context.Context, tallies []Tally) []error {
	errs := make([]error, len(tallies))
	byID := map[string][]int{}
	var pending []Tally // each id once: the first to arrive stands for all
	for i, t := range tallies {
		if errs[i] = t.check(); errs[i] != nil {
			continue
		}
		if byID[t.ID] == nil {
			pending = append(pending, t)
		}
		byID[t.ID] = append(byID[t.ID], i)
	}
	for _, group := range groups(pending) {
		for id, err := range c.count(ctx, group) {
			for _, i := range byID[id] {
				errs[i] = err
			}
		}
	}
	return errs
}

// groups cuts tallies into commits of at most MaxCells items to add to; their
// markers fit beside those.
func groups(tallies []Tally) [][]Tally {
	var out [][]Tally
	var group []Tally
	items := map[string]bool{}
	for _, t := range tallies {
		grown := maps.Clone(items)
		for key := range sum(t) {
			grown[key] = true
		}
		if len(group) > 0 && (len(grown) > MaxCells || len(group)+1 > table.MaxCommitWrites-MaxCells) {
			out, group = append(out, group), nil
			grown = map[string]bool{}
			for key := range sum(t) {
				grown[key] = true
			}
		}
		group, items = append(group, t), grown
	}
	if len(group) > 0 {
		out = append(out, group)
	}
	return out
}

// count commits a group of tallies that each are there once. Those that were
// counted before are taken out, and the rest is committed anew.
func (c *Counters) count(ctx context.Context, group []Tally) map[string]error {
	failed := map[string]error{}
	for busy := 0; len(group) > 0; {
		err := c.table.Commit(ctx, c.owner(), c.writes(group, busy)...)
		conflict := table.AsConflict(err)
		switch {
		case err == nil:
			return failed
		case conflict == nil:
			return c.apart(ctx, group, err)
		}
		left := uncounted(group, conflict)
		if len(left) == len(group) {
			if busy++; busy == maxBusy {
				return c.apart(ctx, group, errBusy)
			}
		}
		group = left
	}
	return failed
}

var errBusy = fault.New(fault.Unavailable, "counters_busy", "the counters change too often at this moment; try again")

// apart is for a group that failed. What no retry mends may be the fault of one
// of them: then each is tried alone, so that the others get counted.
func (c *Counters) apart(ctx context.Context, group []Tally, err error) map[string]error {
	failed := map[string]error{}
	kind := fault.KindOf(err)
	alone := len(group) > 1 && (kind == fault.Invalid || kind == fault.TooLarge)
	for _, t := range group {
		if !alone {
			failed[t.ID] = err
			continue
		}
		maps.Copy(failed, c.count(ctx, []Tally{t}))
	}
	return failed
}

// uncounted returns the tallies whose marker was not there.
func uncounted(group []Tally, conflict *table.Conflict) []Tally {
	var left []Tally
	for i, t := range group {
		if i >= len(conflict.Reasons) || conflict.Reasons[i] != table.Exists {
			left = append(left, t)
		}
	}
	return left
}

// writes returns one commit: the markers first and in order, so that a conflict
// can be told apart, then the sums. All go to one shard, which the markers make
// safe: a try that finds it busy takes the next.
func (c *Counters) writes(group []Tally, try int) []table.Write {
	now := c.now()
	out := make([]table.Write, 0, len(group)+MaxCells)
	for _, t := range group {
		out = append(out, table.Put(table.TallyMarkerKey(t.ID), nil, now.Add(markerLife), table.Absent()))
	}
	sums := sum(group...)
	shard := (shardOf(group[0].ID) + try) % table.CounterShards
	for _, item := range slices.Sorted(maps.Keys(sums)) {
		var expires time.Time
		if sums[item].day {
			expires = now.Add(dayLife)
		}
		out = append(out, table.Add(table.CounterKey(item, shard), sums[item].counters, expires, table.Condition{}))
	}
	return out
}

func shardOf(id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % table.CounterShards)
}

// change is what a commit adds to one item.
type change struct {
	counters map[string]int64
	day      bool
}

// sum adds up tallies by the item that they go to.
func sum(tallies ...Tally) map[string]change {
	out := map[string]change{}
	add := func(item, counter string, n int64, day bool) {
		if _, ok := out[item]; !ok {
			out[item] = change{map[string]int64{}, day}
		}
		out[item].counters[counter] += n
	}
	for _, t := range tallies {
		for _, c := range t.Cells {
			subject, counter, _ := split(c.Name)
			add(subject, counter, c.N, false)
			if t.Day != "" {
				add(onDay(subject, t.Day), counter, c.N, true)
			}
		}
	}
	return out
}

// onDay is the item of a subject's day. No subject is called like one: a name
// holds no "#".
func onDay(subject, day string) string { return subject + "#" + day }
