package cloud

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"rapport/shared/fault"
)

// queue is one SQS standard queue: at least once, no order promised. What is
// visible, delayed or in flight is known in memory; the file remembers the
// messages. After a crash those that were in flight are visible at once, since
// nobody can still hold them.
type queue struct {
	spec  queueSpec
	store *store
	now   func() time.Time
	dead  *queue // nil: a message that fails for good is dropped

	mu      sync.Mutex
	seq     uint64
	waiting waiting
	flying  map[uint64]*message
	changed chan struct{} // closed when something becomes visible or time moved
	settled func()        // called after a delivery ended
}

// delivery is a received message. Receives tells a stale one from the current.
type delivery struct {
	message *message
	body    string
	// Copies, since a message in flight may become visible again.
	id       string
	receives int
	sent     time.Time
	first    time.Time
}

func openQueue(spec queueSpec, s *store, now func() time.Time, settled func()) (*queue, error) {
	q := &queue{spec: spec, store: s, now: now, settled: settled, flying: map[uint64]*message{}, changed: make(chan struct{})}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.Bucket(queuesBucket).CreateBucketIfNotExists([]byte(spec.ID))
		if err != nil {
			return err
		}
		q.waiting, err = loadMessages(b)
		return err
	})
	if err != nil {
		return nil, notStored(err)
	}
	if n := len(q.waiting); n > 0 {
		q.seq = q.waiting[n-1].seq
	}
	heap.Init(&q.waiting)
	return q, nil
}

func (q *queue) bucket(tx *bbolt.Tx) *bbolt.Bucket {
	return tx.Bucket(queuesBucket).Bucket([]byte(q.spec.ID))
}

// Send stores the bodies; nil means that all of them are on disk.
//
// Errors: kind TooLarge for a body over the queue's limit, Unavailable when the
// disk refuses.
func (q *queue) Send(ctx context.Context, bodies ...string) error {
	if err := ctx.Err(); err != nil {
		return fault.New(fault.Unavailable, "gave_up", "the caller gave up before the message was stored").Because(err)
	}
	if len(bodies) == 0 {
		return nil
	}
	staged, err := q.stage(bodies)
	if err != nil {
		return err
	}
	return q.store.deliver(staged)
}

func (q *queue) number(messages []*message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range messages {
		q.seq++
		m.seq = q.seq
	}
}

func (q *queue) wait(messages ...*message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range messages {
		heap.Push(&q.waiting, m)
	}
	q.stir()
}

// stir wakes whoever waits for messages. The lock is held.
func (q *queue) stir() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// TimeMoved wakes the workers, for what was delayed may be visible now.
func (q *queue) TimeMoved() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stir()
}

// Receive takes up to most visible messages and hides them. When there are
// none it returns a channel that closes when something changes, and when the
// next message is due (zero: unknown).
func (q *queue) Receive(most int) ([]delivery, <-chan struct{}, time.Time, error) {
	now := q.now()
	q.mu.Lock()
	q.expire(now)
	var taken []delivery
	for len(taken) < most && len(q.waiting) > 0 && !q.waiting[0].Due.After(now) {
		m := heap.Pop(&q.waiting).(*message)
		m.Receives++
		if m.First.IsZero() {
			m.First = now
		}
		m.deadline = now.Add(q.spec.Visibility)
		q.flying[m.seq] = m
		taken = append(taken, delivery{message: m, id: m.ID, receives: m.Receives, sent: m.Sent, first: m.First})
	}
	changed, next := q.changed, q.next()
	q.mu.Unlock()
	return taken, changed, next, q.fill(taken)
}

func (q *queue) fill(taken []delivery) error {
	if len(taken) == 0 {
		return nil
	}
	return q.store.db.View(func(tx *bbolt.Tx) error {
		b := q.bucket(tx)
		for i := range taken {
			taken[i].body = string(b.Get(partKey(taken[i].message.seq, bodyPart)))
		}
		return nil
	})
}

// next is when the next message becomes visible. The lock is held.
func (q *queue) next() time.Time {
	var next time.Time
	if len(q.waiting) > 0 {
		next = q.waiting[0].Due
	}
	for _, m := range q.flying {
		if next.IsZero() || m.deadline.Before(next) {
			next = m.deadline
		}
	}
	return next
}

// expire makes messages visible again whose consumer took too long. The lock is held.
func (q *queue) expire(now time.Time) {
	for _, m := range q.flying {
		if !m.deadline.After(now) {
			q.fail(m, "not acknowledged before its visibility timeout ended")
		}
	}
}

// Done acknowledges the deliveries whose reason is "" and gives the others back.
func (q *queue) Done(taken []delivery, reasons []string) {
	q.mu.Lock()
	var gone []*message
	for i, d := range taken {
		m := d.message
		if q.flying[m.seq] != m || m.Receives != d.receives {
			continue // it became visible again meanwhile: somebody else's
		}
		if reasons[i] != "" {
			q.fail(m, reasons[i])
			continue
		}
		delete(q.flying, m.seq)
		gone = append(gone, m)
	}
	if len(gone) > 0 {
		q.store.later(func(tx *bbolt.Tx) error {
			b := q.bucket(tx)
			for _, m := range gone {
				if err := m.remove(b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	q.stir()
	q.mu.Unlock()
	q.settled()
}

// fail lets a message wait for its visibility timeout to end, or buries it
// after its last receive. The lock is held.
func (q *queue) fail(m *message, reason string) {
	delete(q.flying, m.seq)
	m.Reason = reason
	if q.spec.MaxReceives > 0 && m.Receives >= q.spec.MaxReceives {
		q.bury(m)
		return
	}
	m.Due = m.deadline
	heap.Push(&q.waiting, m)
	state := *m
	q.store.later(func(tx *bbolt.Tx) error { return state.put(q.bucket(tx)) })
}

// bury moves a message to the dead letters, reason and receives included.
func (q *queue) bury(m *message) {
	if q.dead == nil {
		q.store.log.Error("a message was dropped: there is no dead-letter queue", "queue", q.spec.ID, "id", m.ID, "reason", m.Reason)
		q.store.later(func(tx *bbolt.Tx) error { return m.remove(q.bucket(tx)) })
		return
	}
	q.store.log.Warn("a message went to the dead letters", "queue", q.spec.ID, "id", m.ID, "reason", m.Reason, "receives", m.Receives)
	buried := *m
	buried.Due = q.now()
	q.dead.number([]*message{&buried})
	state := buried
	q.store.later(func(tx *bbolt.Tx) error {
		from, to := q.bucket(tx), q.dead.bucket(tx)
		body := append([]byte(nil), from.Get(partKey(m.seq, bodyPart))...)
		if err := state.put(to); err != nil {
			return err
		}
		if err := to.Put(partKey(state.seq, bodyPart), body); err != nil {
			return err
		}
		return m.remove(from)
	})
	q.dead.wait(&buried)
}
