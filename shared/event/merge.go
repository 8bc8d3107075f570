package event

import (
	"encoding/json"
	"maps"
	"strings"

	"rapport/shared/fault"
	"rapport/shared/wire"
)

// parts are an event's objects after merging; nil when absent.
type parts struct {
	top                                       wire.Object
	properties, traits, context, integrations wire.Object
	proof                                     any // taken out of the context
}

// topNames are the fields that are read here, by their folded form.
var topNames = func() map[string]string {
	names := []string{
		"type", "event", "name", "messageId", "userId", "anonymousId", "previousId", "groupId",
		"properties", "traits", "context", "integrations", "timestamp", "originalTimestamp", "sentAt", "writeKey",
		"batch",
	}
	m := map[string]string{}
	for _, n := range names {
		m[wire.Fold(n)] = n
	}
	return m
}()

// misspelt refuses a field whose name is one of ours but for its case: another
// reader of the same bytes may take it for ours.
func misspelt(o wire.Object) *fault.Error {
	for name := range o {
		if ours, ok := topNames[wire.Fold(name)]; ok && ours != name {
			return wire.Unknown(name)
		}
	}
	return nil
}

// merge lays the event over what the batch says for all of its events.
func (d *decoder) merge(o wire.Object) (p parts, f *fault.Error) {
	p.top = o
	if p.properties, f = object(o, "properties"); f != nil {
		return p, f
	}
	if p.traits, f = object(o, "traits"); f != nil {
		return p, f
	}
	if p.context, f = d.layered(o, "context"); f != nil {
		return p, f
	}
	if p.integrations, f = d.layered(o, "integrations"); f != nil {
		return p, f
	}
	if proof, has := p.context["proof"]; has {
		p.proof = proof
		delete(p.context, "proof")
	}
	if name, _ := o["event"].(string); p.properties != nil {
		canonicalProduct(p.properties, strings.HasPrefix(name, "Product "))
		canonicalProducts(p.properties["products"])
	}
	return p, nil
}

// layered reads an object of the event over the batch's one of that name.
func (d *decoder) layered(o wire.Object, name string) (wire.Object, *fault.Error) {
	own, f := object(o, name)
	if f != nil {
		return nil, f
	}
	shared, f := object(d.head, name)
	if f != nil {
		return nil, f
	}
	return over(shared, own), nil
}

// over lays own over shared without changing shared, which other events use.
func over(shared, own wire.Object) wire.Object {
	if len(shared) == 0 {
		return own
	}
	out := maps.Clone(shared)
	maps.Copy(out, own)
	return out
}

// object reads an optional object. An empty list stands for an empty object, as
// senders written in PHP have it.
func object(o wire.Object, name string) (wire.Object, *fault.Error) {
	switch v := o[name].(type) {
	case nil:
		return nil, nil
	case wire.Object:
		return v, nil
	case []any:
		if len(v) == 0 {
			return nil, nil
		}
	}
	return nil, fault.New(fault.Invalid, "not_an_object", "send a JSON object here").In(name)
}

// text reads an optional string. A number counts as its digits.
func text(o wire.Object, name string) (string, *fault.Error) {
	switch v := o[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	}
	return "", fault.New(fault.Invalid, "not_a_string", "send a string here").In(name)
}

// canonicalProduct renames what one SDK calls otherwise: "sky" is the sku, and
// the "id" of a product its product_id.
func canonicalProduct(product wire.Object, isProduct bool) {
	rename(product, "sky", "sku")
	if isProduct {
		rename(product, "id", "product_id")
	}
}

func canonicalProducts(v any) {
	list, _ := v.([]any)
	for _, item := range list {
		if product, ok := item.(wire.Object); ok {
			canonicalProduct(product, true)
		}
	}
}

func rename(o wire.Object, from, to string) {
	v, has := o[from]
	if _, taken := o[to]; has && !taken {
		o[to] = v
		delete(o, from)
	}
}

// off reports whether the sender switched Rapport off for this event.
func (p parts) off() bool {
	ours, named := p.integrations["Rapport"]
	if on, isBool := ours.(bool); isBool {
		return !on
	}
	all, isBool := p.integrations["All"].(bool)
	return isBool && !all && (!named || ours == nil)
}

func raw(o wire.Object) json.RawMessage {
	if o == nil {
		return nil
	}
	return wire.Canonical(o)
}
