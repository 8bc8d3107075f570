package cloud

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// depth counts the messages of a queue.
type depth struct{ visible, flying, delayed int }

// Depth counts what waits and what is being worked on.
func (q *queue) Depth() depth {
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	d := depth{flying: len(q.flying)}
	for _, m := range q.waiting {
		if m.Due.After(now) {
			d.delayed++
		} else {
			d.visible++
		}
	}
	return d
}

// Busy says what keeps a queue from being settled, or "".
func (q *queue) Busy() string {
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.flying) > 0:
		return fmt.Sprintf("%s has %d messages in flight", q.spec.ID, len(q.flying))
	case len(q.waiting) > 0 && !q.waiting[0].Due.After(now):
		return fmt.Sprintf("%s has visible messages", q.spec.ID)
	default:
		return ""
	}
}

// NextDue is when the earliest delayed message becomes visible; zero: never.
func (q *queue) NextDue() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return time.Time{}
	}
	return q.waiting[0].Due
}

// letter is a message as /local/queues shows it.
type letter struct {
	ID       string    `json:"id"`
	Body     string    `json:"body"`
	Reason   string    `json:"reason"`
	Receives int       `json:"receives"`
	Sent     time.Time `json:"sent"`
}

// Letters lists up to most of the waiting messages with their bodies, oldest first.
func (q *queue) Letters(most int) ([]letter, error) {
	out := []letter{}
	err := q.store.db.View(func(tx *bbolt.Tx) error {
		b := q.bucket(tx)
		messages, err := loadMessages(b)
		for _, m := range messages[:min(most, len(messages))] {
			out = append(out, letter{m.ID, string(b.Get(partKey(m.seq, bodyPart))), m.Reason, m.Receives, m.Sent})
		}
		return err
	})
	if err != nil {
		return nil, notStored(err)
	}
	return out, nil
}
