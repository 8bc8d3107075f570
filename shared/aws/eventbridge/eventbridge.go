// Package eventbridge is the road by bus: it publishes what follows from events,
// under Rapport's name, for the rest of the company to listen to.
package eventbridge

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"rapport/shared/fault"
	"rapport/shared/people"
)

// Source is the source of every event that Rapport publishes.
const Source = "rapport"

// MaxEntries is how many events one request takes.
const MaxEntries = 10

// Bus publishes on one event bus. It is safe for concurrent use.
type Bus struct {
	// The one call that is used. Held as that and not as the client, it lets the
	// linker leave the other calls out, which reflection might reach otherwise.
	publish func(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
	name    string
}

// New returns the bus with that name or ARN.
func New(cfg aws.Config, bus string) *Bus {
	return &Bus{publish: eventbridge.NewFromConfig(cfg).PutEvents, name: bus}
}

// Publish puts the effects on the bus: the kind as detail-type, the effect as
// detail. Nil means that all of them are out; after an error some may be, and
// since effects keep their ids, publishing all again does no harm.
//
// Errors: kind Unavailable (code not_published) when the bus does not take all,
// Internal (code bad_effect) for an effect that is not JSON.
func (b *Bus) Publish(ctx context.Context, effects []people.Effect) error {
	entries := make([]types.PutEventsRequestEntry, len(effects))
	for i, effect := range effects {
		detail, err := json.Marshal(effect)
		if err != nil {
			return fault.New(fault.Internal, "bad_effect", "an effect cannot be written as JSON").Because(err)
		}
		entries[i] = types.PutEventsRequestEntry{
			EventBusName: &b.name, Source: aws.String(Source),
			DetailType: aws.String(string(effect.Kind)), Detail: aws.String(string(detail)),
		}
	}
	for len(entries) > 0 {
		n := min(len(entries), MaxEntries)
		if err := b.put(ctx, entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// put publishes what one request takes. EventBridge may take a part of it and
// refuse the rest; the rest is put once more.
func (b *Bus) put(ctx context.Context, entries []types.PutEventsRequestEntry) error {
	all, reason := len(entries), ""
	for range 2 {
		out, err := b.publish(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			return fault.New(fault.Unavailable, "not_published", "publish again: the event bus could not be reached").Because(err)
		}
		if entries, reason = refused(entries, out); len(entries) == 0 {
			return nil
		}
	}
	return fault.New(fault.Unavailable, "not_published", "publish again: the event bus refused %d of %d events (%s)", len(entries), all, reason)
}

// refused returns the entries that are not on the bus, with the reason of one.
// The answer lists results in the order of the request; an entry without a
// result is not out as far as we know.
func refused(entries []types.PutEventsRequestEntry, out *eventbridge.PutEventsOutput) (rest []types.PutEventsRequestEntry, reason string) {
	reason = "no reason given"
	for i, e := range entries {
		if i >= len(out.Entries) {
			rest = append(rest, e)
			continue
		}
		if result := out.Entries[i]; aws.ToString(result.EventId) == "" {
			rest = append(rest, e)
			reason = aws.ToString(result.ErrorCode) + ": " + aws.ToString(result.ErrorMessage)
		}
	}
	return rest, reason
}
