package insight

import (
	"context"
	"sync"
	"time"

	"rapport/shared/table"
)

// Window is the days whose counts are asked for: the last Days calendar days in
// the zone, today included. The zero value is everything since the beginning.
type Window struct {
	Days int
	Zone *time.Location
}

// days lists the days of the window as of now, oldest first.
func (w Window) days(now time.Time) []string {
	var out []string
	for i := range w.Days {
		local := now.In(w.Zone)
		noon := time.Date(local.Year(), local.Month(), local.Day()-w.Days+1+i, 12, 0, 0, 0, w.Zone)
		out = append(out, noon.Format(dayFormat))
	}
	return out
}

// counts are the counters of one subject, by name.
type counts map[string]int64

// parallel is how many partitions are read at the same time.
const parallel = 16

// read returns the counters of each subject, summed over shards and days.
func (c *Counters) read(ctx context.Context, subjects []string, w Window) ([]counts, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := reading{sums: make([]counts, len(subjects))}
	room := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i, subject := range subjects {
		r.begin(i)
		for _, item := range c.items(subject, w) {
			room <- struct{}{}
			wg.Go(func() {
				defer func() { <-room }()
				found, err := c.readItem(ctx, item)
				if r.take(i, found, err) {
					cancel() // the others would only be thrown away
				}
			})
		}
	}
	wg.Wait()
	return r.sums, r.err
}

// items are where the counters of a subject lie: in its total, or in its days.
func (c *Counters) items(subject string, w Window) []string {
	if w.Days == 0 {
		return []string{subject}
	}
	var out []string
	for _, day := range w.days(c.now()) {
		out = append(out, onDay(subject, day))
	}
	return out
}

// reading gathers what several readers find.
type reading struct {
	mu   sync.Mutex
	sums []counts
	err  error // the first
}

func (r *reading) begin(subject int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sums[subject] = counts{}
}

// take adds what was found of a subject and reports whether the reading failed.
func (r *reading) take(subject int, found counts, err error) (failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	for name, n := range found {
		r.sums[subject][name] += n
	}
	return r.err != nil
}

// readItem sums the shards of one item.
func (c *Counters) readItem(ctx context.Context, item string) (counts, error) {
	out := counts{}
	for shard, err := range table.All(ctx, c.table, table.CounterKey(item, 0).Partition, table.Range{}) {
		if err != nil {
			return nil, err
		}
		for name, n := range shard.Counters {
			out[name] += n
		}
	}
	return out, nil
}
