package dynamo_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/infra/engines"
	"rapport/shared/fault"
	"rapport/shared/table"
)

// many returns that many counters, each of which is 1.
func many(n int) map[string]int64 {
	out := make(map[string]int64, n)
	for i := range n {
		out[fmt.Sprintf("counter-%03d", i)] = 1
	}
	return out
}

// Adds to more counters than one update of DynamoDB takes.
func TestWideAdds(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		now := noon.AddDate(24, 0, 0)
		db := e.open(t, func() time.Time { return now }, asItIs)
		commit := func(owner string, writes ...table.Write) error { return db.Commit(t.Context(), owner, writes...) }
		wide := table.Add(key, many(table.MaxCounterNames), now.Add(time.Minute), table.Condition{})
		holds := func(version, counter int64, body string, expires time.Time) {
			t.Helper()
			items, err := db.Get(t.Context(), key)
			if err != nil || items[0] == nil {
				t.Fatalf("item %+v: %v", items, err)
			}
			item := items[0]
			if item.Version != version || string(item.Body) != body || !item.Expires.Equal(expires) || len(item.Counters) < table.MaxCounterNames || item.Counters["counter-399"] != counter {
				t.Errorf("item has version %d, body %q, expiry %v, %d counters at %d; want version %d, body %q, expiry %v, counters at %d",
					item.Version, item.Body, item.Expires, len(item.Counters), item.Counters["counter-399"], version, body, expires, counter)
			}
		}
		steps := []struct {
			owner string
			write table.Write
		}{{"1", wide}, {"1", wide}, {"2", wide}, {"2", wide}}
		for _, s := range steps {
			if err := commit(s.owner, s.write); err != nil {
				t.Fatal(err)
			}
		}
		holds(2, 2, "", wide.Expires)

		// As one of several, and over what has expired.
		if err := commit("3", wide, table.Put(other, nil, time.Time{}, table.Absent())); err != nil {
			t.Fatal(err)
		}
		holds(3, 3, "", wide.Expires)
		now = now.Add(time.Minute)
		wide.Expires = time.Time{}
		if err := commit("4", wide); err != nil {
			t.Fatal(err)
		}
		holds(1, 1, "", time.Time{})

		// The body stays, and conditions hold.
		put := table.Put(key, []byte("body"), now.Add(time.Hour), table.VersionIs(1))
		put.Counters = map[string]int64{"more": 7}
		if err := commit("5", put); err != nil {
			t.Fatal(err)
		}
		wide.If = table.Condition{Version: 2, Counter: "more", Below: 8}
		if err := commit("6", wide); err != nil {
			t.Fatal(err)
		}
		holds(3, 1, "body", put.Expires)
		for _, refused := range []table.Condition{table.VersionIs(2), table.Absent(), table.CounterBelow("more", 7)} {
			wide.If = refused
			if err := commit("7", wide); table.AsConflict(err) == nil {
				t.Errorf("under %+v: %v, want a conflict", refused, err)
			}
		}
		nothing := wide
		nothing.Key, nothing.If = table.Key{Partition: "p", Sort: "nothing"}, table.VersionIs(1)
		if c := table.AsConflict(commit("8", nothing)); c == nil || c.Reasons[0] != table.Missing {
			t.Errorf("version 1 of nothing: %v", c)
		}
		holds(3, 1, "body", put.Expires)
	})
}

// Many add at once to more counters than one update takes, and nothing is lost.
func TestWideAddsAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t, func() time.Time { return noon }, asItIs)
		const adders = 4
		var all sync.WaitGroup
		for i := range adders {
			all.Go(func() {
				if err := db.Commit(t.Context(), fmt.Sprint("owner-", i), table.Add(key, many(60), time.Time{}, table.Condition{})); err != nil {
					t.Errorf("adder %d: %v", i, err)
				}
			})
		}
		all.Wait()
		items, err := db.Get(t.Context(), key)
		if err != nil || items[0] == nil || items[0].Version != adders || items[0].Counters["counter-059"] != adders {
			t.Errorf("item %+v: %v", items[0], err)
		}
	})
}

// A sum takes the place of that state of the item only which it was made from:
// another owner's of the same version is another item.
func TestSumNamesWhatItWasMadeFrom(t *testing.T) {
	s := &script{replies: []reply{unheld(item(key, 4, "you", "")), done}}
	if err := s.table().Commit(t.Context(), "me", table.Add(key, many(60), time.Time{}, table.Condition{})); err != nil {
		t.Fatal(err)
	}
	var in struct {
		ConditionExpression       string
		ExpressionAttributeNames  map[string]string
		ExpressionAttributeValues map[string]map[string]string
	}
	if err := json.Unmarshal([]byte(s.bodies[1]), &in); err != nil {
		t.Fatal(err)
	}
	condition := in.ConditionExpression
	for placeholder, name := range in.ExpressionAttributeNames {
		condition = strings.ReplaceAll(condition, placeholder, name)
	}
	for placeholder, value := range in.ExpressionAttributeValues {
		condition = strings.ReplaceAll(condition, placeholder, value["S"]+value["N"])
	}
	if want := fmt.Sprintf("v = 4 AND o = you AND (attribute_not_exists(expires) OR expires > %d)", noon.Unix()); condition != want {
		t.Errorf("the condition is %q, want %q", condition, want)
	}
}

// An add never leaves what a counter or an item can hold.
func TestAddsOverTheLimits(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t, func() time.Time { return noon }, asItIs)
		for i, c := range []struct{ start, add int64 }{{math.MaxInt64 - 1, 2}, {math.MinInt64 + 1, -2}, {1, math.MaxInt64}, {-1, math.MinInt64}} {
			k := table.Key{Partition: "p", Sort: fmt.Sprint(i)}
			add := func(owner string, n int64) error {
				return db.Commit(t.Context(), owner, table.Add(k, map[string]int64{"n": n}, time.Time{}, table.Condition{}))
			}
			if err := add("first", c.start); err != nil {
				t.Fatal(err)
			}
			wantFault(t, add("second", c.add), fault.Invalid, "counter_overflow")
			items, err := db.Get(t.Context(), k)
			if err != nil || items[0] == nil || items[0].Counters["n"] != c.start || items[0].Version != 1 {
				t.Errorf("%d + %d leaves %+v: %v", c.start, c.add, items[0], err)
			}
		}

		full := table.Put(key, nil, time.Time{}, table.Absent())
		full.Body = make([]byte, table.MaxItemBytes-full.Bytes())
		if err := db.Commit(t.Context(), "put", full); err != nil {
			t.Fatal(err)
		}
		wantFault(t, db.Commit(t.Context(), "add", table.Add(key, many(table.MaxCounterNames), time.Time{}, table.Condition{})), fault.TooLarge, "item_too_large")
	})
}

// The names that the table stores under are those that template.yaml declares.
func TestNamesAreThoseOfTheTemplate(t *testing.T) {
	schema, err := engines.ReadSchema(root)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{replies: []reply{done}}
	w := table.Put(key, []byte("b"), later, table.Absent())
	w.Counters = one
	if err := s.table().Commit(t.Context(), "me", w); err != nil {
		t.Fatal(err)
	}
	in := decoded([]byte(s.bodies[0])).(map[string]any)["Item"].(map[string]any)
	want := map[string]any{
		"pk": map[string]any{"S": "p"}, "sk": map[string]any{"S": "s"}, "v": map[string]any{"N": "1"}, "o": map[string]any{"S": "me"},
		"expires": map[string]any{"N": fmt.Sprint(later.Unix())}, "b": map[string]any{"B": "Yg=="}, "c_n": map[string]any{"N": "1"},
	}
	if fmt.Sprint(in) != fmt.Sprint(want) {
		t.Errorf("item is stored as %v, want %v", in, want)
	}
	if len(schema.Keys) != 2 || schema.Keys[0]["AttributeName"] != "pk" || schema.Keys[1]["AttributeName"] != "sk" {
		t.Errorf("the template's keys are %v, want pk and sk", schema.Keys)
	}
	if schema.Expiry.Attribute != "expires" || !schema.Expiry.Enabled {
		t.Errorf("the template sweeps by %+v, want expires", schema.Expiry)
	}
}
