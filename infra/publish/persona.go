package publish

import (
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"rapport/shared/person"
	"rapport/shared/persona"
)

// personaKeys are the keys of a persona.
var personaKeys = []string{
	"name!", "description", "known", "lifecycle", "firstSeen", "lastSeen", "traits", "computed", "weights", "expects",
}

// maxFieldWeight bounds how much more than another a field may count.
const maxFieldWeight = 100

// readPersona reads the body of a persona. What it expects is checked when the
// whole strategy is known.
func (l *loader) readPersona(id string, e *entry[persona.Persona]) {
	m := e.body
	e.value = persona.Persona{ID: id, Name: m.text("name", 100), Description: m.text("description", 1000)}
	var fields []persona.Field
	add := func(f persona.Field) { fields = append(fields, f) }
	if n := m.fields["known"]; n != nil {
		add(persona.Field{Path: persona.Known, Value: m.truth("known")})
	}
	if l.staged(m) {
		add(persona.Field{Path: persona.Lifecycle, Value: asJSON(m.choice("lifecycle", stageNames()...))})
	}
	for _, key := range []string{persona.FirstSeen, persona.LastSeen} {
		if m.fields[key] != nil {
			add(persona.Field{Path: key, Timed: true, Ago: m.ago(key)})
		}
	}
	for name, value := range m.members("traits") {
		if kindOf(value) == "nothing" {
			l.report(m.file, value, "the trait %s of %s is empty: write it, or leave the key out", name.Value, m.what)
			continue
		}
		add(persona.Field{Path: persona.Traits + name.Value, Value: asJSON(l.plain(m.file, value))})
	}
	for name, value := range m.members("computed") {
		if f, ok := l.computedField(m, name, value); ok {
			add(f)
		}
	}
	l.weigh(m, fields)
	slices.SortFunc(fields, func(a, b persona.Field) int { return strings.Compare(a.Path, b.Path) })
	e.value.Fields = fields
}

// staged reports whether the persona states a stage, which needs a life cycle.
func (l *loader) staged(m mapping) bool {
	n := m.fields["lifecycle"]
	if n != nil && l.lifecycle == nil {
		l.report(m.file, n, "the strategy has no lifecycle: declare one before %s has a stage of it", m.what)
	}
	return n != nil
}

// computedField reads a computed trait of a persona, which must be of the kind
// that the trait has.
func (l *loader) computedField(m mapping, name, value *yaml.Node) (persona.Field, bool) {
	declared := l.computed.at[name.Value]
	if declared == nil {
		l.report(m.file, name, "there is no computed trait %q%s", name.Value, didYouMean(name.Value, l.computed.ids()))
		return persona.Field{}, false
	}
	f := persona.Field{Path: persona.Computed + name.Value}
	one := mapping{loader: l, place: m.place, what: m.what, fields: map[string]*yaml.Node{name.Value: value}}
	switch op := declared.value.Op; op {
	case person.First, person.Last:
		if slices.Equal(declared.value.Of, []string{person.TimestampProperty}) {
			f.Timed, f.Ago = true, one.ago(name.Value)
			return f, true
		}
	case person.Most:
	case person.Affinity:
		if !weights(value) {
			l.report(m.file, value, "%s of %s must be numbers by value, like {herbal: 2.5}", name.Value, m.what)
			return f, false
		}
	default:
		if kindOf(value) != "a number" {
			l.report(m.file, value, "%s of %s must be a number, not %s: it is the %s of something", name.Value, m.what, kindOf(value), op)
			return f, false
		}
	}
	if kindOf(value) == "nothing" {
		l.report(m.file, value, "%s of %s is empty: write it, or leave the key out", name.Value, m.what)
		return f, false
	}
	f.Value = asJSON(l.plain(m.file, value))
	return f, true
}

// weights reports whether a node has numbers by name.
func weights(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 1; i < len(n.Content); i += 2 {
		if kindOf(n.Content[i]) != "a number" || strings.HasPrefix(n.Content[i].Value, "-") {
			return false
		}
	}
	return true
}

// weigh gives the fields their weights.
func (l *loader) weigh(m mapping, fields []persona.Field) {
	var paths []string
	for i := range fields {
		fields[i].Weight = 1
		paths = append(paths, fields[i].Path)
	}
	for name, value := range m.members("weights") {
		i := slices.Index(paths, name.Value)
		if i < 0 {
			l.report(m.file, name, "%s states no %q that could weigh%s", m.what, name.Value, didYouMean(name.Value, paths))
			continue
		}
		one := mapping{loader: l, place: m.place, what: "weights of " + m.what, fields: map[string]*yaml.Node{name.Value: value}}
		fields[i].Weight = one.number(name.Value, 0, maxFieldWeight, 1)
	}
}

// members iterates over the names and values of the mapping under the key.
func (m mapping) members(key string) func(yield func(name, value *yaml.Node) bool) {
	n := m.fields[key]
	if n == nil {
		return func(func(name, value *yaml.Node) bool) {}
	}
	if n.Kind != yaml.MappingNode {
		m.loader.report(m.file, n, "%s of %s must be keys with values, not %s", key, m.what, kindOf(n))
		return func(func(name, value *yaml.Node) bool) {}
	}
	return m.loader.pairs(m.file, n)
}

// truth returns the true or false under the key, as JSON.
func (m mapping) truth(key string) json.RawMessage {
	n := m.fields[key]
	if kindOf(n) != "true or false" {
		m.loader.report(m.file, n, "%s of %s must be true or false, not %s", key, m.what, kindOf(n))
	}
	return asJSON(strings.EqualFold(n.Value, "true"))
}

// ago returns the milliseconds of a time under the key that is written as how
// long ago it was: now, 45m ago, 1h30m ago, 3d ago.
func (m mapping) ago(key string) int64 {
	n := m.scalar(key)
	if n == nil || n.Value == "now" {
		return 0
	}
	span, ok := strings.CutSuffix(n.Value, " ago")
	total, read := parseSpan(span)
	if !ok || !read {
		m.loader.report(m.file, n, "%s of %s must be how long ago it was: now, 45m ago, 1h30m ago or 3d ago", key, m.what)
		return 0
	}
	return total.Milliseconds()
}
