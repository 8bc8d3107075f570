package audience

import (
	"bytes"
	"cmp"
	"math"
	"time"
)

// kind is what a value is. The first three stand for the lack of one: n is then
// the reason.
type kind uint8

const (
	failed  kind = iota // an operation could not be done
	missing             // the last name of a path is not there
	broken              // a name before the last is not there, or has no names in it
	null
	boolean
	integer
	double
	text
	instant
	span
	list
	object
)

// value is one value while a rule is evaluated. Values are handed on by pointer
// and never changed by their readers, so that evaluation allocates nothing.
type value struct {
	kind  kind
	slope int8    // instants and spans: how many units it moves per unit of now
	nanos int32   // instant: nanoseconds in the second
	n     int64   // boolean, integer, bits of a double, unix seconds, nanoseconds, reason
	text  []byte  // text
	items []value // list; object as name, value, name, value…
}

func (v *value) lacking() bool { return v.kind <= broken }

func (v *value) float() float64 { return math.Float64frombits(uint64(v.n)) }

func (v *value) setFloat(f float64) {
	v.kind, v.n = double, int64(math.Float64bits(f))
}

func (v *value) setTime(t time.Time) {
	v.kind, v.slope, v.n, v.nanos = instant, 0, t.Unix(), int32(t.Nanosecond())
}

func (v *value) time() time.Time { return time.Unix(v.n, int64(v.nanos)).UTC() }

// field returns the value under a name of an object, nil when there is none. Of
// two with the same name the last counts, as usual in JSON.
func (v *value) field(name []byte) *value {
	for i := len(v.items) - 2; i >= 0; i -= 2 {
		if bytes.Equal(v.items[i].text, name) {
			return &v.items[i+1]
		}
	}
	return nil
}

// equal is CEL's ==: numbers compare by value whatever their type, and values of
// different types are never equal.
func equal(a, b *value) bool {
	if a.kind != b.kind {
		sign, ok := compareNumbers(a, b)
		return ok && sign == 0
	}
	switch a.kind {
	case null:
		return true
	case boolean, integer, span:
		return a.n == b.n
	case double:
		return a.float() == b.float()
	case text:
		return bytes.Equal(a.text, b.text)
	case instant:
		return a.n == b.n && a.nanos == b.nanos
	case list:
		return equalLists(a, b)
	case object:
		return equalObjects(a, b)
	default:
		return false
	}
}

func equalLists(a, b *value) bool {
	if len(a.items) != len(b.items) {
		return false
	}
	for i := range a.items {
		if !equal(&a.items[i], &b.items[i]) {
			return false
		}
	}
	return true
}

func equalObjects(a, b *value) bool {
	if len(a.items) != len(b.items) {
		return false
	}
	for i := 0; i < len(a.items); i += 2 {
		other := b.field(a.items[i].text)
		if other == nil || !equal(&a.items[i+1], other) {
			return false
		}
	}
	return true
}

// order is CEL's < and its like: the sign of a - b, or the reason why the two
// have no order.
func order(a, b *value) (sign int, why reason) {
	if a.kind != b.kind || a.kind == double {
		if !isNumber(a) || !isNumber(b) {
			return 0, wrongType
		}
		sign, _ = compareNumbers(a, b)
		return sign, 0
	}
	switch a.kind {
	case boolean, integer, span:
		return cmp.Compare(a.n, b.n), 0
	case text:
		return bytes.Compare(a.text, b.text), 0
	case instant:
		return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.nanos, b.nanos)), 0
	default:
		return 0, wrongType
	}
}

// isNaN reports whether v is the double that is not a number.
func (v *value) isNaN() bool { return v.kind == double && math.IsNaN(v.float()) }

// ordered reports whether values of this kind have an order.
func (v *value) ordered() bool { return v.kind >= boolean && v.kind <= span }

func isNumber(v *value) bool { return v.kind == integer || v.kind == double }

// compareNumbers compares an int with a double, or two doubles; ok is false for
// anything else. Not-a-number compares unlike every int; callers see to it
// before they compare doubles.
func compareNumbers(a, b *value) (sign int, ok bool) {
	switch {
	case a.kind == double && b.kind == double:
		return cmp.Compare(a.float(), b.float()), true
	case a.kind == double && b.kind == integer:
		return cmp.Compare(a.float(), float64(b.n)), true
	case a.kind == integer && b.kind == double:
		return cmp.Compare(float64(a.n), b.float()), true
	default:
		return 0, false
	}
}
