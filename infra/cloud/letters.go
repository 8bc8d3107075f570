package cloud

import (
	"container/heap"
	"context"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"rapport/shared/event"
	"rapport/shared/people"
)

// letters are what waits in the queues. Who is erased must not be found there
// either: not among events that nobody unified yet, and not among dead letters.
type letters struct{ cloud *Cloud }

var _ people.Roads = letters{}

// Remove implements people.Roads. What else waits names nobody but by a hash. It
// is left to its function, which finds the tombstone and counts what it skipped.
func (l letters) Remove(_ context.Context, nodeHashes []string) (int, error) {
	dead := map[*queue]bool{}
	for _, q := range l.cloud.queues {
		dead[q.dead] = true
	}
	removed := 0
	for _, q := range l.cloud.queues {
		n, err := q.rewrite(func(body string) (string, int) { return without(body, nodeHashes, dead[q]) })
		if err != nil {
			return removed, err
		}
		removed += n
	}
	return removed, nil
}

// without returns what of a body may stay, "" when nothing may, and how much was
// taken out of it.
func without(body string, nodeHashes []string, dead bool) (rest string, taken int) {
	list, err := event.Unpack(body)
	if err != nil || len(list) == 0 {
		named := slices.ContainsFunc(nodeHashes, func(hash string) bool { return strings.Contains(body, hash) })
		if dead && named {
			return "", 1
		}
		return body, 0
	}
	kept := slices.DeleteFunc(slices.Clone(list), func(e event.Event) bool {
		return slices.Contains(nodeHashes, e.Node().Hash())
	})
	packed, err := event.Pack(kept)
	if err != nil || len(packed) > 1 || len(kept) == len(list) { // what came out of one message fits into one
		return body, 0
	}
	return strings.Join(packed, ""), len(list) - len(kept)
}

// rewrite replaces the bodies of waiting messages by what keep returns for them,
// removes those for which that is "", and adds up what was taken out.
func (q *queue) rewrite(keep func(body string) (rest string, taken int)) (int, error) {
	rests, taken, err := q.judge(keep)
	if err != nil || len(rests) == 0 {
		return 0, err
	}
	held := q.holdBack(rests)
	err = q.store.do(func(tx *bbolt.Tx) error {
		for _, m := range held {
			if err := m.rewrite(q.bucket(tx), rests[m]); err != nil {
				return err
			}
		}
		return nil
	})
	for _, m := range held {
		if err != nil || rests[m] != "" {
			q.wait(m)
		}
	}
	return taken, err
}

// judge asks about every waiting message, and returns the new bodies of those that
// change.
func (q *queue) judge(keep func(body string) (rest string, taken int)) (rests map[*message]string, taken int, err error) {
	q.mu.Lock()
	list := slices.Clone(q.waiting)
	q.mu.Unlock()
	rests = map[*message]string{}
	err = q.store.db.View(func(tx *bbolt.Tx) error {
		for _, m := range list {
			if rest, n := keep(string(q.bucket(tx).Get(partKey(m.seq, bodyPart)))); n > 0 {
				rests[m], taken = rest, taken+n
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, notStored(err)
	}
	return rests, taken, nil
}

// holdBack takes the messages out of those that wait, as far as nobody else did.
func (q *queue) holdBack(wanted map[*message]string) []*message {
	q.mu.Lock()
	defer q.mu.Unlock()
	var held []*message
	q.waiting = slices.DeleteFunc(q.waiting, func(m *message) bool {
		_, is := wanted[m]
		if is {
			held = append(held, m)
		}
		return is
	})
	heap.Init(&q.waiting)
	return held
}

// rewrite replaces the body; "" removes the message.
func (m *message) rewrite(b *bbolt.Bucket, body string) error {
	if body == "" {
		return m.remove(b)
	}
	return b.Put(partKey(m.seq, bodyPart), []byte(body))
}
