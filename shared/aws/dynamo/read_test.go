package dynamo_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// A batch that comes back in parts is read to its end. Only when nothing of it
// came back is there a wait.
func TestUnprocessedKeys(t *testing.T) {
	third := table.Key{Partition: "p", Sort: "u"}
	answer := func(items, left string) reply {
		return ok(`{"Responses":{"rapport":[` + items + `]},"UnprocessedKeys":{` + left + `},"ConsumedCapacity":[{"TableName":"rapport","CapacityUnits":1}]}`)
	}
	left := func(sorts ...string) string {
		var keys []string
		for _, sort := range sorts {
			keys = append(keys, `{"pk":{"S":"p"},"sk":{"S":"`+sort+`"}}`)
		}
		return `"rapport":{"ConsistentRead":true,"Keys":[` + strings.Join(keys, ",") + `]}`
	}
	s := &script{replies: []reply{
		answer(item(other, 2, "you", ""), left("s", "u")),
		answer("", left("s", "u")),
		answer(item(third, 3, "you", ""), left("s")),
		answer(item(key, 1, "you", ""), ""),
	}}
	var usage table.Usage
	items, err := s.table().Get(table.WithMeter(t.Context(), func(u table.Usage) { usage = u }), key, other, key, third)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{1, 2, 1, 3} {
		if items[i] == nil || items[i].Version != want {
			t.Errorf("item %d is %+v, want version %d", i, items[i], want)
		}
	}
	if !slices.Equal(s.waits, []time.Duration{25 * time.Millisecond}) || len(s.calls) != 4 {
		t.Errorf("%d calls with waits %v, want 4 with one wait", len(s.calls), s.waits)
	}
	if n := strings.Count(s.bodies[0], `"sk"`); n != 3 {
		t.Errorf("%d keys are asked for, want 3: %s", n, s.bodies[0])
	}
	if want := (table.Usage{Call: "Get", Items: 4, Reads: 4}); usage != want {
		t.Errorf("usage %+v, want %+v", usage, want)
	}
}

// Pages without items, and with expired ones only, do not end a query.
func TestEmptyPages(t *testing.T) {
	page := func(items, last string) reply {
		if last != "" {
			last = `,"LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"` + last + `"}}`
		}
		return ok(`{"Items":[` + items + `]` + last + `}`)
	}
	s := &script{replies: []reply{
		page("", "a"),
		page(item(key, 1, "you", expires(noon)), "s"),
		page(item(other, 2, "you", expires(later)), "t"),
		page("", ""),
	}}
	var got []string
	for item, err := range table.All(t.Context(), s.table(), "p", table.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item.Key.Sort)
	}
	if !slices.Equal(got, []string{"t"}) {
		t.Errorf("items %q, want t only", got)
	}
	var starts []string
	for _, body := range s.bodies {
		starts = append(starts, startOf(t, body))
	}
	if diff := cmp.Diff([]string{"", "a", "s", "t"}, starts); diff != "" {
		t.Errorf("pages start after (-want +got):\n%s", diff)
	}
}

// A range in which nothing can lie costs no request, and a page starts after
// the one before only inside of the range: DynamoDB calls anything else an error.
func TestWhereAQueryStarts(t *testing.T) {
	cases := []struct {
		name  string
		r     table.Range
		start string // "-" is no request
	}{
		{"first page", table.Range{From: "b", To: "d"}, ""},
		{"inside", table.Range{From: "b", To: "d", After: "c"}, "c"},
		{"at the first", table.Range{From: "b", To: "d", After: "b"}, "b"},
		{"at the last", table.Range{From: "b", To: "d", After: "d"}, "-"},
		{"beyond", table.Range{From: "b", To: "d", After: "e"}, "-"},
		{"before", table.Range{From: "b", To: "d", After: "a"}, ""},
		{"open", table.Range{After: "c"}, "c"},
		{"nothing between", table.Range{From: "d", To: "b"}, "-"},
		{"nothing between, before it", table.Range{From: "d", To: "b", After: "a"}, "-"},
		{"one only", table.Range{From: "b", To: "b"}, ""},
		{"down, inside", table.Range{From: "b", To: "d", After: "c", Descending: true}, "c"},
		{"down, at the first", table.Range{From: "b", To: "d", After: "d", Descending: true}, "d"},
		{"down, at the last", table.Range{From: "b", To: "d", After: "b", Descending: true}, "-"},
		{"down, beyond", table.Range{From: "b", To: "d", After: "a", Descending: true}, "-"},
		{"down, before", table.Range{From: "b", To: "d", After: "e", Descending: true}, ""},
		{"down, open", table.Range{After: "c", Descending: true}, "c"},
		{"down, nothing between", table.Range{From: "d", To: "b", Descending: true}, "-"},
		{"down, nothing between, before it", table.Range{From: "d", To: "b", After: "e", Descending: true}, "-"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &script{replies: []reply{ok(`{"Items":[]}`)}}
			page, err := s.table().Query(t.Context(), "p", c.r)
			if err != nil || page.Next != "" || len(page.Items) > 0 {
				t.Fatalf("page %+v: %v", page, err)
			}
			start := "-"
			if len(s.bodies) == 1 {
				start = startOf(t, s.bodies[0])
			}
			if start != c.start {
				t.Errorf("the query starts after %q, want %q", start, c.start)
			}
		})
	}
}

// startOf is the sort key after which a query starts, or "".
func startOf(t *testing.T, body string) string {
	t.Helper()
	var in struct {
		ExclusiveStartKey struct{ Sk struct{ S string } }
	}
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	return in.ExclusiveStartKey.Sk.S
}

func TestCursorsThatNobodyGave(t *testing.T) {
	raw := base64.RawURLEncoding.EncodeToString
	for name, cursor := range map[string]string{
		"no base64": "?", "no length": raw([]byte{0x80}), "too long": raw([]byte{9, 'p', 's'}), "no sort key": raw([]byte{1, 'p'}),
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{replies: []reply{done}}
			_, err := s.table().Scan(t.Context(), table.Segment{After: cursor})
			wantFault(t, err, fault.Invalid, "bad_cursor")
		})
	}
}
