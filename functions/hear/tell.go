package hear

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/insight"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// count publishes what is known of the message by now, under the ids that send
// uses too: each is counted once, whoever tells of it.
func (f *Function) count(ctx context.Context, s *strategy.Strategy, l *message.Ledger) error {
	tallies := insight.Mail(l, s.Location())
	if len(tallies) == 0 {
		return nil
	}
	return f.Tallies.Send(ctx, tallies...)
}

// refund gives back what was charged for a mail that SES took and then refused, as
// for a virus: nobody got it. It stays charged when the message was handed over
// more than once, for another of its mails may be out.
func (f *Function) refund(ctx context.Context, h *happening, l *message.Ledger) error {
	if h.fact != message.Refused || l.Tries > 1 || len(l.Mails) > 1 {
		return nil
	}
	return f.People.Refund(ctx, l.Node, l.ID)
}

// tell gives the happening to the person that the mail was for. One that was
// erased gets nothing.
func (f *Function) tell(ctx context.Context, s *strategy.Strategy, h *happening, l *message.Ledger) error {
	if h.name == "" {
		return nil
	}
	p, err := f.People.Holder(ctx, l.Node)
	if err != nil || p == nil {
		return err
	}
	for _, n := range p.Nodes {
		if n.ID.Hash() != l.Node {
			continue
		}
		if err := f.withdraw(ctx, s, h, l, n); err != nil {
			return err
		}
		return f.enqueue(ctx, h, l, n.ID)
	}
	return nil
}

// withdraw takes consent back when somebody unsubscribed by a road of SES's own.
func (f *Function) withdraw(ctx context.Context, s *strategy.Strategy, h *happening, l *message.Ledger, n *person.Node) error {
	if h.fact != message.Unsubscribed {
		return nil
	}
	for _, purpose := range purposes(s, h, l, n) {
		no := person.Consent{At: h.at.Truncate(time.Millisecond), By: h.name + ":" + h.id}
		if err := f.People.Agree(ctx, s, n.ID, purpose, no); err != nil && fault.KindOf(err) != fault.NotFound { // erased in between
			return err
		}
	}
	return nil
}

// purposes are what was unsubscribed from: all, or that of the mail. What it was
// sent for counts before what the strategy says of its template by now.
func purposes(s *strategy.Strategy, h *happening, l *message.Ledger, n *person.Node) []string {
	var out []string
	if h.all {
		for _, p := range s.Purposes {
			if p.Writes(message.Email) {
				out = append(out, p.ID)
			}
		}
	}
	for _, send := range n.Sends {
		if send.ID == l.ID {
			return append(out, send.Purpose)
		}
	}
	if t, ok := s.Message(l.Template); ok {
		out = append(out, t.Purpose)
	}
	return out
}

// enqueue puts the happening on the ingest queue, as a server would send it.
func (f *Function) enqueue(ctx context.Context, h *happening, l *message.Ledger, node person.NodeID) error {
	call := map[string]any{
		"type": "track", "event": h.name, "messageId": h.eventID(), "timestamp": h.said, "properties": h.properties(l),
	}
	switch node.Kind {
	case person.UserID, person.AnonymousID:
		call[string(node.Kind)] = node.Value
	default:
		return nil // no event belongs to such a node
	}
	body, err := json.Marshal(call)
	if err != nil {
		return fault.New(fault.Internal, "encode_event", "an event could not be encoded").Because(err)
	}
	request, err := event.Read(body)
	if err != nil {
		return err
	}
	result := request.Decode(event.Track, event.Sender{Trusted: true, ReceivedAt: f.Now()})[0]
	if result.Event == nil {
		return fault.New(fault.Internal, "event_not_taken", "what happened to a mail is no event").Because(result.Fault)
	}
	messages, err := event.Pack([]event.Event{*result.Event})
	if err != nil {
		return err
	}
	return f.Queue.Send(ctx, messages...)
}

// eventID names the event after the one that SES sent, so that a repetition
// counts once.
func (h *happening) eventID() string {
	sum := sha256.Sum256([]byte(h.id + "\x00" + h.typ))
	return "ses-" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// maxLink is how much is kept of a link, in bytes.
const maxLink = 2 << 10

func (h *happening) properties(l *message.Ledger) map[string]any {
	out := map[string]any{"email_id": l.ID, "campaign_id": l.Journey, "template": l.Template, "step": l.Step}
	if h.machine {
		out["machine"] = true // journeys must not take it for a person's deed
	}
	for name, value := range map[string]string{
		"link_url": strings.ToValidUTF8(h.part.Link[:min(len(h.part.Link), maxLink)], ""), "bounce_type": h.part.Bounce, "bounce_subtype": h.part.BounceMore,
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}
