package people

import (
	"context"
	"iter"
	"strings"
	"time"

	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// until is when the content of an event of the person goes. Of a visitor nothing
// outlives the visitor, who is forgotten no earlier than so long after any event.
func until(p *person.Person, r *Record, s *strategy.Strategy) time.Time {
	goes := s.Retention.Until(&r.Event)
	if p != nil && p.Anonymous() {
		return first(goes, s.Retention.Visit(r.Event.ReceivedAt))
	}
	return goes
}

// first is the earlier of what an item was stored with, zero for never, and
// another time.
func first(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// keeper reads items of a person as far as they are still to be kept. What an
// item was stored with binds, and so does what the strategy says by now; the
// earlier of both, whether or not the table deleted the item yet.
type keeper struct {
	person   *person.Person
	strategy *strategy.Strategy
	now      time.Time
}

// record reads an event's item, nil for one that has no content any more.
func (k keeper) record(item *table.Item) (*Record, error) {
	if blank(item) {
		return nil, nil
	}
	r, err := DecodeRecord(item)
	if err != nil || r.Mark != "" {
		return nil, err
	}
	return k.kept(r, item.Expires), nil
}

// kept is the record, which was stored to go at that time, while it is to be kept.
func (k keeper) kept(r *Record, expires time.Time) *Record {
	if r.Until = first(expires, until(k.person, r, k.strategy)); !r.Until.After(k.now) {
		return nil
	}
	return r
}

// records iterates over what is kept of the events of one of the person's nodes,
// of which the latest may be pending in the person.
func (s *Store) records(ctx context.Context, k keeper, n *person.Node) iter.Seq2[*Record, error] {
	last, place, err := waiting(k.person)
	if err != nil {
		return func(yield func(*Record, error) bool) { yield(nil, err) }
	}
	due := last != nil && last.Event.Node() == n.ID
	return func(yield func(*Record, error) bool) {
		due := due
		for item, err := range table.All(ctx, s.table, table.NodePartition(n.ID.Hash()), table.EventRange()) {
			due = due && item.Key != place.Key
			r, err := k.read(&item, err)
			if (r != nil || err != nil) && !yield(r, err) {
				return
			}
		}
		if !due {
			return
		}
		if r := k.kept(last, place.Expires); r != nil {
			yield(r, nil)
		}
	}
}

// read is record for an item that may not have been read.
func (k keeper) read(item *table.Item, err error) (*Record, error) {
	if err != nil {
		return nil, err
	}
	return k.record(item)
}

// leave says when the person that is about to be stored will be forgotten, if
// nothing of them comes any more: a visitor is. One that would not be there any
// more waits for nothing. An erasure, which knows no strategy, leaves it at what
// it was.
func (u *unit) leave(p *person.Person) {
	if u.strategy == nil {
		return
	}
	switch last := u.strategy.Retention.Visit(u.now); {
	case !p.Anonymous():
		p.Expires = noExpiry
	case u.idle:
		p.Expires = first(p.Expires, last)
	default:
		p.Expires = last
	}
	if !p.Expires.IsZero() && !p.Due.Before(p.Expires) {
		p.Due = time.Time{}
	}
}

// Mark is what stays of an event whose content is gone: by it, a repetition is
// recognised.
type Mark struct {
	Node      string // hash
	MessageID string
	Until     time.Time // zero: always
}

func markOf(item *table.Item) Mark {
	hash, _ := strings.CutPrefix(item.Key.Partition, table.NodePartition(""))
	id, _ := strings.CutPrefix(item.Key.Sort, table.EventPrefix)
	return Mark{Node: hash, MessageID: id, Until: item.Expires}
}
