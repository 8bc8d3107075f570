package brief

import (
	"encoding/json"
	"strconv"
	"strings"

	"rapport/shared/event"
	"rapport/shared/person"
)

// properties are those of one event.
type properties map[string]json.RawMessage

func propertiesOf(e *event.Event) properties {
	var p properties
	_ = json.Unmarshal(e.Properties, &p) // without any, all are absent
	return p
}

// maxShown is how much of a value a sentence shows, in characters.
const maxShown = 80

// text returns a value that is text or a number on one line, without what cannot
// be printed; "" for any other.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		var n json.Number
		if json.Unmarshal(value, &n) != nil {
			return ""
		}
		s = n.String()
	}
	s = strings.Join(strings.Fields(s), " ")
	if !person.Printable(s) {
		return ""
	}
	if shown := []rune(s); len(shown) > maxShown {
		s = string(shown[:maxShown]) + "…"
	}
	return s
}

func (p properties) text(name string) string { return text(p[name]) }

// first returns the first of the properties that has a text.
func (p properties) first(names ...string) string {
	for _, name := range names {
		if s := p.text(name); s != "" {
			return s
		}
	}
	return ""
}

// of names a thing: " of order 1001".
func (p properties) of(what, name string) string {
	if s := p.text(name); s != "" {
		return " of " + what + " " + s
	}
	return ""
}

// in adds a remark: " (card declined)".
func (p properties) in(names ...string) string {
	if s := p.first(names...); s != "" {
		return " (" + s + ")"
	}
	return ""
}

// colon adds a value: ": 1001".
func (p properties) colon(names ...string) string {
	if s := p.first(names...); s != "" {
		return ": " + s
	}
	return ""
}

// agrees reports whether the two do not contradict each other: both have the
// same value, or one has none.
func (p properties) agrees(o properties, name string) bool {
	a, b := p.text(name), o.text(name)
	return a == "" || b == "" || a == b
}

// number returns a number, which may come as text.
func (p properties) number(name string) (float64, bool) {
	n, err := strconv.ParseFloat(p.text(name), 64)
	return n, err == nil
}

// none reports whether one of the properties says that there is nothing: 0, or
// an empty list.
func (p properties) none(names ...string) bool {
	for _, name := range names {
		var list []json.RawMessage
		if json.Unmarshal(p[name], &list) == nil && list != nil {
			return len(list) == 0
		}
		if n, ok := p.number(name); ok {
			return n == 0
		}
	}
	return false
}
