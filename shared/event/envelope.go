package event

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"rapport/shared/fault"
	"rapport/shared/wire"
)

// Envelope is what another system tells, before it is understood.
type Envelope struct {
	ID         string // the sender's, by which a repetition is known
	Source     string
	DetailType string // of CloudEvents the type
	Account    string // of EventBridge the sender's AWS account
	Time       any    // when it was told; nil when it does not say
	Hops       any    // see Event.Hops
	Detail     wire.Object
}

// IsBridge reports whether a message is an event of EventBridge.
func IsBridge(body []byte) bool {
	var names map[string]json.RawMessage
	return json.Unmarshal(body, &names) == nil && names["detail-type"] != nil && names["groups"] == nil
}

// Bridge reads an event of EventBridge.
func Bridge(body []byte) (Envelope, error) {
	return envelope(body, map[string]string{"type": "detail-type", "data": "detail"})
}

// Cloud reads one CloudEvent in its structured form, version 1.0.
func Cloud(body []byte) (Envelope, error) {
	return envelope(body, map[string]string{"type": "type", "data": "data"})
}

// envelope reads the fields that both forms have.
func envelope(body []byte, names map[string]string) (Envelope, error) {
	o, err := wire.ParseObject(body, wire.Standard)
	if err != nil {
		return Envelope{}, err
	}
	in := Envelope{}
	for _, field := range []struct {
		name string
		to   *string
	}{{"id", &in.ID}, {"source", &in.Source}, {names["type"], &in.DetailType}, {"account", &in.Account}} {
		value, f := text(o, field.name)
		if f == nil && value == "" && field.name != "account" {
			f = fault.New(fault.Invalid, "bad_envelope", "an event of another system says its %s", field.name).In(field.name)
		}
		if f != nil {
			return in, f
		}
		*field.to = value
	}
	in.Time = o["time"]
	detail, ok := o[names["data"]].(wire.Object)
	if !ok {
		return in, fault.New(fault.Invalid, "bad_envelope", "what an event of another system tells is a JSON object in %s", names["data"]).In(names["data"])
	}
	in.Detail = detail
	if in.Hops = o["hops"]; in.Hops == nil {
		in.Hops = detail["hops"]
	}
	return in, nil
}

// Take turns what another system tells into an event, by the first of these that
// holds: the source of the strategy that fits best; that it is a call in
// Segment's terms already; its type as the event's name, and ids where most
// systems write them. What it tells counts as told by the sender given. What
// says that it comes from Rapport itself, or from AWS, is refused: the one would
// be a loop, the other a forgery, for neither is led here.
func Take(sources []Source, in Envelope, s Sender) Result {
	if f := admit(sources, in, s); f != nil {
		return Result{Fault: f}
	}
	call, f := understand(sources, in)
	if f != nil {
		return Result{Fault: f}
	}
	request, err := Read(slices.Concat([]byte(`{"batch":[`), call, []byte(`]}`)))
	if err != nil {
		var f *fault.Error
		errors.As(err, &f)
		return Result{Fault: f}
	}
	return request.Decode(Track, s)[0]
}

// admit judges who it comes from.
func admit(sources []Source, in Envelope, s Sender) *fault.Error {
	for _, ours := range []string{"rapport", "aws."} {
		if strings.HasPrefix(in.Source, ours) {
			return fault.New(fault.Forbidden, "wrong_source", "nothing comes in under the source %s: send it under a name of your own", wire.Short(in.Source)).In("source")
		}
	}
	if s.Account == "" || in.Account == s.Account {
		return nil
	}
	if declared := choose(sources, in); declared != nil && slices.Contains(declared.Accounts, in.Account) {
		return nil
	}
	return fault.New(fault.Forbidden, "wrong_account", "name the account %s among the accounts of a source, or keep it from the bus", wire.Short(in.Account)).In("account")
}

func understand(sources []Source, in Envelope) (json.RawMessage, *fault.Error) {
	if declared := choose(sources, in); declared != nil {
		return declared.Translate(in)
	}
	plain := undeclared(in.Detail)
	if !isCall(in.Detail) {
		return plain.Translate(in)
	}
	name, _ := text(in.Detail, "event")
	if in.Detail["messageId"] == nil {
		id, f := plain.messageID(in, name)
		if f != nil {
			return nil, f
		}
		in.Detail["messageId"] = id
	}
	if in.Detail["timestamp"] == nil && in.Detail["originalTimestamp"] == nil {
		in.Detail["timestamp"] = in.Time
	}
	if context, f := object(in.Detail, "context"); f == nil && in.Hops != nil {
		in.Detail["context"] = over(context, wire.Object{"hops": in.Hops})
	}
	return wire.Canonical(in.Detail), nil
}

// isCall reports whether the detail is in Segment's terms already.
func isCall(detail wire.Object) bool {
	kind, _ := detail["type"].(string)
	name, _ := detail["event"].(string)
	switch Type(kind) {
	case Track:
		return name != ""
	case Identify, Page, Screen, Group, Alias:
		return detail["userId"] != nil || detail["anonymousId"] != nil || detail["context"] != nil
	default:
		return false
	}
}
