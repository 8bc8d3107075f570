// Package persona holds personas: named synthetic people of the strategy, each
// with what it takes to be somebody like that. They test the strategy, for their
// author says which audiences and content they get, and they say of a person
// whom that one is like.
package persona

import (
	"encoding/json"
	"strings"
	"time"

	"rapport/shared/person"
)

// Persona is a named synthetic person. What it does not state is as of somebody
// who did nothing yet: counts are 0, all else is missing.
type Persona struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Fields      []Field `json:"fields,omitempty"` // sorted by path, each once
}

// Field is one thing that a persona states of itself, and that people are
// compared in.
type Field struct {
	Path   string          `json:"path"`            // "computed.orders", as rules write it
	Value  json.RawMessage `json:"value,omitempty"` // compact JSON, unless it is a time
	Timed  bool            `json:"timed,omitempty"` // it is the time that was Ago before now
	Ago    int64           `json:"ago,omitempty"`   // milliseconds, not negative
	Weight int             `json:"weight"`          // in the comparison; 0: not compared
}

// What the paths of fields begin with, or are.
const (
	Traits    = "traits."   // and the name of the trait
	Computed  = "computed." // and the name of the computed trait
	Lifecycle = "lifecycle"
	Known     = "known"
	FirstSeen = "firstSeen"
	LastSeen  = "lastSeen"
)

// timeForm is how values that are times are written: RFC 3339 in UTC.
const timeForm = "2006-01-02T15:04:05.000Z"

// at returns the field's value at a moment, as JSON.
func (f Field) at(now time.Time) json.RawMessage {
	if !f.Timed {
		return f.Value
	}
	return moment(f.instant(now))
}

func (f Field) instant(now time.Time) time.Time {
	return now.Add(-time.Duration(f.Ago) * time.Millisecond).UTC().Truncate(time.Millisecond)
}

func moment(t time.Time) json.RawMessage {
	return json.RawMessage(`"` + t.UTC().Format(timeForm) + `"`)
}

// View returns the persona as if it were a person at that moment, for rules and
// decisions.
func (p *Persona) View(declared *person.Declared, now time.Time) *person.View {
	v := (&person.Person{}).View(declared, now)
	staged := false
	for _, f := range p.Fields {
		value := f.at(now)
		switch {
		case f.Path == Known:
			v.Known = string(value) == "true"
		case f.Path == Lifecycle:
			var stage string
			_ = json.Unmarshal(value, &stage) // anything but a text is no stage
			v.Stage, staged = person.Stage(stage), true
		case f.Path == FirstSeen:
			v.FirstSeen = f.instant(now)
		case f.Path == LastSeen:
			v.LastSeen = f.instant(now)
		case strings.HasPrefix(f.Path, Traits):
			v.Traits[f.Path[len(Traits):]] = person.Trait{Value: value}
		case strings.HasPrefix(f.Path, Computed):
			v.Computed[f.Path[len(Computed):]] = value
		}
	}
	if v.Known && !staged && v.Stage == person.Visitor {
		v.Stage = person.Lead // as everybody who said who they are
	}
	return v
}

// read returns the value of a person at a field's path, nil when there is none.
func read(v *person.View, path string) json.RawMessage {
	switch {
	case path == Known:
		if v.Known {
			return json.RawMessage("true")
		}
		return json.RawMessage("false")
	case path == Lifecycle && v.Stage != "":
		text, _ := json.Marshal(v.Stage) // a text: nothing can fail
		return text
	case path == FirstSeen && !v.FirstSeen.IsZero():
		return moment(v.FirstSeen)
	case path == LastSeen && !v.LastSeen.IsZero():
		return moment(v.LastSeen)
	case strings.HasPrefix(path, Traits):
		return v.Traits[path[len(Traits):]].Value
	case strings.HasPrefix(path, Computed):
		return v.Computed[path[len(Computed):]]
	}
	return nil
}
