package table_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

var key = table.Key{Partition: "p", Sort: "s"}

func counters(n, nameBytes int) map[string]int64 {
	out := map[string]int64{}
	for i := range n {
		out[fmt.Sprintf("%0*d", nameBytes, i)] = 1
	}
	return out
}

func puts(n, bytes int) []table.Write {
	out := make([]table.Write, n)
	for i := range out {
		out[i] = table.Put(table.Key{Partition: "p", Sort: fmt.Sprintf("%04d", i)}, nil, time.Time{}, table.Absent())
		out[i].Body = make([]byte, bytes-out[i].Bytes())
	}
	return out
}

// wantFault expects a fault, or none when code is "".
func wantFault(t *testing.T, err error, kind fault.Kind, code, field string) {
	t.Helper()
	var f *fault.Error
	errors.As(err, &f)
	switch {
	case code == "" && err != nil:
		t.Errorf("error is %v, want none", err)
	case code != "" && (f == nil || f.Kind != kind || f.Code != code || f.Field != field):
		t.Errorf("error is %#v, want %v %s in %q", err, kind, code, field)
	}
}

func TestValidateOwnerAndNumber(t *testing.T) {
	good := puts(1, 100)
	wantFault(t, table.Validate(strings.Repeat("o", table.MaxOwnerBytes), good), 0, "", "")
	for _, owner := range []string{"", strings.Repeat("o", table.MaxOwnerBytes+1), "\xFF"} {
		wantFault(t, table.Validate(owner, good), fault.Invalid, "bad_owner", "")
	}
	wantFault(t, table.Validate("o", nil), fault.Invalid, "empty_commit", "")
	wantFault(t, table.Validate("o", puts(table.MaxCommitWrites, 100)), 0, "", "")
	wantFault(t, table.Validate("o", puts(table.MaxCommitWrites+1, 100)), fault.TooLarge, "commit_too_large", "")
	wantFault(t, table.Validate("o", append(puts(3, 100), puts(2, 100)[1])), fault.Invalid, "item_named_twice", "writes[3]")
}

func TestValidateSizes(t *testing.T) {
	wantFault(t, table.Validate("o", puts(1, table.MaxItemBytes)), 0, "", "")
	wantFault(t, table.Validate("o", append(puts(1, 100), puts(2, table.MaxItemBytes+1)[1])), fault.TooLarge, "item_too_large", "writes[1]")

	wantFault(t, table.Validate("o", puts(64, table.MaxCommitBytes/64)), 0, "", "")
	over := puts(64, table.MaxCommitBytes/64)
	over[0].Body = append(over[0].Body, 0)
	err := table.Validate("o", over)
	wantFault(t, err, fault.TooLarge, "commit_too_large", "")
	for _, figure := range []string{"4194305", "4194304"} {
		if !strings.Contains(err.Error(), figure) {
			t.Errorf("%q does not name %s", err, figure)
		}
	}
}

func TestValidateWrite(t *testing.T) {
	put := func(change func(*table.Write)) table.Write {
		w := table.Put(key, []byte("b"), time.Time{}, table.Absent())
		change(&w)
		return w
	}
	at := func(partition, sort int) table.Write {
		return table.Delete(table.Key{Partition: strings.Repeat("p", partition), Sort: strings.Repeat("s", sort)}, table.Condition{})
	}
	one := counters(1, 1)
	cases := []struct {
		name  string
		write table.Write
		code  string // Invalid; "" is valid
	}{
		{"longest key", at(2*table.MaxKeyPartBytes, table.MaxKeyPartBytes), ""},
		{"no partition", at(0, 1), "bad_key"},
		{"no sort key", at(1, 0), "bad_key"},
		{"long partition", at(2*table.MaxKeyPartBytes+1, 1), "bad_key"},
		{"long sort key", at(1, table.MaxKeyPartBytes+1), "bad_key"},
		{"sort key that is no UTF-8", table.Delete(table.Key{Partition: "p", Sort: "\xFF"}, table.Condition{}), "bad_key"},
		{"partition that is no UTF-8", table.Delete(table.Key{Partition: "\xFF", Sort: "s"}, table.Condition{}), "bad_key"},

		{"put of a version", put(func(w *table.Write) { w.If = table.VersionIs(1) }), ""},
		{"put without condition", put(func(w *table.Write) { w.If = table.Condition{} }), "condition_missing"},
		{"put with a counter condition only", put(func(w *table.Write) { w.If = table.CounterBelow("n", 1) }), "condition_missing"},
		{"absent and a version", put(func(w *table.Write) { w.If.Version = 1 }), "bad_condition"},
		{"negative version", table.Delete(key, table.VersionIs(-1)), "bad_condition"},
		{"limit without counter", table.Check(key, table.Condition{Absent: true, Below: 1}), "bad_condition"},
		{"long counter in a condition", table.Check(key, table.CounterBelow(strings.Repeat("n", table.MaxCounterLength+1), 1)), "bad_counter"},
		{"check without condition", table.Check(key, table.Condition{}), "condition_missing"},
		{"check of version 0", table.Check(key, table.VersionIs(0)), "condition_missing"},

		{"most counters", table.Add(key, counters(table.MaxCounterNames, table.MaxCounterLength), time.Time{}, table.Condition{}), ""},
		{"too many counters", table.Add(key, counters(table.MaxCounterNames+1, 4), time.Time{}, table.Condition{}), "too_many_counters"},
		{"long counter", table.Add(key, counters(1, table.MaxCounterLength+1), time.Time{}, table.Condition{}), "bad_counter"},
		{"counter without name", table.Add(key, map[string]int64{"": 1}, time.Time{}, table.Condition{}), "bad_counter"},
		{"counter that is no UTF-8", put(func(w *table.Write) { w.Counters = map[string]int64{"\xFF": 1} }), "bad_counter"},
		{"add of nothing", table.Add(key, nil, time.Time{}, table.Condition{}), "bad_write"},
		{"add with a body", table.Write{Op: table.OpAdd, Key: key, Counters: one, Body: []byte("b")}, "bad_write"},
		{"check with counters", table.Write{Op: table.OpCheck, Key: key, Counters: one, If: table.Absent()}, "bad_write"},
		{"delete with a body", table.Write{Op: table.OpDelete, Key: key, Body: []byte("b")}, "bad_write"},
		{"unknown write", table.Write{Op: table.OpCheck + 1, Key: key}, "bad_write"},

		{"expires in 1970", put(func(w *table.Write) { w.Expires = time.Unix(1, 0) }), ""},
		{"expires at zero", put(func(w *table.Write) { w.Expires = time.Unix(0, 999) }), "bad_expiry"},
		{"expires before 1970", put(func(w *table.Write) { w.Expires = time.Unix(-1, 0) }), "bad_expiry"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wantFault(t, table.Validate("o", []table.Write{c.write}), fault.Invalid, c.code, "writes[0]")
		})
	}
}

func TestValidateReads(t *testing.T) {
	keys := func(n int) []table.Key {
		out := make([]table.Key, n)
		for i := range out {
			out[i] = key
		}
		return out
	}
	wantFault(t, table.ValidateKeys(keys(table.MaxGetKeys)), 0, "", "")
	wantFault(t, table.ValidateKeys(keys(table.MaxGetKeys+1)), fault.TooLarge, "too_many_keys", "")
	wantFault(t, table.ValidateKeys([]table.Key{key, {Partition: "p"}}), fault.Invalid, "bad_key", "keys[1]")

	longest := strings.Repeat("s", table.MaxKeyPartBytes)
	wantFault(t, table.ValidateRange("p", table.Range{From: longest, To: longest, After: longest, Limit: 1}), 0, "", "")
	wantFault(t, table.ValidateRange("", table.Range{}), fault.Invalid, "bad_key", "")
	for _, r := range []table.Range{{From: longest + "s"}, {To: longest + "s"}, {After: longest + "s"}, {From: "\xFF"}} {
		wantFault(t, table.ValidateRange("p", r), fault.Invalid, "bad_range", "")
	}
	wantFault(t, table.ValidateRange("p", table.Range{Limit: -1}), fault.Invalid, "bad_limit", "")

	for _, s := range []table.Segment{{}, {Of: 1}, {Index: 63, Of: 64, Limit: 1}} {
		wantFault(t, table.ValidateSegment(s), 0, "", "")
	}
	for _, s := range []table.Segment{{Index: 1}, {Index: 2, Of: 2}, {Index: -1, Of: 2}, {Of: -1}, {Of: 65}} {
		wantFault(t, table.ValidateSegment(s), fault.Invalid, "bad_segment", "")
	}
	wantFault(t, table.ValidateSegment(table.Segment{Limit: -1}), fault.Invalid, "bad_limit", "")
}

func TestBytes(t *testing.T) {
	item := table.Item{Key: table.Key{Partition: "part", Sort: "é"}, Body: make([]byte, 100), Counters: map[string]int64{"n": 1, "name": -5}}
	if got, want := item.Bytes(), 64+4+2+100+(1+9)+(4+9); got != want {
		t.Errorf("item has %d bytes, want %d", got, want)
	}
	w := table.Put(item.Key, item.Body, time.Now(), table.Absent())
	w.Counters = item.Counters
	if w.Bytes() != item.Bytes() {
		t.Errorf("the put has %d bytes, its item %d", w.Bytes(), item.Bytes())
	}
}
