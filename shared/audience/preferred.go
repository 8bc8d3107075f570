package audience

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"rapport/shared/fault"
	"rapport/shared/person"
)

// Field is something that people can be different in, such as a theme, with the
// places where a value of it may stand. What a person chose counts before what
// it, or a server, told of it, that before what it was seen to do, that before
// what follows from that, and all of it before the default. A place that the
// field does not name is passed over, and so is a value of another type than the
// default's, so that whoever reads the field can rely on one.
type Field struct {
	Name     string          `json:"name"`
	Explicit string          `json:"explicit,omitempty"` // a field of preferences: "theme", "custom.font"
	Declared string          `json:"declared,omitempty"` // a trait
	Observed string          `json:"observed,omitempty"` // a computed trait
	Affinity string          `json:"affinity,omitempty"` // a computed trait of that kind, of which the heaviest value is inferred
	Inferred []Inference     `json:"inferred,omitempty"` // instead of Affinity: the first that holds
	Default  json.RawMessage `json:"default"`            // text, a number, a truth or a list
}

// Inference is the value for whoever is in an audience.
type Inference struct {
	Audience string          `json:"audience"`
	Value    json.RawMessage `json:"value"`
}

// Source says where a value came from.
type Source string

// The sources, in the order in which they count.
const (
	Explicit Source = "explicit"
	Declared Source = "declared"
	Observed Source = "observed"
	Inferred Source = "inferred"
	Default  Source = "default"
)

// explicit is the variable that stands for View.Explicit in paths. No program can
// name it: rules ask for a field.
const explicit = "explicit"

// Candidate is a value that a field has, or might have, for somebody.
type Candidate struct {
	Value  json.RawMessage `json:"value"`
	Source Source          `json:"source"`
	Of     string          `json:"of,omitempty"`     // what it was read from: "theme" of preferences, "traits.theme", "audiences.vip"; "" for the default
	At     time.Time       `json:"at,omitzero"`      // when the person chose or told it; zero for what has no such moment
	By     string          `json:"by,omitempty"`     // how a choice was made, or the message id of the event that told it
	Misfit bool            `json:"misfit,omitempty"` // it has another type than the default, so it never counts
}

// Resolved is a field with the value that counts for somebody.
type Resolved struct {
	Name string `json:"-"`
	Candidate
	Others []Candidate `json:"others,omitempty"` // the values that lost, in the order of their sources; only when asked for
}

// field is a compiled Field.
type field struct {
	name   string
	places []place // in the order in which they count; the last always has a value
}

// place is where a value of a field may stand.
type place struct {
	source Source
	of     string
	get    operand // lacking when there is no value
	trait  func(*person.View) person.Trait
}

// Asks returns the ids of the audiences that the operation itself asks for, the
// arguments left out: one by its id, or those by which a field is inferred.
func (p *Program) Asks(fields []Field) (ids []string) {
	switch {
	case p.Op != OpGet || len(p.Path) != 2:
	case p.Path[0] == Audiences:
		return p.Path[1:]
	case p.Path[0] == Preferred:
		if i, ok := fieldIndex(fields, p.Path[1]); ok {
			for _, one := range fields[i].Inferred {
				ids = append(ids, one.Audience)
			}
		}
	}
	return ids
}

func fieldIndex(fields []Field, name string) (int, bool) {
	return slices.BinarySearchFunc(fields, name, func(f Field, name string) int { return strings.Compare(f.Name, name) })
}

// compileFields compiles every field on its own, for those who show them.
func (c *compiler) compileFields() error {
	for i := range c.names.Fields {
		c.temps = c.set.scratch // the rules that it asks for keep theirs apart
		places, err := c.places(&c.names.Fields[i])
		if err != nil {
			return err.In("preferred." + c.names.Fields[i].Name)
		}
		c.set.fields = append(c.set.fields, field{c.names.Fields[i].Name, places})
	}
	return nil
}

// preferred compiles the value of a field.
func (c *compiler) preferred(name string) (operand, *fault.Error) {
	i, ok := fieldIndex(c.names.Fields, name)
	if !ok {
		return nil, malformed("there is no preferred field %q", name)
	}
	before := len(c.uses)
	places, err := c.places(&c.names.Fields[i])
	if c.explaining {
		c.uses, c.told = c.uses[:before], append(c.told, i)
	}
	return func(f *Facts) *value {
		_, v := first(places, f)
		return v
	}, err
}

// first returns the place whose value counts, and that value.
func first(places []place, f *Facts) (int, *value) {
	last := len(places) - 1
	fallback := places[last].get(f)
	for i := range places[:last] {
		if v := places[i].get(f); !v.lacking() && v.like(fallback) {
			return i, v
		}
	}
	return last, fallback
}

// like reports whether two values have the same type, of which numbers are one.
func (v *value) like(o *value) bool { return v.kind == o.kind || isNumber(v) && isNumber(o) }

// places compiles the places of a field.
func (c *compiler) places(f *Field) ([]place, *fault.Error) {
	var out []place
	stands := func(source Source, of string, path ...string) {
		k := c.slot(path)
		out = append(out, place{source: source, of: of, get: func(f *Facts) *value { return &f.slots[k] }, trait: traitAt(path)})
	}
	if f.Explicit != "" {
		stands(Explicit, f.Explicit, explicit, f.Explicit)
	}
	if f.Declared != "" {
		stands(Declared, pathText([]string{Traits, f.Declared}), Traits, f.Declared)
	}
	if f.Observed != "" {
		stands(Observed, pathText([]string{Computed, f.Observed}), Computed, f.Observed)
	}
	if f.Affinity != "" {
		k := c.slot([]string{Computed, f.Affinity})
		out = append(out, place{source: Inferred, of: pathText([]string{Computed, f.Affinity}), get: func(f *Facts) *value { return f.slots[k].heaviest() }})
	}
	for _, one := range f.Inferred {
		p, err := c.inference(one)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	fallback, ok := new(reader).decode(f.Default)
	if !ok || fallback.kind == null || fallback.kind == object {
		return nil, malformed("the default of the preferred field %s must be text, a number, a truth or a list", f.Name)
	}
	return append(out, place{source: Default, get: func(*Facts) *value { return &fallback }, trait: always(f.Default)}), nil
}

// inference compiles the value for the members of an audience.
func (c *compiler) inference(one Inference) (place, *fault.Error) {
	member, err := c.member(one.Audience)
	if err != nil {
		return place{}, err
	}
	inferred, ok := new(reader).decode(one.Value)
	if !ok {
		return place{}, malformed("the value for the audience %s must be JSON", one.Audience)
	}
	return place{source: Inferred, of: pathText([]string{Audiences, one.Audience}), trait: always(one.Value), get: func(f *Facts) *value {
		if member(f) == yes {
			return &inferred
		}
		return &nowhere
	}}, nil
}

// nowhere is the lack of a value.
var nowhere = value{kind: missing}

// always is a place's value that is the same for everybody.
func always(raw json.RawMessage) func(*person.View) person.Trait {
	return func(*person.View) person.Trait { return person.Trait{Value: raw} }
}

// traitAt finds the JSON of a value where facts read it.
func traitAt(path []string) func(*person.View) person.Trait {
	return func(v *person.View) person.Trait {
		switch path[0] {
		case explicit:
			return v.Explicit[path[1]]
		case Traits:
			return v.Traits[path[1]]
		default:
			return person.Trait{Value: v.Computed[path[1]]}
		}
	}
}

// heaviest returns the name in an affinity that weighs most, of equals the first.
func (v *value) heaviest() *value {
	if v.kind != object || len(v.items) == 0 {
		return &nowhere
	}
	best := 0
	for i := 2; i < len(v.items); i += 2 {
		sign, _ := order(&v.items[i+1], &v.items[best+1])
		if cmp.Or(-sign, slices.Compare(v.items[i].text, v.items[best].text)) < 0 {
			best = i
		}
	}
	return &v.items[best]
}

// Resolve returns the value of every field, sorted by name, for the view that the
// facts were filled from. Others asks for the values that lost too.
func (s *Set) Resolve(f *Facts, v *person.View, others bool) []Resolved {
	if f.set != s || len(s.fields) == 0 {
		return nil
	}
	out := make([]Resolved, len(s.fields))
	for i := range s.fields {
		places := s.fields[i].places
		won, fits := first(places, f)
		out[i] = Resolved{Name: s.fields[i].name, Candidate: places[won].candidate(f, v, fits)}
		for k := range places {
			if others && k != won && !places[k].get(f).lacking() {
				out[i].Others = append(out[i].Others, places[k].candidate(f, v, fits))
			}
		}
	}
	return out
}

// candidate tells of the value at a place, which fits when it is like another.
func (p *place) candidate(f *Facts, v *person.View, like *value) Candidate {
	out := Candidate{Source: p.source, Of: p.of, Misfit: !p.get(f).like(like)}
	if p.trait == nil {
		out.Value, _ = json.Marshal(string(p.get(f).text)) // a text: nothing can fail
		return out
	}
	t := p.trait(v)
	out.Value, out.At, out.By = t.Value, t.At, t.By
	return out
}
