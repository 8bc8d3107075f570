package cloud

import (
	"encoding/json"
	"fmt"
	"strings"
)

// pattern is an EventBridge pattern: for every path that it names, at least one
// of the conditions must hold for the event's value there. A path may lead into
// lists, of which one element has to match.
type pattern struct {
	fields map[string]pattern // objects go deeper
	anyOf  []condition        // leaves
}

// condition judges one value. Present is false when the event has none.
type condition func(value any, present bool) bool

// compilePattern takes a pattern as JSON holds it and says what it cannot do.
func compilePattern(source any) (pattern, error) {
	object, ok := source.(map[string]any)
	if !ok || len(object) == 0 {
		return pattern{}, fmt.Errorf("a pattern is an object with at least one field")
	}
	out := pattern{fields: map[string]pattern{}}
	for name, inner := range object {
		var compiled pattern
		var err error
		if list, isLeaf := inner.([]any); isLeaf {
			compiled.anyOf, err = compileConditions(name, list)
		} else {
			compiled, err = compilePattern(inner)
		}
		if err != nil {
			return pattern{}, err
		}
		out.fields[name] = compiled
	}
	return out, nil
}

func compileConditions(field string, list []any) ([]condition, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("the list of %s is empty, so that nothing could match", field)
	}
	var out []condition
	for _, item := range list {
		if _, isList := item.([]any); isList {
			return nil, fmt.Errorf("the list of %s holds a list", field)
		}
		operators, ok := item.(map[string]any)
		if !ok {
			out = append(out, equals(item))
			continue
		}
		if len(operators) != 1 {
			return nil, fmt.Errorf("one operator a condition in %s", field)
		}
		for name, argument := range operators {
			c, err := compileOperator(name, argument)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", field, err)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func compileOperator(name string, argument any) (condition, error) {
	text, isText := argument.(string)
	switch {
	case name == "prefix" && isText:
		return ofText(func(v string) bool { return strings.HasPrefix(v, text) }), nil
	case name == "suffix" && isText:
		return ofText(func(v string) bool { return strings.HasSuffix(v, text) }), nil
	case name == "exists":
		if wanted, ok := argument.(bool); ok {
			return func(_ any, present bool) bool { return present == wanted }, nil
		}
	case name == "anything-but":
		return compileAnythingBut(argument)
	case name == "numeric":
		return compileNumeric(argument)
	}
	return nil, fmt.Errorf("the local cloud does not know the operator %q with %v: "+
		"use exact values, prefix, suffix, anything-but, exists or numeric", name, argument)
}

func equals(wanted any) condition {
	return func(value any, present bool) bool { return present && value == wanted }
}

func ofText(holds func(string) bool) condition {
	return func(value any, _ bool) bool {
		text, ok := value.(string)
		return ok && holds(text)
	}
}

// compileAnythingBut holds for a value that is there and is none of those named.
func compileAnythingBut(argument any) (condition, error) {
	list, ok := argument.([]any)
	if !ok {
		list = []any{argument}
	}
	excluded, err := compileConditions("anything-but", list)
	if err != nil {
		return nil, err
	}
	return func(value any, present bool) bool {
		if !present {
			return false
		}
		for _, e := range excluded {
			if e(value, true) {
				return false
			}
		}
		return true
	}, nil
}

var comparisons = map[string]func(a, b float64) bool{
	"=": func(a, b float64) bool { return a == b },
	"<": func(a, b float64) bool { return a < b }, "<=": func(a, b float64) bool { return a <= b },
	">": func(a, b float64) bool { return a > b }, ">=": func(a, b float64) bool { return a >= b },
}

// compileNumeric takes [">", 0, "<=", 5]: all comparisons must hold.
func compileNumeric(argument any) (condition, error) {
	list, _ := argument.([]any)
	if len(list) == 0 || len(list)%2 != 0 {
		return nil, fmt.Errorf("numeric takes pairs like [\">\", 0]")
	}
	var all []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		name, _ := list[i].(string)
		compare, known := comparisons[name]
		limit, isNumber := list[i+1].(float64)
		if !known || !isNumber {
			return nil, fmt.Errorf("numeric does not know %v %v", list[i], list[i+1])
		}
		all = append(all, func(v float64) bool { return compare(v, limit) })
	}
	return func(value any, _ bool) bool {
		number, ok := value.(float64)
		for _, holds := range all {
			ok = ok && holds(number)
		}
		return ok
	}, nil
}

// Matches reports whether an event's JSON matches.
func (p pattern) Matches(event []byte) bool {
	var value any
	if json.Unmarshal(event, &value) != nil {
		return false
	}
	return p.matches(value, true)
}

func (p pattern) matches(value any, present bool) bool {
	if list, ok := value.([]any); ok && present {
		return p.matchesOne(list)
	}
	if p.fields == nil {
		_, isObject := value.(map[string]any)
		for _, c := range p.anyOf {
			// An object is not a leaf: "exists" does not see it.
			if c(value, present && !isObject) {
				return true
			}
		}
		return false
	}
	object, _ := value.(map[string]any)
	for name, inner := range p.fields {
		field, there := object[name]
		if !inner.matches(field, there) {
			return false
		}
	}
	return true
}

// matchesOne looks for one element that matches; an empty list counts as absent.
func (p pattern) matchesOne(list []any) bool {
	if len(list) == 0 {
		return p.matches(nil, false)
	}
	for _, item := range list {
		if p.matches(item, true) {
			return true
		}
	}
	return false
}
