package embedded_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

func TestAnAddMayNotGrowAnItemBeyondTheLimit(t *testing.T) {
	db := open(t, atNoon)
	key := table.Key{Partition: "p", Sort: "full"}
	full := table.Put(key, nil, time.Time{}, table.Absent())
	full.Body = make([]byte, table.MaxItemBytes-full.Bytes()-12)
	if err := db.Commit(t.Context(), "1", full); err != nil {
		t.Fatal(err)
	}
	beside := table.Put(table.Key{Partition: "p", Sort: "beside"}, nil, time.Time{}, table.Absent())
	for name, fits := range map[string]bool{"1234": false, "123": true} { // 9 bytes and the name
		add := table.Add(key, map[string]int64{name: 1}, time.Time{}, table.VersionIs(1))
		err := db.Commit(t.Context(), "add "+name, beside, add)
		if fits && err != nil {
			t.Errorf("12 bytes more: %v", err)
		} else if !fits {
			wantFault(t, err, fault.TooLarge, "item_too_large")
			if items, err := db.Get(t.Context(), key, beside.Key); err != nil || items[0].Counters[name] != 0 {
				t.Errorf("stored all the same: %v", err)
			}
		}
		beside.Key.Sort += "x"
	}
}

func TestCountersStayIn64Bits(t *testing.T) {
	db := open(t, atNoon)
	key := table.Key{Partition: "p", Sort: "s"}
	steps := []struct {
		add, want int64
		fits      bool
	}{
		{math.MaxInt64, math.MaxInt64, true},
		{1, math.MaxInt64, false},
		{0, math.MaxInt64, true},
		{math.MinInt64, -1, true},
		{math.MinInt64, -1, false},
		{math.MinInt64 + 1, math.MinInt64, true},
		{-1, math.MinInt64, false},
	}
	for i, step := range steps {
		err := db.Commit(t.Context(), fmt.Sprint(i), table.Add(key, map[string]int64{"n": step.add}, time.Time{}, table.Condition{}))
		if step.fits && err != nil {
			t.Errorf("step %d: %v", i, err)
		} else if !step.fits {
			wantFault(t, err, fault.Invalid, "counter_overflow")
		}
		if items, err := db.Get(t.Context(), key); err != nil || items[0].Counters["n"] != step.want {
			t.Errorf("step %d: %+v, %v", i, items[0], err)
		}
	}
}

func TestScanRefusesACursorThatIsNone(t *testing.T) {
	_, err := open(t, atNoon).Scan(t.Context(), table.Segment{After: "not a cursor!"})
	wantFault(t, err, fault.Invalid, "bad_cursor")
}

// A cursor only moves the bound that it is about, wherever it points.
func TestACursorBeyondTheRangeDoesNotWidenIt(t *testing.T) {
	db := open(t, atNoon)
	for _, sort := range []string{"a", "b", "c", "d", "e"} {
		w := table.Put(table.Key{Partition: "p", Sort: sort}, nil, time.Time{}, table.Absent())
		if err := db.Commit(t.Context(), sort, w); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []table.Range{
		{From: "c", To: "c", After: "a"},
		{From: "c", To: "c", After: "e", Descending: true},
	} {
		page, err := db.Query(t.Context(), "p", r)
		if err != nil || len(page.Items) != 1 || page.Items[0].Key.Sort != "c" {
			t.Errorf("%+v: %v, %v", r, page, err)
		}
	}
	for _, r := range []table.Range{
		{From: "b", To: "d", After: "e"},
		{From: "b", To: "d", After: "a", Descending: true},
	} {
		if page, err := db.Query(t.Context(), "p", r); err != nil || len(page.Items) != 0 || page.Next != "" {
			t.Errorf("%+v: %v, %v", r, page, err)
		}
	}
}
