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
	Sum   decimal.Decimal // exact; of Min and Max the lowest or highest number
	At    time.Time       // of the event that First, Last or Recency holds
	By    string          // its message id
	Value json.RawMessage // its value

	Days   map[int]*Fold // by bucket: what a numeric trait with a window keeps
	seen   sketch        // of Unique
	values tallies       // of Most and Affinity
}

// Add folds one event in: its time, the day that this is in, its message id and
// the value of the property, where the trait takes one. It reports whether the
// value was of a kind that the trait can take; what is not is left out.
func (f *Fold) Add(c ComputedTrait, at time.Time, day int, by string, value json.RawMessage) bool {
	switch c.Op {
	case Unique, Most, Affinity:
		values := distinct(value)
		if c.Op == Unique {
			f.seen.add(c, day, values)
		} else {
			f.values.add(c, day, values)
		}
		return len(values) > 0
	case First, Last:
		f.take(c.Op, at, by, value)
	case Recency:
		f.At = latest(f.At, at)
	default:
		return f.addNumber(c, day, value)
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

// merge adds what the trait's fold on another node holds.
func (f *Fold) merge(c ComputedTrait, o *Fold) {
	f.mergeNumbers(c.Op, o)
	for bucket, part := range o.Days {
		f.day(bucket).mergeNumbers(c.Op, part)
	}
	f.forgetDays(c)
	f.seen.merge(c, o.seen)
	f.values.merge(c, o.values)
	if o.Value != nil {
		f.take(c.Op, o.At, o.By, o.Value)
	}
	if c.Op == Recency {
		f.At = latest(f.At, o.At)
	}
}

// result is the trait's value on a day as JSON, nil when no event gave one.
func (f *Fold) result(c ComputedTrait, days *Calendar, today int) json.RawMessage {
	switch c.Op {
	case First, Last:
		return f.Value
	case Unique:
		return f.seen.count(c, today)
	case Most:
		return f.values.most(c, today)
	case Affinity:
		return f.values.weigh(c, today)
	case Recency:
		if f.At.IsZero() {
			return nil
		}
		return integer(int64(max(today-days.Day(f.At), 0)))
	default:
		return f.numbers(c, today)
	}
}

// changes returns the first day after today on which the value may be another
// although nothing happens; ok is false when there is none.
func (f *Fold) changes(c ComputedTrait, today int) (day int, ok bool) {
	if c.Op == Recency {
		return today + 1, !f.At.IsZero()
	}
	oldest, found := 0, false
	for _, bucket := range f.buckets() {
		if c.counts(bucket, today) && (!found || bucket < oldest) {
			oldest, found = bucket, true
		}
	}
	if c.Op == Affinity {
		return c.bucket(today) + c.unit(), found
	}
	return oldest + c.reach(), found && c.Window > 0
}

// buckets lists the buckets that hold something, some of them twice.
func (f *Fold) buckets() []int {
	var out []int
	for bucket := range f.Days {
		out = append(out, bucket)
	}
	for _, one := range f.seen {
		out = append(out, one.bucket)
	}
	for _, buckets := range f.values {
		for bucket := range buckets {
			out = append(out, bucket)
		}
	}
	return out
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
