package unify

import (
	"log/slog"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"rapport/shared/event"
)

// delivery remembers which message each event of a batch came in.
type delivery struct {
	events  []event.Event
	message []int // of each event
	mu      sync.Mutex
	failed  map[int]bool
}

// unpack reads the messages. One that cannot be read fails alone: it goes to
// the dead-letter queue, where it can be looked at.
func unpack(batch events.SQSEvent, log *slog.Logger) *delivery {
	d := &delivery{failed: map[int]bool{}}
	for i, m := range batch.Records {
		list, err := event.Unpack(m.Body)
		if err != nil {
			log.Error("message cannot be read", "messageId", m.MessageId, "error", err)
			d.failed[i] = true
			continue
		}
		for _, e := range list {
			d.events = append(d.events, e)
			d.message = append(d.message, i)
		}
	}
	return d
}

func (d *delivery) pick(group []int) []event.Event {
	out := make([]event.Event, len(group))
	for i, n := range group {
		out[i] = d.events[n]
	}
	return out
}

func (d *delivery) fail(group []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range group {
		d.failed[d.message[n]] = true
	}
}

func (d *delivery) response(batch events.SQSEvent) events.SQSEventResponse {
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for i, m := range batch.Records {
		if d.failed[i] {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out
}
