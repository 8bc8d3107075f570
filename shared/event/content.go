package event

import (
	"maps"
	"slices"

	"rapport/shared/fault"
	"rapport/shared/wire"
)

// content sets the event's objects, after judging the traits that it declares.
func (d *decoder) content(e *Event, p parts) *fault.Error {
	e.Properties, e.Context, e.Integrations = raw(p.properties), raw(p.context), raw(p.integrations)
	if len(e.Properties)+len(e.Context)+len(e.Integrations) > MaxEventBytes {
		return tooLarge()
	}
	if e.Type != Identify && e.Type != Group {
		return nil
	}
	traits, f := p.traits, (*fault.Error)(nil)
	if traits == nil && e.Type == Identify {
		if traits, f = object(p.context, "traits"); f != nil {
			return f.In("context.traits")
		}
	}
	if f := judgeTraits(traits); f != nil {
		return f
	}
	if e.Type == Identify {
		traits = d.unreserved(e, traits)
	}
	e.Traits = raw(traits)
	return nil
}

// unreserved leaves out the traits that only Rapport computes.
func (d *decoder) unreserved(e *Event, traits wire.Object) wire.Object {
	if d.sender.Reserved == nil {
		return traits
	}
	out := maps.Clone(traits)
	maps.DeleteFunc(out, func(name string, _ any) bool { return d.sender.Reserved(name) })
	if len(out) < len(traits) {
		e.remark(ReservedTrait)
	}
	return out
}

// Limits of the traits of one call.
const (
	maxTraits     = 100
	maxTraitName  = 255 // characters
	maxTraitBytes = 4 << 10
)

func judgeTraits(traits wire.Object) *fault.Error {
	if len(traits) > maxTraits {
		return fault.New(fault.Invalid, "too_many_traits", "send at most %d traits in one call", maxTraits).In("traits")
	}
	for _, name := range slices.Sorted(maps.Keys(traits)) {
		if name == "" || len([]rune(name)) > maxTraitName {
			return fault.New(fault.Invalid, "bad_trait_name", "name traits with 1 to %d characters", maxTraitName).In("traits")
		}
		if len(wire.Canonical(traits[name])) > maxTraitBytes {
			return fault.New(fault.Invalid, "trait_too_large", "keep the value of a trait within %d bytes", maxTraitBytes).
				In("traits." + wire.Short(name))
		}
	}
	return nil
}
