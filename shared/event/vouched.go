package event

import (
	"encoding/json"
	"slices"
	"strings"

	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/wire"
)

// maxExternalIDs bounds the ids of other systems in one event.
const maxExternalIDs = 10

// MaxHops is how often an event may be the answer to what Rapport said about an
// earlier one before that counts as a loop.
const MaxHops = 5

// vouched reads the identities that only a secret key can speak for: the address
// in the person's traits or in context.traits, and context.externalIds. An
// address that is none stays a trait and is no identity.
func (d *decoder) vouched(e *Event, p parts) *fault.Error {
	if !d.sender.Trusted {
		return nil
	}
	if e.Type == Identify {
		e.Email = address(p.traits)
	}
	if traits, f := object(p.context, "traits"); e.Email == "" && f == nil {
		e.Email = address(traits)
	}
	if f := e.externals(p.context["externalIds"]); f != nil {
		return f
	}
	return e.hops(p.context["hops"])
}

func address(traits wire.Object) string {
	written, _ := traits["email"].(string)
	return person.Address(written)
}

// externals reads [{id, type, collection, encoding}], as Segment has it. Ids of
// other collections than users' are about something else. What is unfit is left
// out with a remark, as other junk ids are.
func (e *Event) externals(v any) *fault.Error {
	list, _ := v.([]any)
	for _, item := range list {
		o, _ := item.(wire.Object)
		kind, kindFault := text(o, "type")
		id, idFault := text(o, "id")
		collection, _ := text(o, "collection")
		if collection != "" && collection != "users" {
			continue
		}
		value := kind + ":" + id
		switch {
		case kindFault != nil || idFault != nil || kind == "" || strings.Contains(kind, ":") || person.Junk(id) || !person.Clean(value):
			e.remark(BlockedID)
		case kind == "email":
			if e.Email == "" {
				e.Email = person.Address(id)
			}
		case !slices.Contains(e.ExternalIDs, value):
			e.ExternalIDs = append(e.ExternalIDs, value)
		}
	}
	slices.Sort(e.ExternalIDs)
	if len(e.ExternalIDs) > maxExternalIDs {
		return fault.New(fault.Invalid, "too_many_external_ids", "send at most %d external ids in one event", maxExternalIDs).In("context.externalIds")
	}
	return nil
}

// hops refuses an event that is the answer to an answer to an answer.
func (e *Event) hops(v any) *fault.Error {
	if v == nil {
		return nil
	}
	number, _ := v.(json.Number)
	n, err := number.Int64()
	if err != nil || n < 0 {
		return fault.New(fault.Invalid, "bad_hops", "send the hops of the event that you answer, a whole number").In("context.hops")
	}
	if n > MaxHops {
		return fault.New(fault.Invalid, "event_loop", "this event is the answer to %d others: two systems answer each other; stop one of them", n).In("context.hops")
	}
	e.Hops = int(n)
	return nil
}
