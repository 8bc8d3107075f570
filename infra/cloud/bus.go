package cloud

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"go.etcd.io/bbolt"

	"rapport/shared/fault"
)

// recentEvents is how many published events /local/bus remembers.
const recentEvents = 200

// BusEntry is an event to publish: the part of an EventBridge event that its
// publisher decides.
type BusEntry struct {
	Source     string
	DetailType string
	Detail     json.RawMessage // a JSON object
	Resources  []string
	ID         string // "": a new one
}

// bus is EventBridge: it offers every event to the rules of its bus.
type bus struct {
	store *store
	clock *clock
	meter *meter
	rules []boundRule

	consumers map[*queue]string // functions that queues feed: they pay for what rules send there
}

// boundRule is a rule whose targets were found.
type boundRule struct {
	spec   ruleSpec
	queues []*queue
}

// Bus publishes to one bus on behalf of one function.
type Bus struct {
	bus      *bus
	name     string
	function string
}

// Put publishes the entries; nil means that every queue that a matching rule
// names has them on disk.
//
// Errors: kind Invalid for a detail that is not an object, TooLarge for an
// entry over 256 KB, Unavailable when the disk refuses.
func (b *Bus) Put(ctx context.Context, entries ...BusEntry) error {
	published := make([][]byte, len(entries))
	for i, entry := range entries {
		event, err := b.bus.envelope(entry)
		if err != nil {
			return err
		}
		published[i] = event
	}
	b.bus.meter.Bus(b.function, published)
	if err := ctx.Err(); err != nil {
		return fault.New(fault.Unavailable, "gave_up", "the caller gave up before the event was published").Because(err)
	}
	leads, err := b.bus.lead(b.name, published)
	if err != nil {
		return err
	}
	if len(leads) > 0 {
		if err := b.bus.store.deliver(leads...); err != nil {
			return err
		}
	}
	b.bus.store.later(func(tx *bbolt.Tx) error { return remember(tx.Bucket(busBucket), published) })
	return nil
}

func (b *bus) envelope(entry BusEntry) ([]byte, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(entry.Detail, &object); err != nil {
		return nil, fault.New(fault.Invalid, "bad_detail", "the detail of an event is a JSON object").In("detail").Because(err)
	}
	resources := entry.Resources
	if resources == nil {
		resources = []string{}
	}
	event, err := json.Marshal(events.EventBridgeEvent{
		Version: "0", ID: cmp.Or(entry.ID, newID()), DetailType: entry.DetailType, Source: entry.Source,
		AccountID: account, Region: region, Time: b.clock.Now().UTC().Truncate(time.Second),
		Resources: resources, Detail: entry.Detail,
	})
	if err != nil {
		return nil, fault.New(fault.Invalid, "bad_detail", "the event cannot be written as JSON").Because(err)
	}
	if len(event) > 256<<10 {
		return nil, fault.New(fault.TooLarge, "event_too_large", "an event on the bus has at most 256 KB, not %d bytes", len(event)).In("detail")
	}
	return event, nil
}

// lead stages the events for the queues of every rule that they match.
func (b *bus) lead(name string, published [][]byte) ([]staged, error) {
	var out []staged
	for _, rule := range b.rules {
		if rule.spec.Bus != name {
			continue
		}
		matching := rule.matching(published)
		if len(matching) == 0 {
			continue
		}
		for _, q := range rule.queues {
			s, err := q.stage(matching)
			if err != nil {
				return nil, err
			}
			if function := b.consumers[q]; function != "" {
				b.meter.Queue(function, len(matching))
			}
			out = append(out, s)
		}
	}
	return out, nil
}

func (r boundRule) matching(published [][]byte) []string {
	var out []string
	for _, event := range published {
		if r.spec.Pattern.Matches(event) {
			out = append(out, string(event))
		}
	}
	return out
}

// remember keeps the newest events.
func remember(b *bbolt.Bucket, published [][]byte) error {
	for _, event := range published {
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		if err := b.Put(binary.BigEndian.AppendUint64(nil, n), event); err != nil {
			return err
		}
		if n > recentEvents {
			if err := b.Delete(binary.BigEndian.AppendUint64(nil, n-recentEvents)); err != nil {
				return err
			}
		}
	}
	return nil
}

// recent lists the remembered events, newest first.
func (b *bus) recent() ([]json.RawMessage, error) {
	if err := b.store.flush(); err != nil {
		return nil, err
	}
	out := []json.RawMessage{}
	err := b.store.db.View(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(busBucket).Cursor()
		for k, v := cursor.Last(); k != nil; k, v = cursor.Prev() {
			out = append(out, append(json.RawMessage(nil), v...))
		}
		return nil
	})
	if err != nil {
		return nil, notStored(err)
	}
	return out, nil
}
