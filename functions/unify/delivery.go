package unify

import (
	"context"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"rapport/shared/event"
	"rapport/shared/strategy"
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
func (f *Function) unpack(ctx context.Context, batch events.SQSEvent, s *strategy.Strategy) *delivery {
	d := &delivery{failed: map[int]bool{}}
	for i, m := range batch.Records {
		list, err := f.read(ctx, m, s)
		if err != nil {
			f.Log.ErrorContext(ctx, "message cannot be read", "messageId", m.MessageId, "error", err)
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

// read takes a message apart, whoever wrote it.
func (f *Function) read(ctx context.Context, m events.SQSMessage, s *strategy.Strategy) ([]event.Event, error) {
	body := []byte(m.Body)
	if again := unpark(body); again != nil {
		body = again
	}
	if event.IsBridge(body) {
		return f.translate(ctx, m, body, s)
	}
	return event.Unpack(string(body))
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
