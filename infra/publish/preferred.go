package publish

import (
	"encoding/json"
	"slices"

	"go.yaml.in/yaml/v4"

	"rapport/shared/audience"
	"rapport/shared/person"
)

// preferredKeys are the keys of a preferred field, in the order in which the
// places count.
var preferredKeys = []string{"explicit", "declared", "observed", "inferred", "default!"}

// maxFields bounds how many preferred fields a strategy has: decide answers with
// all of them.
const maxFields = 50

// readPreferred reads the body of a preferred field.
func (l *loader) readPreferred(name string, e *entry[audience.Field]) {
	m := e.body
	e.value = audience.Field{
		Name: name, Explicit: l.chosen(m), Declared: m.text("declared", longestName), Observed: l.observed(m), Default: json.RawMessage(`""`),
	}
	kind := ""
	if n := m.fields["default"]; n != nil {
		switch kind = kindOf(n); kind {
		case "nothing", "keys with values":
			l.report(m.file, n, "default of %s must be text, a number, true or false or a list, not %s", m.what, kind)
			kind = ""
		default:
			e.value.Default = asJSON(l.plain(m.file, n))
		}
	}
	l.readInferred(m, &e.value, kind)
	if places := len(m.fields); places < 2 && m.fields["default"] != nil {
		l.report(m.file, m.node, "%s has only a default: say where else its value may stand, as explicit, declared, observed or inferred", m.what)
	}
}

// chosen returns the field of preferences that is under explicit.
func (l *loader) chosen(m mapping) string {
	field := m.text("explicit", len(person.Custom)+person.MaxChoice)
	if name, custom := person.CustomField(field); field == "" || custom && name != "" {
		return field
	}
	known := []string{person.Theme, person.Topics, person.Channels, person.Cadence}
	if !slices.Contains(known, field) {
		l.report(m.file, m.fields["explicit"], "explicit of %s must be a field of preferences, not %q%s; those of your own are written like custom.font", m.what, field, didYouMean(field, known))
	}
	return field
}

// observed returns the computed trait that is under observed.
func (l *loader) observed(m mapping) string {
	name := m.text("observed", longestName)
	if name == "" {
		return ""
	}
	n, declared := m.fields["observed"], l.computed.at[name]
	switch {
	case declared == nil:
		l.report(m.file, n, "there is no computed trait %q%s", name, didYouMean(name, l.computed.ids()))
	case declared.value.Op == person.Affinity:
		l.report(m.file, n, "%s is an affinity, which is no single value: write inferred: %s, which takes the heaviest", name, name)
	case declared.value.Op.Total():
		l.report(m.file, n, "everybody has a value of %s, so what comes after observed would never count: take a computed trait that may be missing", name)
	case slices.Contains(declared.value.Of, person.TimestampProperty):
		l.report(m.file, n, "%s is a time, which cannot be preferred: take another computed trait", name)
	}
	return name
}

// readInferred reads what a value follows from: an affinity, or audiences in the
// order in which they count. Each value must be of the default's kind.
func (l *loader) readInferred(m mapping, f *audience.Field, kind string) {
	n := m.fields["inferred"]
	switch {
	case n == nil:
	case n.Kind == yaml.MappingNode:
		for id, value := range m.members("inferred") {
			if l.audiences.at[id.Value] == nil {
				l.report(m.file, id, "%s is inferred for the audience %q, which does not exist%s", m.what, id.Value, didYouMean(id.Value, l.audiences.ids()))
				continue
			}
			if got := kindOf(value); kind != "" && got != kind {
				l.report(m.file, value, "the value of %s for the audience %s must be %s, as the default is, not %s", m.what, id.Value, kind, got)
			}
			f.Inferred = append(f.Inferred, audience.Inference{Audience: id.Value, Value: asJSON(l.plain(m.file, value))})
		}
	default:
		f.Affinity = m.text("inferred", longestName)
		l.checkAffinity(m, f.Affinity, kind)
	}
}

func (l *loader) checkAffinity(m mapping, name, kind string) {
	n := m.fields["inferred"]
	switch declared := l.computed.at[name]; {
	case name == "":
	case declared == nil:
		l.report(m.file, n, "there is no computed trait %q%s", name, didYouMean(name, l.computed.ids()))
	case declared.value.Op != person.Affinity:
		l.report(m.file, n, "%s is no affinity, so nothing is inferred from it: write observed: %s", name, name)
	case kind != "" && kind != "text":
		l.report(m.file, n, "what is inferred from the affinity %s is text, so the default of %s must be text, not %s", name, m.what, kind)
	}
}

// readAllPreferred reads every field, before rules ask for them.
func (l *loader) readAllPreferred() {
	for i, name := range l.preferred.ids() {
		e := l.preferred.at[name]
		l.readPreferred(name, e)
		if i == maxFields {
			l.report(e.body.file, e.key.node, "a strategy has at most %d preferred fields: remove some", maxFields)
		}
	}
}
