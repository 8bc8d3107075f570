package collect

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"

	"rapport/shared/access"
	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/wire"
)

// The two forms of CloudEvents that are taken.
const (
	oneCloudEvent   = "application/cloudevents+json"
	manyCloudEvents = "application/cloudevents-batch+json"
)

// cloudEvents takes what other systems tell over HTTP, and judges each event as
// one of the bus is judged. It is for servers: who sends is believed.
func (d Deps) cloudEvents(r *http.Request) (answer, error) {
	body, err := httpapi.Body(r, maxBody)
	if err != nil {
		return answer{}, err
	}
	kind, err := httpapi.Caller(r, d.Keys)
	if err != nil {
		return answer{}, err
	}
	if kind != access.Secret {
		return answer{}, fault.New(fault.Forbidden, "secret_key_required", "send CloudEvents with a secret key, from a server")
	}
	items, err := cloudItems(r, body)
	if err != nil {
		return answer{}, err
	}
	sender, err := d.sender(r, kind)
	if err != nil {
		return answer{}, err
	}
	var sources []event.Source
	if d.Sources != nil {
		if sources, err = d.Sources(r.Context()); err != nil {
			return answer{}, err
		}
	}
	results := make([]event.Result, len(items))
	for i, item := range items {
		results[i] = take(sources, item, sender)
		results[i].Index = i
	}
	return d.accept(r.Context(), results)
}

// cloudItems takes the body apart by its content type, which alone tells one
// event from a batch of them.
func cloudItems(r *http.Request, body []byte) ([]json.RawMessage, error) {
	form, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch form {
	case oneCloudEvent:
		return []json.RawMessage{body}, nil
	case manyCloudEvents:
	default:
		return nil, fault.New(fault.Invalid, "content_type", "send %s or %s", oneCloudEvent, manyCloudEvents).In("Content-Type")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(body, &items); err != nil {
		return nil, fault.New(fault.Malformed, "bad_json", "a batch of CloudEvents is a JSON list of them").Because(err)
	}
	if len(items) > event.MaxEvents {
		return nil, fault.New(fault.TooLarge, "too_many_events", "send at most %d events in a batch", event.MaxEvents)
	}
	return items, nil
}

func take(sources []event.Source, item json.RawMessage, sender event.Sender) event.Result {
	in, err := event.Cloud(item)
	if err == nil {
		r := event.Take(sources, in, sender)
		if r.Event == nil {
			r.MessageID = wire.Short(in.ID)
		}
		return r
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		f = fault.New(fault.Malformed, "bad_json", "a CloudEvent is a JSON object").Because(err)
	}
	return event.Result{Fault: f}
}
