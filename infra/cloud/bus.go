package cloud

import (
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
}

// bus is EventBridge: it offers every event to the rules of its bus.
type bus struct {
	store *store
	clock *clock
	meter *meter
	rules []boundRule
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
		event, err := b.envelope(entry)
		if err != nil {
			return err
		}
		published[i] = event
		b.bus.meter.Bus(b.function, (len(event)+billedChunk-1)/billedChunk)
	}
	for _, rule := range b.bus.rules {
		if rule.spec.Bus == b.name {
			if err := rule.offer(ctx, published); err != nil {
				return err
			}
		}
	}
	b.bus.store.later(func(tx *bbolt.Tx) error { return remember(tx.Bucket(busBucket), published) })
	return nil
}

func (b *Bus) envelope(entry BusEntry) ([]byte, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(entry.Detail, &object); err != nil {
		return nil, fault.New(fault.Invalid, "bad_detail", "the detail of an event is a JSON object").In("detail").Because(err)
	}
	resources := entry.Resources
	if resources == nil {
		resources = []string{}
	}
	event, err := json.Marshal(events.EventBridgeEvent{
		Version: "0", ID: newID(), DetailType: entry.DetailType, Source: entry.Source,
		AccountID: account, Region: region, Time: b.bus.clock.Now().UTC().Truncate(time.Second),
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

// offer gives the events that match to each of the rule's queues.
func (r boundRule) offer(ctx context.Context, published [][]byte) error {
	var matching []string
	for _, event := range published {
		if r.spec.Pattern.Matches(event) {
			matching = append(matching, string(event))
		}
	}
	for _, q := range r.queues {
		if err := q.Send(ctx, matching...); err != nil {
			return err
		}
	}
	return nil
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
