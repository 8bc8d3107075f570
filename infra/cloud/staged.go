package cloud

import (
	"go.etcd.io/bbolt"

	"rapport/shared/fault"
)

// staged are messages that are about to be sent to a queue. They are stored in
// one transaction with whatever they belong to: other queues of the same event,
// or the mail that they tell of.
type staged struct {
	queue    *queue
	messages []*message
	bodies   []string
}

// stage makes messages of bodies.
//
// Errors: kind TooLarge for a body over the queue's limit.
func (q *queue) stage(bodies []string) (staged, error) {
	s := staged{queue: q, messages: make([]*message, len(bodies)), bodies: bodies}
	now := q.now()
	for i, body := range bodies {
		if len(body) > q.spec.MaxBytes {
			return staged{}, fault.New(fault.TooLarge, "message_too_large",
				"a message of %d bytes does not fit %s, which takes %d: split it", len(body), q.spec.ID, q.spec.MaxBytes)
		}
		s.messages[i] = &message{ID: newID(), Sent: now, Due: now.Add(q.spec.Delay)}
	}
	q.number(s.messages)
	return s, nil
}

func (s staged) put(tx *bbolt.Tx) error {
	b := s.queue.bucket(tx)
	for i, m := range s.messages {
		if err := m.put(b); err != nil {
			return err
		}
		if err := b.Put(partKey(m.seq, bodyPart), []byte(s.bodies[i])); err != nil {
			return err
		}
	}
	return nil
}

// deliver stores all that is staged, and what else belongs to it, in one
// transaction. Only then do the messages wait.
func (s *store) deliver(all ...staged) error { return s.deliverWith(nil, all) }

func (s *store) deliverWith(also func(*bbolt.Tx) error, all []staged) error {
	err := s.do(func(tx *bbolt.Tx) error {
		for _, one := range all {
			if err := one.put(tx); err != nil {
				return err
			}
		}
		if also == nil {
			return nil
		}
		return also(tx)
	})
	if err != nil {
		return err
	}
	for _, one := range all {
		one.queue.wait(one.messages...)
	}
	return nil
}
