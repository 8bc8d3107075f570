package people

import (
	"context"
	"encoding/json"

	"rapport/shared/fault"
	"rapport/shared/insight"
	"rapport/shared/message"
)

// Bus takes effects that the rest of the company may listen to. Nil means that
// all of them are out.
type Bus interface {
	Publish(ctx context.Context, effects []Effect) error
}

// Queue takes messages. Nil means that all of them are safe.
type Queue interface {
	Send(ctx context.Context, messages ...string) error
}

// Outlet sends each effect where it belongs.
type Outlet struct {
	Bus      Bus
	Messages Queue // for send, as JSON of message.Message
	Tallies  Queue // for tally
}

// Publish returns nil once all effects are out. They may be out twice.
func (o Outlet) Publish(ctx context.Context, effects []Effect) error {
	var heard []Effect
	var mail, tallies []string
	for _, e := range effects {
		switch e.Kind {
		case MessageDue:
			text, err := json.Marshal(e.Message)
			if err != nil {
				return fault.New(fault.Internal, "encode_message", "a message could not be encoded").Because(err)
			}
			mail = append(mail, string(text))
			tallies = append(tallies, planned(e.Message).String())
		case Counted:
			tallies = append(tallies, e.Tally.String())
		default:
			e.Hops++
			heard = append(heard, e)
		}
	}
	for _, out := range []struct {
		queue    Queue
		messages []string
	}{{o.Tallies, tallies}, {o.Messages, mail}} {
		if len(out.messages) == 0 {
			continue
		}
		if err := out.queue.Send(ctx, out.messages...); err != nil {
			return err
		}
	}
	if len(heard) == 0 {
		return nil
	}
	return o.Bus.Publish(ctx, heard)
}

// planned counts a mail that a journey asks for; what becomes of it is counted
// by send.
func planned(m *message.Message) insight.Tally {
	return insight.Tally{
		ID: insight.ID("planned", m.ID), Cells: []insight.Cell{{Name: insight.Name("journey", m.Journey, "planned"), N: 1}},
	}
}
