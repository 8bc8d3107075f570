package event

import (
	"encoding/json"
	"errors"
	"time"

	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/wire"
)

// Limits of a request.
const (
	MaxEvents     = 2_500    // in one batch
	MaxEventBytes = 32 << 10 // of one event, as sent and after merging
	maxMessageID  = 99       // characters
)

// Sender is what the edge knows of who sent a request, and when it came.
type Sender struct {
	Trusted    bool // it showed a secret key
	Import     bool // it says that this is history; see Event.Imported
	OptOut     bool // it is a browser that asks not to be sold or shared (Sec-GPC)
	ReceivedAt time.Time
	Account    string // whose bus it came over, as an AWS account id; "" asks nothing of an Envelope's

	// ProvenUser returns the user id that a proof proves. Nil proves nothing.
	ProvenUser func(proof string) (string, error)
	// Reserved reports the names of computed traits, which no sender may set.
	// Nil reserves none.
	Reserved func(trait string) bool
}

// Result is what became of one event of a request. Exactly one of Event, Fault
// and Declined is set.
type Result struct {
	Index     int    // its place in the batch
	MessageID string // as sent, of any length; of an accepted event its id; empty when it cannot be read
	Event     *Event
	Fault     *fault.Error // why it was rejected
	Declined  *fault.Error // why it is not ours to process, integration_off
}

// Request is the body of one request, its batch taken apart.
type Request struct {
	// WriteKey is the key that the body carries, empty when it carries none.
	WriteKey string

	head  wire.Object // stands beside the batch
	items []json.RawMessage
	list  bool
	only  wire.Object // the parsed event of a request without a batch
	fault *fault.Error
}

// Read takes the unpacked body of a request apart. It fails only when the
// request as a whole is at fault: Malformed when it cannot be read, TooLarge
// (too_many_events) when the batch is too long; the key is there all the same.
func Read(body []byte) (Request, error) {
	batch, err := wire.Split(body, "batch", MaxEvents, wire.Standard)
	q := Request{head: batch.Head, items: batch.Items, list: batch.List}
	q.WriteKey, _ = q.head["writeKey"].(string)
	if err != nil {
		return q, err
	}
	if !q.list {
		q.only, q.fault = parse(q.items[0])
		if q.fault != nil && q.fault.Kind == fault.Malformed {
			return q, q.fault
		}
		q.WriteKey, _ = q.only["writeKey"].(string)
		return q, nil
	}
	if f := misspelt(q.head); f != nil {
		return q, f
	}
	return q, nil
}

// Decode judges every event by itself and gives one result for each, in order.
// Events that do not say their type have the one of the path.
func (q Request) Decode(path Type, s Sender) []Result {
	d := &decoder{sender: s, path: path, proofs: map[string]proven{}}
	if q.list {
		d.head = q.head
		shared := wire.Object{"context": q.head["context"], "integrations": q.head["integrations"]}
		d.heavy = len(wire.Canonical(shared)) > MaxEventBytes
	}
	d.sender.ReceivedAt = instant(s.ReceivedAt)
	results := make([]Result, len(q.items))
	for i, raw := range q.items {
		o, f := q.only, q.fault
		switch {
		case len(raw) > MaxEventBytes || d.heavy:
			f = tooLarge() // before it is parsed, so that it costs nothing
		case q.list:
			o, f = parse(raw)
		}
		results[i] = d.result(o, f)
		results[i].Index = i
	}
	return results
}

// parse reads one event.
func parse(raw json.RawMessage) (wire.Object, *fault.Error) {
	o, err := wire.ParseObject(raw, wire.Standard)
	var f *fault.Error
	if !errors.As(err, &f) {
		f = misspelt(o)
	}
	return o, f
}

func tooLarge() *fault.Error {
	return fault.New(fault.TooLarge, "event_too_large", "send events of at most %d bytes", MaxEventBytes)
}

// decoder holds what the events of one request share.
type decoder struct {
	sender Sender
	path   Type
	head   wire.Object // of a batch
	heavy  bool        // the head alone is over the limit of an event
	proofs map[string]proven
}

func (d *decoder) result(o wire.Object, f *fault.Error) Result {
	var r Result
	r.MessageID, _ = text(o, "messageId")
	if f != nil {
		r.Fault = f
		return r
	}
	e, declined, f := d.event(o)
	switch {
	case f != nil:
		r.Fault = f
	case declined != nil:
		r.Declined = declined
	default:
		r.Event, r.MessageID = e, e.MessageID
	}
	return r
}

// event turns one parsed event into its canonical form.
func (d *decoder) event(o wire.Object) (e *Event, declined, f *fault.Error) {
	p, f := d.merge(o)
	if f != nil {
		return nil, nil, f
	}
	if p.off() {
		return nil, fault.New(fault.Forbidden, "integration_off",
			"nothing to do; set integrations.Rapport to true to have it processed").In("integrations"), nil
	}
	e = &Event{Trusted: d.sender.Trusted, Imported: d.sender.Import, ReceivedAt: d.sender.ReceivedAt, OptOut: d.sender.OptOut}
	steps := []func(*Event, parts) *fault.Error{d.call, d.times, d.vouched, d.identity, d.content, d.naming}
	for _, step := range steps {
		if f := step(e, p); f != nil {
			return nil, nil, f
		}
	}
	return e, nil, nil
}

// call reads which call it is and what it is about.
func (d *decoder) call(e *Event, p parts) *fault.Error {
	kind, f := text(p.top, "type")
	if f != nil {
		return f
	}
	if e.Type = Type(kind); kind == "" {
		e.Type = d.path
	}
	switch e.Type {
	case Track:
		if e.Name, f = text(p.top, "event"); f == nil && e.Name == "" {
			f = fault.New(fault.Invalid, "event_required", "name the event that a track call tells of").In("event")
		}
	case Page, Screen:
		if e.Name, f = text(p.top, "name"); f == nil && e.Name == "" {
			e.Name, _ = p.properties["name"].(string)
		}
	case Identify, Group, Alias:
	default:
		f = fault.New(fault.Invalid, "unknown_type", "use track, identify, page, screen, group or alias as the type").In("type")
	}
	return f
}

// naming settles the message id and the digest. An event without an id is named
// by its content, so that the sender's own retry is still recognised.
func (d *decoder) naming(e *Event, p parts) *fault.Error {
	id, f := text(p.top, "messageId")
	if f != nil {
		return f
	}
	if len([]rune(id)) > maxMessageID || !person.Printable(id) {
		return fault.New(fault.Invalid, "bad_message_id",
			"use a message id of at most %d characters, none of them a control character", maxMessageID).In("messageId")
	}
	e.Digest = digest(e, p)
	if e.MessageID = id; id == "" {
		e.MessageID = "content-" + e.Digest
	}
	return nil
}
