package collect

import (
	"context"
	"log/slog"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/wire"
)

// answer says what became of each event. Its status is 200 even when events
// were rejected: SDKs drop or repeat whole batches for any other one.
type answer struct {
	Success  bool      `json:"success"`
	Accepted int       `json:"accepted"`
	Rejected []verdict `json:"rejected,omitempty"`
	Declined []verdict `json:"declined,omitempty"` // switched off by the sender; neither stored nor at fault
	Noted    []verdict `json:"noted,omitempty"`    // accepted, but for a part that was left out

	events []event.Event
}

// verdict is why one event was not accepted.
type verdict struct {
	Index     int    `json:"index"`
	MessageID string `json:"messageId,omitempty"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	Field     string `json:"field,omitempty"`
}

func judge(results []event.Result) answer {
	a := answer{Success: true}
	for _, r := range results {
		switch {
		case r.Event != nil:
			a.events = append(a.events, *r.Event)
			a.Accepted++
			a.note(r)
		case r.Declined != nil:
			a.Declined = append(a.Declined, verdictOf(r, r.Declined))
		default:
			a.Rejected = append(a.Rejected, verdictOf(r, r.Fault))
		}
	}
	return a
}

// notes say what an event was accepted without.
var notes = map[string]verdict{
	event.BlockedID:     {Message: "an id that stands for nobody was left out; send a real one or none"},
	event.ReservedTrait: {Message: "a computed trait was left out; give yours another name", Field: "traits"},
}

func (a *answer) note(r event.Result) {
	for _, code := range r.Event.Verdicts {
		a.Noted = append(a.Noted, verdict{
			Index: r.Index, MessageID: wire.Short(r.MessageID), Code: code, Message: notes[code].Message, Field: notes[code].Field,
		})
	}
}

func verdictOf(r event.Result, f *fault.Error) verdict {
	p := httpapi.Describe(f)
	return verdict{Index: r.Index, MessageID: wire.Short(r.MessageID), Code: p.Code, Message: p.Message, Field: p.Field}
}

// log counts rejected events by their codes. Nothing of the events themselves
// goes to the log.
func (a answer) log(ctx context.Context, log *slog.Logger) {
	if len(a.Rejected) == 0 {
		return
	}
	codes := map[string]int{}
	for _, v := range a.Rejected {
		codes[v.Code]++
	}
	log.WarnContext(ctx, "events rejected", "accepted", a.Accepted, "rejected", codes)
}
