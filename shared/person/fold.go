package person

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
)

// Fold is the state of one computed trait on one node. Two folds of the same
// trait merge into what one fold over both nodes' events would be.
type Fold struct {
	Count int64           // events counted
	Sum   apd.Decimal     // exact
	At    time.Time       // of the event that First or Last holds
	By    string          // its message id
	Value json.RawMessage // its value
}

// Add folds one event in: its time, message id and, except for Count, the
// value of the property. A Sum leaves out what is not a number and reports it.
func (f *Fold) Add(op Op, at time.Time, by string, value json.RawMessage) bool {
	switch op {
	case Count:
		f.Count++
	case Sum:
		n, ok := number(value)
		if !ok {
			return false
		}
		f.plus(n)
		f.Count++
	case First, Last:
		f.take(op, at, by, value)
	}
	return true
}

func (f *Fold) plus(n *apd.Decimal) {
	// Precision 0 is exact: the context never rounds an addition.
	_, _ = apd.BaseContext.Add(&f.Sum, &f.Sum, n)
}

func (f *Fold) take(op Op, at time.Time, by string, value json.RawMessage) {
	later := order(at, by, value, f.At, f.By, f.Value) > 0
	if f.Value == nil || later == (op == Last) {
		f.At, f.By, f.Value = at, by, value
	}
}

func (f *Fold) merge(op Op, o *Fold) {
	f.Count += o.Count
	f.plus(&o.Sum)
	if o.Value != nil {
		f.take(op, o.At, o.By, o.Value)
	}
}

// result is the trait's value as JSON, nil when no event gave one.
func (f *Fold) result(op Op) json.RawMessage {
	switch op {
	case Count:
		raw, _ := json.Marshal(f.Count)
		return raw
	case Sum:
		return json.RawMessage(decimalText(&f.Sum))
	default:
		return f.Value
	}
}

// number reads a JSON number, or a string that holds one, as shops often send.
func number(value json.RawMessage) (*apd.Decimal, bool) {
	text := string(bytes.Trim(value, `"`))
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" {
		return nil, false
	}
	d, _, err := apd.NewFromString(text)
	if err != nil || d.Form != apd.Finite || d.NumDigits() > 60 || d.Exponent > 200 || d.Exponent < -200 {
		return nil, false
	}
	return d, true
}

// decimalText writes a decimal without exponent and without trailing zeros, so
// that equal sums have equal bytes.
func decimalText(d *apd.Decimal) string {
	var r apd.Decimal
	r.Reduce(d)
	if r.IsZero() {
		return "0"
	}
	return r.Text('f')
}

// order compares two writers by (time, message id), and by value when one
// event is seen under two nodes.
func order(at time.Time, by string, value json.RawMessage, at2 time.Time, by2 string, value2 json.RawMessage) int {
	if c := at.Compare(at2); c != 0 {
		return c
	}
	if c := strings.Compare(by, by2); c != 0 {
		return c
	}
	return bytes.Compare(value, value2)
}

func (t Trait) wins(have Trait) bool {
	return order(t.At, t.By, t.Value, have.At, have.By, have.Value) > 0
}
