package persona

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// kind is how values are compared.
type kind uint8

const (
	plain  kind = iota // equal or not
	number             // by their distance; times too
	parts              // by what they have in common
)

// value is a value of a field, made ready for a comparison.
type value struct {
	kind   kind
	number float64            // of a time: Unix milliseconds
	parts  map[string]float64 // not negative
	text   string             // of plain: canonical JSON
}

// parse reads a JSON value. Timed makes a time of a text; one that is none stays
// a text.
func parse(raw json.RawMessage, timed bool) value {
	var decoded any
	if len(raw) == 0 || json.Unmarshal(raw, &decoded) != nil {
		return value{text: string(raw)}
	}
	switch v := decoded.(type) {
	case float64:
		return value{kind: number, number: v}
	case string:
		if at, err := time.Parse(time.RFC3339, v); timed && err == nil {
			return value{kind: number, number: float64(at.UnixMilli())}
		}
	case []any:
		return listed(v)
	case map[string]any:
		if shares, ok := weighed(v); ok {
			return value{kind: parts, parts: shares}
		}
	}
	return value{text: canonical(decoded)}
}

// listed counts each different value of a list once.
func listed(items []any) value {
	out := value{kind: parts, parts: map[string]float64{}}
	for _, item := range items {
		out.parts[canonical(item)] = 1
	}
	return out
}

// weighed returns the shares that the members of an object have of their sum;
// false when they are not all numbers of which that can be said.
func weighed(object map[string]any) (map[string]float64, bool) {
	out := make(map[string]float64, len(object))
	largest := 0.0
	for name, item := range object {
		x, ok := item.(float64)
		if !ok || x < 0 {
			return nil, false
		}
		out[name] = x
		largest = max(largest, x)
	}
	if largest == 0 {
		return map[string]float64{}, true
	}
	for name := range out {
		out[name] /= largest // the sum of very large ones would be infinite
	}
	whole := 0.0
	for _, name := range slices.Sorted(maps.Keys(out)) { // sums of fractions depend on the order
		whole += out[name]
	}
	for name := range out {
		out[name] /= whole
	}
	return out, true
}

// canonical is the JSON of a decoded value: equal for equal values.
func canonical(decoded any) string {
	text, _ := json.Marshal(decoded) // it was decoded from JSON: nothing can fail
	return string(text)
}
