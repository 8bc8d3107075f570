package person

import "encoding/json"

// numeric folds are kept as Count and Sum; in Days by bucket when the trait has
// a window.

// day returns what a windowed trait keeps of the bucket, new when there is none.
func (f *Fold) day(bucket int) *Fold {
	if f.Days == nil {
		f.Days = map[int]*Fold{}
	}
	if f.Days[bucket] == nil {
		f.Days[bucket] = &Fold{}
	}
	return f.Days[bucket]
}

// within returns what the trait makes of the buckets that count today.
func (f *Fold) within(c ComputedTrait, today int) *Fold {
	if c.Window == 0 {
		return f
	}
	whole := &Fold{}
	for bucket, part := range f.Days {
		if c.counts(bucket, today) {
			whole.mergeNumbers(c.Op, part)
		}
	}
	return whole
}

// forgetDays drops the buckets that cannot count any more. Which ones depends
// only on the newest, so that late events meet the same fate in any order.
func (f *Fold) forgetDays(c ComputedTrait) {
	latest := 0
	for bucket := range f.Days {
		latest = max(latest, bucket)
	}
	for bucket := range f.Days {
		if !c.kept(bucket, latest) {
			delete(f.Days, bucket)
		}
	}
}

// mergeNumbers adds what another fold counted.
func (f *Fold) mergeNumbers(op Op, o *Fold) {
	switch {
	case o.Count == 0:
		return
	case op == Sum || op == Average:
		f.plus(&o.Sum)
	case op == Count:
	case f.Count == 0 || (o.Sum.Cmp(&f.Sum) < 0) == (op == Min):
		f.Sum.Set(&o.Sum)
	}
	f.Count += o.Count
}

// addNumber folds one number in.
func (f *Fold) addNumber(c ComputedTrait, day int, value json.RawMessage) bool {
	one := &Fold{Count: 1}
	if c.Op != Count {
		n, ok := number(value)
		if !ok {
			return false
		}
		one.Sum.Set(n)
	}
	if c.Window == 0 {
		f.mergeNumbers(c.Op, one)
		return true
	}
	f.day(c.bucket(day)).mergeNumbers(c.Op, one)
	f.forgetDays(c)
	return true
}

// numbers returns the value of a numeric trait.
func (f *Fold) numbers(c ComputedTrait, today int) json.RawMessage {
	whole := f.within(c, today)
	switch {
	case c.Op == Count:
		return integer(whole.Count)
	case c.Op == Sum:
		return json.RawMessage(whole.Sum.String())
	case whole.Count == 0:
		return nil
	case c.Op == Average:
		return json.RawMessage(quotient(whole.Sum.String(), whole.Count))
	default:
		return json.RawMessage(whole.Sum.String())
	}
}
