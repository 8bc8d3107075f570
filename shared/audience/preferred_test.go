package audience_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/shared/audience"
	"rapport/shared/fault"
	"rapport/shared/person"
)

// theme is a field that may stand everywhere; owls and vip are audiences.
var theme = audience.Field{
	Name: "theme", Explicit: "theme", Declared: "theme", Observed: "last_theme",
	Inferred: []audience.Inference{{Audience: "vip", Value: json.RawMessage(`"gold"`)}, {Audience: "owls", Value: json.RawMessage(`"dark"`)}},
	Default:  json.RawMessage(`"light"`),
}

var tea = audience.Field{Name: "tea", Affinity: "likes", Default: json.RawMessage(`"green"`)}

// fielded compiles rules after those of the audiences owls and vip.
func fielded(t testing.TB, fields []audience.Field, rules ...audience.Program) *audience.Set {
	t.Helper()
	rules = append([]audience.Program{
		op(audience.OpEqual, get("traits", "awake"), word("late")),
		op(audience.OpLess, op(audience.OpSubtract, get("now"), get("firstSeen")), audience.Program{Op: audience.OpConst, Type: audience.TypeSpan, Text: "1h"}),
	}, rules...)
	s, err := audience.Compile(rules, audience.Names{Audiences: []string{"owls", "vip"}, Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func chosen(value string) map[string]person.Trait {
	return map[string]person.Trait{"theme": {Value: json.RawMessage(value), At: noon, By: "write key"}}
}

// written lists the winner and then the losers of the first field.
func written(s *audience.Set, v *person.View) string {
	var f audience.Facts
	s.Fill(&f, v, nil, noon)
	r := s.Resolve(&f, v, true)[0]
	out := []string{r.Name}
	for _, c := range append([]audience.Candidate{r.Candidate}, r.Others...) {
		one := fmt.Sprintf("%s %s %s", c.Source, c.Of, c.Value)
		if c.Misfit {
			one += " misfit"
		}
		out = append(out, one)
	}
	return strings.Join(out, " | ")
}

// Each source beats all that come after it; what has another type never counts.
func TestPrecedence(t *testing.T) {
	s := fielded(t, []audience.Field{theme})
	v := &person.View{
		Explicit: chosen(`"explicit"`), FirstSeen: noon,
		Traits:   map[string]person.Trait{"theme": {Value: json.RawMessage(`"declared"`), At: noon, By: "m1"}, "awake": {Value: json.RawMessage(`"late"`)}},
		Computed: map[string]json.RawMessage{"last_theme": json.RawMessage(`"observed"`)},
	}
	const (
		byChoice  = `explicit theme "explicit"`
		byTrait   = `declared traits.theme "declared"`
		byDoing   = `observed computed.last_theme "observed"`
		byVIP     = `inferred audiences.vip "gold"`
		byOwls    = `inferred audiences.owls "dark"`
		byDefault = `default  "light"`
	)
	expect := func(parts ...string) {
		t.Helper()
		if got, want := written(s, v), strings.Join(append([]string{"theme"}, parts...), " | "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	expect(byChoice, byTrait, byDoing, byVIP, byOwls, byDefault)
	v.Explicit = chosen(`7`)
	expect(byTrait, "explicit theme 7 misfit", byDoing, byVIP, byOwls, byDefault)
	v.Explicit = nil
	expect(byTrait, byDoing, byVIP, byOwls, byDefault)
	delete(v.Traits, "theme")
	expect(byDoing, byVIP, byOwls, byDefault)
	delete(v.Computed, "last_theme")
	expect(byVIP, byOwls, byDefault)
	v.FirstSeen = noon.Add(-time.Hour)
	expect(byOwls, byDefault)
	delete(v.Traits, "awake")
	expect(byDefault)
}

// Whoever does not ask for the others is spared them, and the moment of a choice
// is kept.
func TestResolvedKeepsWhenAndBy(t *testing.T) {
	s := fielded(t, []audience.Field{theme})
	v := &person.View{Explicit: chosen(`"dark"`)}
	var f audience.Facts
	s.Fill(&f, v, nil, noon)
	got := s.Resolve(&f, v, false)
	if len(got) != 1 || got[0].Others != nil || !got[0].At.Equal(noon) || got[0].By != "write key" {
		t.Errorf("got %+v", got)
	}
	if other := fielded(t, []audience.Field{theme}).Resolve(&f, v, false); other != nil {
		t.Errorf("facts of another set give %+v", other)
	}
}

// The heaviest value of an affinity, of equals the first, is what is inferred.
func TestAffinityInfers(t *testing.T) {
	s := fielded(t, []audience.Field{tea})
	for likes, want := range map[string]string{
		`{"black":1,"herbal":2.5,"white":2}`: `inferred computed.likes "herbal" | default  "green"`,
		`{"white":2,"black":2}`:              `inferred computed.likes "black" | default  "green"`,
		`{"a\"b":0.5}`:                       `inferred computed.likes "a\"b" | default  "green"`,
		`{}`:                                 `default  "green"`,
		`"black"`:                            `default  "green"`,
		`["black"]`:                          `default  "green"`,
	} {
		v := &person.View{Computed: map[string]json.RawMessage{"likes": json.RawMessage(likes)}}
		if got := written(s, v); got != "tea | "+want {
			t.Errorf("%s gives %s", likes, got)
		}
	}
	if got := written(s, &person.View{}); got != `tea | default  "green"` {
		t.Errorf("nobody gives %s", got)
	}
}

// A rule reads a field as it is, says why, names all that it depends on and knows
// when time alone changes what is inferred.
func TestRulesReadFields(t *testing.T) {
	s := fielded(t, []audience.Field{tea, theme}, op(audience.OpEqual, get("preferred", "theme"), word("gold")))
	v := &person.View{FirstSeen: noon.Add(-59 * time.Minute)}
	var f audience.Facts
	check := func(want bool, why string) {
		t.Helper()
		s.Fill(&f, v, nil, noon)
		if got, err := s.Match(2, &f); got != want || err != nil {
			t.Errorf("%v, %v", got, err)
		}
		if got := s.Why(2, &f); got != why {
			t.Errorf("got  %s\nwant %s", got, why)
		}
	}
	check(true, `preferred.theme == "gold" is true (preferred.theme = "gold", inferred)`)
	if got := s.NextFlip(2, &f); !got.Equal(noon.Add(time.Minute)) {
		t.Errorf("it changes at %s", got)
	}
	v.Explicit = chosen(`"dark"`)
	check(false, `preferred.theme == "gold" is false (preferred.theme = "dark", explicit)`)
	if got := s.NextFlip(2, &f); !got.IsZero() {
		t.Errorf("what was chosen changes at %s", got)
	}
	const want = "[computed.last_theme explicit.theme firstSeen now traits.awake traits.theme]"
	if got := list(s.Uses(2)); got != want {
		t.Errorf("uses %s, want %s", got, want)
	}
}

func TestFieldsAreRefused(t *testing.T) {
	odd := func(change func(*audience.Field)) []audience.Field {
		f := theme
		change(&f)
		return []audience.Field{f}
	}
	for name, c := range map[string]struct {
		fields []audience.Field
		rule   audience.Program
	}{
		"in order":           {odd(func(f *audience.Field) { f.Inferred = f.Inferred[:1] }), op(audience.OpEqual, get("preferred", "theme"), word("x"))},
		"unknown field":      {[]audience.Field{theme}, get("preferred", "tea")},
		"no field":           {[]audience.Field{theme}, get("preferred")},
		"inside of one":      {[]audience.Field{theme}, get("preferred", "theme", "x")},
		"has":                {[]audience.Field{theme}, audience.Program{Op: audience.OpHas, Path: []string{"preferred", "theme"}}},
		"what stands for it": {[]audience.Field{theme}, get("explicit", "theme")},
		"unknown audience": {odd(func(f *audience.Field) {
			f.Inferred = []audience.Inference{{Audience: "none", Value: json.RawMessage(`1`)}}
		}), get("known")},
		"no value":             {odd(func(f *audience.Field) { f.Inferred = []audience.Inference{{Audience: "self"}} }), get("known")},
		"no default":           {odd(func(f *audience.Field) { f.Default = nil }), get("known")},
		"a default of nothing": {odd(func(f *audience.Field) { f.Default = json.RawMessage(`null`) }), get("known")},
		"an object by default": {odd(func(f *audience.Field) { f.Default = json.RawMessage(`{}`) }), get("known")},
		"a circle": {
			odd(func(f *audience.Field) {
				f.Inferred = []audience.Inference{{Audience: "self", Value: json.RawMessage(`"x"`)}}
			}),
			op(audience.OpEqual, get("preferred", "theme"), word("x")),
		},
	} {
		_, err := audience.Compile([]audience.Program{c.rule, get("known"), get("known")}, audience.Names{Audiences: []string{"self", "owls", "vip"}, Fields: c.fields})
		want := "rule_malformed"
		switch name {
		case "a circle":
			want = "rule_cycle"
		case "in order":
			want = ""
		}
		var f *fault.Error
		if errors.As(err, &f); f == nil && want != "" || f != nil && (f.Code != want || f.Field == "") {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// Reading fields costs a decision no memory.
func TestFieldsAllocateNothing(t *testing.T) {
	s := fielded(t, []audience.Field{tea, theme}, op(audience.OpEqual, get("preferred", "theme"), get("preferred", "tea")))
	v := &person.View{FirstSeen: noon, Computed: map[string]json.RawMessage{"likes": json.RawMessage(`{"gold":2,"black":1}`)}}
	var f audience.Facts
	allocated := testing.AllocsPerRun(100, func() {
		s.Fill(&f, v, nil, noon)
		if got, err := s.Match(2, &f); !got || err != nil {
			t.Fatal(got, err)
		}
	})
	if allocated > 0 {
		t.Errorf("%v allocations", allocated)
	}
}
