package decide

import (
	"encoding/json"
	"net/http"
	"time"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/person"
)

// noTargetingKey is the code for a request about nobody.
const noTargetingKey = "no_targeting_key"

// readFlags judges a request of OFREP. Its context says who it is about, under
// names that rules do not see, and the rest is what rules see as context.
func (f *function) readFlags(r *http.Request, slots []string, now time.Time) (question, error) {
	caller, err := httpapi.Caller(r, f.Keys)
	if err != nil {
		return question{}, err
	}
	var sent struct {
		Context json.RawMessage `json:"context"`
	}
	if err := decode(r, &sent); err != nil {
		return question{}, err
	}
	b, err := evaluated(sent.Context, caller == access.Secret)
	if err != nil {
		return question{}, err
	}
	b.Slots = slots
	return f.ask(r, caller, b, now)
}

// evaluated turns OpenFeature's evaluation context into what /v1/decide is asked.
func evaluated(context json.RawMessage, trusted bool) (body, error) {
	context, err := object(context)
	if err != nil {
		return body{}, err
	}
	attributes := map[string]json.RawMessage{}
	if context != nil {
		if err := json.Unmarshal(context, &attributes); err != nil {
			return body{}, fault.New(fault.Malformed, "bad_json", "send valid JSON").In("context").Because(err)
		}
	}
	var b body
	var key string
	for _, id := range []struct {
		name string
		into *string
	}{{"targetingKey", &key}, {"userId", &b.UserID}, {"anonymousId", &b.AnonymousID}, {"proof", &b.Proof}} {
		if err := take(attributes, id.name, id.into); err != nil {
			return body{}, err
		}
	}
	if key+b.UserID+b.AnonymousID+b.Proof == "" {
		return body{}, fault.New(fault.Invalid, noTargetingKey, "set targetingKey to the anonymous id or the user id").In("context.targetingKey")
	}
	b.target(key, trusted)
	if len(attributes) > 0 {
		b.Context, _ = json.Marshal(attributes) // of JSON values, and so JSON
	}
	return b, nil
}

// take moves text out of the attributes; null is as good as not there.
func take(attributes map[string]json.RawMessage, name string, into *string) error {
	text, there := attributes[name]
	if !there {
		return nil
	}
	delete(attributes, name)
	if err := json.Unmarshal(text, into); err != nil {
		return fault.New(fault.Invalid, "bad_value", "send text").In("context." + name)
	}
	return nil
}

// target puts the targeting key in the place of an id that the context does not
// name. It may say its kind, as nodes do: "userId:u1", "anonymousId:…". Without
// one it is what callers know visitors by: for servers the user id, for browsers
// the anonymous id, since their word on a user proves nothing. A key that repeats
// the user id is no device as well.
func (b *body) target(key string, trusted bool) {
	kind := person.AnonymousID
	if node, err := person.ParseNode(key); err == nil && (node.Kind == person.UserID || node.Kind == person.AnonymousID) {
		kind, key = node.Kind, node.Value
	} else if trusted && b.UserID == "" {
		kind = person.UserID
	}
	switch {
	case kind == person.UserID && b.UserID == "":
		b.UserID = key
	case kind == person.AnonymousID && b.AnonymousID == "" && (key != b.UserID || !trusted && b.Proof == ""):
		b.AnonymousID = key
	}
}
