package audience_test

import (
	"encoding/json"
	"testing"
	"time"

	"rapport/shared/audience"
	"rapport/shared/person"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func get(path ...string) audience.Program {
	return audience.Program{Op: audience.OpGet, Path: path}
}

func has(path ...string) audience.Program {
	return audience.Program{Op: audience.OpHas, Path: path}
}

func constant(kind, text string) audience.Program {
	return audience.Program{Op: audience.OpConst, Type: kind, Text: text}
}

func number(text string) audience.Program { return constant(audience.TypeInt, text) }

func word(text string) audience.Program { return constant(audience.TypeString, text) }

func op(name string, args ...audience.Program) audience.Program {
	return audience.Program{Op: name, Args: args}
}

// fourTerms is the rule that the benchmarks of rule engines like to use.
var fourTerms = op("&&",
	op("&&", op("in", get("traits", "country"), op("list", word("UA"), word("PL"))), op(">", get("computed", "orders"), number("2"))),
	op("&&", op("<", op("-", get("now"), get("lastSeen")), constant(audience.TypeSpan, "168h")), op("in", word("vip"), get("traits", "segments"))))

func customer() *person.View {
	return &person.View{
		Known: true, FirstSeen: noon.AddDate(0, 0, -10), LastSeen: noon.AddDate(0, 0, -1),
		Traits: map[string]person.Trait{
			"country": {Value: json.RawMessage(`"UA"`)}, "segments": {Value: json.RawMessage(`["new", "vip"]`)},
			"name": {Value: json.RawMessage(`"Олена"`)}, "odd name": {Value: json.RawMessage(`"x"`)},
			"note": {Value: json.RawMessage(`"a\nb"`)},
		},
		Computed: map[string]json.RawMessage{"orders": json.RawMessage("3"), "revenue": json.RawMessage("12.50")},
	}
}

func compile(t testing.TB, times []string, programs ...audience.Program) *audience.Set {
	t.Helper()
	s, err := audience.Compile(programs, audience.Names{Times: times})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMatch(t *testing.T) {
	s := compile(t, nil, fourTerms, has("context", "a"), op("==", get("traits", "note"), word("a\nb")), op("==", get("traits", "none"), number("1")))
	var f audience.Facts
	s.Fill(&f, customer(), json.RawMessage(`{"a":1}`), noon)
	for i, want := range []bool{true, true, true, false} {
		if got, err := s.Match(i, &f); got != want || (err != nil) != (i == 3) {
			t.Errorf("rule %d: %v, %v", i, got, err)
		}
	}
	if _, err := s.Match(3, &f); err == nil || err.Error() != "traits.none: this person has no traits.none; guard it with has() if that is normal" {
		t.Errorf("the error is %v", err)
	}
	s.Fill(&f, &person.View{}, nil, noon)
	for i := range s.Len() {
		if got, _ := s.Match(i, &f); got {
			t.Errorf("rule %d matches nobody", i)
		}
	}
}

func TestFactsOfAnotherSet(t *testing.T) {
	one, two := compile(t, nil, fourTerms), compile(t, nil, fourTerms)
	var f audience.Facts
	if _, err := one.Match(0, &f); err == nil {
		t.Error("facts that were never filled are taken")
	}
	one.Fill(&f, customer(), nil, noon)
	if _, err := two.Match(0, &f); err == nil {
		t.Error("facts of another set are taken")
	}
	two.Fill(&f, customer(), nil, noon)
	if got, err := two.Match(0, &f); !got || err != nil {
		t.Errorf("filled again: %v, %v", got, err)
	}
}

func TestTimesAreTimes(t *testing.T) {
	rule := op("<", get("computed", "at"), get("now"))
	v := &person.View{Computed: map[string]json.RawMessage{"at": json.RawMessage(`"2026-11-24T11:00:00.000Z"`)}}
	var f audience.Facts
	for _, c := range []struct {
		times []string
		want  bool
	}{{[]string{"computed.at"}, true}, {nil, false}} {
		s := compile(t, c.times, rule)
		s.Fill(&f, v, nil, noon)
		if got, err := s.Match(0, &f); got != c.want || (err == nil) != c.want {
			t.Errorf("with times %q: %v, %v", c.times, got, err)
		}
	}
}

func TestUses(t *testing.T) {
	s := compile(t, nil, fourTerms, op("||", has("traits", "odd name"), op("==", get("context", "a", "if"), get("context", "a", "if"))))
	for i, want := range []string{`[computed.orders lastSeen now traits.country traits.segments]`, `[context.a["if"] traits["odd name"]]`} {
		if got := list(s.Uses(i)); got != want {
			t.Errorf("rule %d uses %s, want %s", i, got, want)
		}
	}
}

func TestNextFlip(t *testing.T) {
	week := constant(audience.TypeSpan, "168h")
	since := func(comparison string) audience.Program {
		return op(comparison, op("-", get("now"), get("firstSeen")), week)
	}
	end := noon.AddDate(0, 0, 1)
	cases := []struct {
		name string
		rule audience.Program
		want time.Time
	}{
		{"less", since("<"), end},
		{"at most", since("<="), end.Add(time.Millisecond)},
		{"at least", since(">="), end},
		{"equal", since("=="), end},
		{"at a time", op(">", get("now"), constant(audience.TypeTime, "2026-11-25T12:00:00Z")), end.Add(time.Millisecond)},
		{"at a time of microseconds", op(">=", get("now"), constant(audience.TypeTime, "2026-11-25T12:00:00.0001Z")), end.Add(time.Millisecond)},
		{"turned round", op("<", op("+", get("firstSeen"), week), get("now")), end.Add(time.Millisecond)},
		{"twice as fast", op("<", op("-", get("now"), get("firstSeen")), op("-", op("+", get("firstSeen"), constant(audience.TypeSpan, "336h")), get("now"))), end},
		{"already past", op("<", get("now"), get("firstSeen")), time.Time{}},
		{"without time", get("known"), time.Time{}},
		{"another condition decides", op("&&", has("traits", "none"), since("<")), time.Time{}},
		{"the time does not decide", op("||", since("<"), get("known")), time.Time{}},
		{"missing", op("<", op("-", get("now"), get("lastSeen")), week), time.Time{}},
		{"in eleven years", op(">", get("now"), constant(audience.TypeTime, "2037-11-25T12:00:00Z")), time.Time{}},
		{
			"the second of two", op("&&", op("<", get("now"), constant(audience.TypeTime, "2026-12-24T00:00:00Z")), op("||", op(">", get("now"), constant(audience.TypeTime, "2026-12-01T00:00:00Z")), get("known"))),
			time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC),
		},
	}
	v := customer()
	v.FirstSeen, v.LastSeen = noon.AddDate(0, 0, -6), time.Time{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := compile(t, nil, c.rule)
			var f audience.Facts
			s.Fill(&f, v, nil, noon.Add(400*time.Microsecond))
			if got := s.NextFlip(0, &f); !got.Equal(c.want) {
				t.Errorf("flips at %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhy(t *testing.T) {
	cases := []struct {
		rule audience.Program
		want string
	}{
		{op(">=", get("computed", "orders"), number("4")), `computed.orders >= 4 is false (computed.orders = 3)`},
		{op("||", op(">=", get("computed", "orders"), number("4")), get("known")), `known is true`},
		{op("&&", get("known"), op("!", has("traits", "country"))), `has(traits.country) is true`},
		{op("==", get("traits", "city"), word("Kyiv")), `traits.city == "Kyiv" cannot be decided (traits.city is missing)`},
		{op("<", get("traits", "name"), number("5")), `traits.name < 5 cannot be decided (traits.name = "Олена"): a value has a type that the operation cannot work with; guard it, or convert it with int(), double() or string()`},
		{
			op("?:", get("known"), op("<", get("firstSeen"), get("now")), get("known")),
			`known is true; firstSeen < now is true (firstSeen = 2026-11-14T12:00:00Z, now = 2026-11-24T12:00:00Z)`,
		},
		{fourTerms, `traits.country in ["UA", "PL"] is true (traits.country = "UA"); computed.orders > 2 is true (computed.orders = 3); ` +
			`now - lastSeen < duration("168h") is true (now = 2026-11-24T12:00:00Z, lastSeen = 2026-11-23T12:00:00Z); "vip" in traits.segments is true (traits.segments = a list of 2)`},
		{op("&&", op("&&", fourTerms, get("known")), op("==", get("computed", "revenue"), constant("double", "12.5"))), `; and 2 more`},
	}
	for _, c := range cases {
		s := compile(t, nil, c.rule)
		var f audience.Facts
		s.Fill(&f, customer(), nil, noon)
		if got := s.Why(0, &f); got != c.want && (c.want[0] != ';' || got[max(0, len(got)-len(c.want)):] != c.want) {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestEvaluationAllocatesNothing(t *testing.T) {
	s := compile(t, []string{"computed.at"}, fourTerms, op("==", op("+", get("traits", "country"), word("!")), word("UA!")),
		op("==", get("context", "page", "path"), word("/")), op("<", get("computed", "at"), get("now")))
	v, context := customer(), json.RawMessage(`{"page":{"path":"/","title":"Tea"},"cart":[1,2,{"a":"b"}]}`)
	v.Computed["at"] = json.RawMessage(`"2026-11-24T11:00:00.000Z"`)
	var f audience.Facts
	var missed int
	allocs := testing.AllocsPerRun(100, func() {
		s.Fill(&f, v, context, noon)
		for i := range s.Len() {
			if ok, _ := s.Match(i, &f); !ok {
				missed++
			}
		}
		s.NextFlip(0, &f)
	})
	if allocs > 0 || missed > 0 {
		t.Errorf("%v allocations, %d misses", allocs, missed)
	}
}

func list(items []string) string {
	out := "["
	for i, item := range items {
		if i > 0 {
			out += " "
		}
		out += item
	}
	return out + "]"
}
