package event

import (
	"encoding/json"
	"slices"

	"rapport/shared/person"
	"rapport/shared/wire"
)

// Without returns the event without the identities, beside its own, that erased
// says yes to, and whether there were any. An earlier id of an alias goes when
// either of its readings does. A Claim stays: it says what the event may not do.
func (e *Event) Without(erased func(person.NodeID) bool) (*Event, bool) {
	out, own := *e, e.Node()
	gone := func(kind person.Kind, value string) bool {
		id := person.NodeID{Kind: kind, Value: value}
		return value != "" && id != own && erased(id)
	}
	found := false
	drop := func(text *string, kinds ...person.Kind) {
		if slices.ContainsFunc(kinds, func(kind person.Kind) bool { return gone(kind, *text) }) {
			*text, found = "", true
		}
	}
	drop(&out.AnonymousID, person.AnonymousID)
	drop(&out.PreviousID, person.UserID, person.AnonymousID)
	drop(&out.Email, person.Email)
	out.ExternalIDs = slices.DeleteFunc(slices.Clone(e.ExternalIDs), func(id string) bool { return gone(person.External, id) })
	if out.Email != e.Email || len(out.ExternalIDs) < len(e.ExternalIDs) {
		out.Context, found = e.Unvouched(), true
	}
	if !found {
		return e, false
	}
	return &out, true
}

// Unvouched is the event's context without the identities that Decode reads there.
func (e *Event) Unvouched() json.RawMessage {
	o, err := wire.ParseObject(e.Context, wire.Standard)
	if err != nil {
		return e.Context // there is none
	}
	delete(o, "externalIds")
	if traits, ok := o["traits"].(wire.Object); ok {
		delete(traits, "email")
	}
	return wire.Canonical(o)
}
