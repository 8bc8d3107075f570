package embedded

import (
	"context"
	"errors"
	"sync"

	"go.etcd.io/bbolt"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// queue gathers commits while a group of them is on its way to the disk. Then
// one of those that waited leads the next group, which shares one sync.
type queue struct {
	mu      sync.Mutex
	pending []*commit
	lead    chan struct{} // whoever holds its one place leads
}

func newQueue() queue { return queue{lead: make(chan struct{}, 1)} }

func (q *queue) add(c *commit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = append(q.pending, c)
}

func (q *queue) take() []*commit {
	q.mu.Lock()
	defer q.mu.Unlock()
	group := q.pending
	q.pending = nil
	return group
}

// Commit implements table.Table. A context that ends before the commit's turn
// comes leaves nothing stored; once its turn has come, the answer is waited for,
// so that it is never in doubt.
func (d *DB) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if err := table.Validate(owner, writes); err != nil {
		return err
	}
	c := newCommit(ctx, owner, writes)
	d.queue.add(c)
	select {
	case <-c.done:
	case d.queue.lead <- struct{}{}:
		d.leadGroup()
		<-c.done // in this group, or in one that ended before
	}
	if c.usage.Writes > 0 {
		table.Spend(ctx, c.usage)
	}
	return c.err
}

func (d *DB) leadGroup() {
	defer func() { <-d.queue.lead }()
	d.applyGroup(d.queue.take())
}

var errNothingWritten = errors.New("nothing to write")

// applyGroup brings the commits to disk in one transaction, each judged by its
// own conditions and seeing what those before it wrote. All are done after it.
func (d *DB) applyGroup(group []*commit) {
	defer func() { // whatever happens in between, nobody may wait for ever
		for _, c := range group {
			close(c.done)
		}
	}()
	err := d.bolt.Update(func(tx *bbolt.Tx) error {
		now, b, wrote := d.clock().Unix(), tx.Bucket(bucket), false
		for _, c := range group {
			w, err := c.apply(b, now)
			if err != nil {
				return err
			}
			wrote = wrote || w
		}
		if !wrote { // spares the disk a sync
			return errNothingWritten
		}
		return d.sweep(b, now)
	})
	if err == nil || errors.Is(err, errNothingWritten) {
		return
	}
	for _, c := range group {
		c.err = fault.New(fault.Unavailable, "not_stored",
			"the data file could not be written; check the disk and try again").Because(err)
	}
}
