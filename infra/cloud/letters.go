package cloud

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
)

// letters are what waits in the queues. Who is erased must not be found there
// either: not among events that nobody unified yet, and not among dead letters.
type letters struct{ cloud *Cloud }

var _ people.Roads = letters{}

// Remove implements people.Roads. What else waits names nobody but by a hash, or
// comes from another system. It is left to its function, which finds the tombstone
// and counts what it skipped.
func (l letters) Remove(_ context.Context, nodeHashes []string) (int, error) {
	dead := map[*queue]bool{}
	for _, q := range l.cloud.queues {
		dead[q.dead] = true
	}
	erased := func(id person.NodeID) bool { return slices.Contains(nodeHashes, id.Hash()) }
	removed := 0
	for _, q := range l.cloud.queues {
		n, err := q.rewrite(func(body string) (string, int) {
			list, err := event.Unpack(body)
			switch {
			case err == nil && len(list) > 0:
				return without(body, list, erased)
			case dead[q] && (slices.ContainsFunc(nodeHashes, func(hash string) bool { return strings.Contains(body, hash) }) || names(body, erased)):
				return "", 1
			}
			return body, 0
		})
		if err != nil {
			return removed, err
		}
		removed += n
	}
	return removed, nil
}

// without returns what of packed events may stay, "" when nothing may, and how
// many were taken out or lost a name.
func without(body string, list []event.Event, erased func(person.NodeID) bool) (rest string, taken int) {
	var kept []event.Event
	for i := range list {
		claimed := person.NodeID{Kind: person.UserID, Value: list[i].Claim}
		if erased(list[i].Node()) || erased(claimed) { // without its claim it could do more than it may
			taken++
			continue
		}
		e, named := list[i].Without(erased)
		if named {
			taken++
		}
		kept = append(kept, *e)
	}
	packed, err := event.Pack(kept)
	if err != nil || len(packed) > 1 || taken == 0 { // what came out of one message fits into one
		return body, 0
	}
	return strings.Join(packed, ""), taken
}

// names reports whether a text in the letter of another system is an identity of
// somebody erased: a user id, a device's, an address, or a number as
// event.Decode reads them.
func names(body string, erased func(person.NodeID) bool) bool {
	var letter any
	numbers := json.NewDecoder(strings.NewReader(body))
	if numbers.UseNumber(); numbers.Decode(&letter) != nil {
		return false
	}
	is := func(kind person.Kind, value string) bool {
		return value != "" && erased(person.NodeID{Kind: kind, Value: value})
	}
	var found func(v any) bool
	found = func(v any) bool {
		switch v := v.(type) {
		case string:
			return is(person.UserID, v) || is(person.AnonymousID, v) || is(person.Email, person.Address(v))
		case json.Number: // an id may be written so
			return found(v.String())
		case []any:
			return slices.ContainsFunc(v, found)
		case map[string]any:
			if is(person.External, fmt.Sprint(v["type"], ":", v["id"])) {
				return true
			}
			return slices.ContainsFunc(slices.Collect(maps.Values(v)), found)
		}
		return false
	}
	return found(letter)
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
