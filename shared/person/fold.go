package person

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"rapport/shared/decimal"
)

// Fold is the state of one computed trait on one node. Two folds of the same
// trait merge into what one fold over both nodes' events would be.
type Fold struct {
	Count int64           // events counted
	Sum   decimal.Decimal // exact
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

func (f *Fold) plus(n *decimal.Decimal) {
	f.Sum.Add(n)
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
		return json.RawMessage(f.Sum.String())
	default:
		return f.Value
	}
}

// What is added up has at most so many digits, and ends at most so many from the
// point: a sum grows with the digits between the first and the last.
const (
	maxDigits = 60
	maxScale  = 200
)

// number reads a JSON number, or a string that holds one, as shops often send.
func number(value json.RawMessage) (*decimal.Decimal, bool) {
	d, ok := decimal.Parse(string(bytes.Trim(value, `"`)))
	return d, ok && d.Within(maxDigits, maxScale)
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
