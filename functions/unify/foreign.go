package unify

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// parked is what becomes of an event that no repetition could mend: it lies in
// the dead letters with the reason. Put back on the queue as it is, for instance
// after the strategy was mended, it is judged anew.
type parked struct {
	Reason reason          `json:"reason"`
	Event  json.RawMessage `json:"event"`
}

type reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
}

// translate turns an event of the bus into one of ours. It is trusted as a
// secret key is: who may put events on the bus is a matter of IAM.
func (f *Function) translate(ctx context.Context, m events.SQSMessage, body []byte, s *strategy.Strategy) ([]event.Event, error) {
	in, err := event.Bridge(body)
	if err != nil {
		return nil, f.park(ctx, body, err)
	}
	r := event.Take(s.Sources, in, event.Sender{
		Trusted: true, ReceivedAt: received(m, in), Account: f.Account,
		Reserved: func(trait string) bool { return computed(s, trait) },
	})
	switch {
	case r.Fault != nil:
		return nil, f.park(ctx, body, r.Fault)
	case r.Event == nil: // switched off by its sender
		return nil, nil
	}
	return []event.Event{*r.Event}, nil
}

// received is when the queue took the message, which stays the same however
// often it is delivered; of an event that came without a queue, when it was told.
func received(m events.SQSMessage, in event.Envelope) time.Time {
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		return time.UnixMilli(ms)
	}
	told, _ := in.Time.(string)
	at, _ := time.Parse(time.RFC3339, told) // EventBridge writes no other form
	return at
}

func computed(s *strategy.Strategy, trait string) bool {
	return slices.ContainsFunc(s.Computed, func(c person.ComputedTrait) bool { return c.Name == trait })
}

// park keeps the event with the reason why it is not taken in. It comes again
// only while that cannot be stored.
func (f *Function) park(ctx context.Context, body []byte, why error) error {
	var judged *fault.Error
	if !errors.As(why, &judged) {
		return why
	}
	text, err := json.Marshal(parked{Reason: reason{judged.Code, judged.Message, judged.Field}, Event: body})
	if err != nil {
		return fault.New(fault.Malformed, "bad_event", "an event of the bus is JSON").Because(err)
	}
	f.Log.WarnContext(ctx, "an event of another system was parked", "code", judged.Code, "field", judged.Field)
	return f.Parked.Send(ctx, string(text))
}

// unpark returns the event of a parked message, nil for any other.
func unpark(body []byte) []byte {
	var p parked
	if json.Unmarshal(body, &p) != nil || p.Reason.Code == "" {
		return nil
	}
	return p.Event
}
