package audience_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rapport/shared/audience"
	"rapport/shared/fault"
	"rapport/shared/person"
)

// nested compiles rules that may ask for each other by the ids a, b, c…
func nested(programs ...audience.Program) (*audience.Set, error) {
	var ids []string
	for i := range programs {
		ids = append(ids, string(rune('a'+i)))
	}
	return audience.Compile(programs, audience.Names{Audiences: ids})
}

func asks(id string) audience.Program { return get("audiences", id) }

func TestAudiencesWithinAudiences(t *testing.T) {
	week := op("<", op("-", get("now"), get("lastSeen")), constant(audience.TypeSpan, "168h"))
	s, err := nested(
		op("&&", asks("c"), op("!", asks("b"))),
		op("==", get("traits", "none"), number("1")), // cannot be decided
		week,
		op("||", asks("b"), asks("a")),
		// Intermediate values of the asked rule stay apart from those of the asking one.
		op("==", op("-", get("lastSeen"), get("firstSeen")), op("?:", asks("c"), constant(audience.TypeSpan, "216h"), constant(audience.TypeSpan, "1h"))),
	)
	if err != nil {
		t.Fatal(err)
	}
	var f audience.Facts
	s.Fill(&f, customer(), nil, noon)
	for i, want := range []bool{true, false, true, true, true} {
		if got, _ := s.Match(i, &f); got != want {
			t.Errorf("rule %d: %v, want %v", i, got, want)
		}
	}
	ends := noon.AddDate(0, 0, 6)
	for i, want := range map[int]time.Time{0: ends, 1: {}, 2: ends, 3: ends} {
		if got := s.NextFlip(i, &f); !got.Equal(want) {
			t.Errorf("rule %d flips at %s, want %s", i, got, want)
		}
	}
	if got := list(s.Uses(3)); got != "[lastSeen now traits.none]" {
		t.Errorf("rule 3 uses %s", got)
	}
	const why = `audiences.c is true; now - lastSeen < duration("168h") is true (now = 2026-11-24T12:00:00Z, lastSeen = 2026-11-23T12:00:00Z); ` +
		`audiences.b is false; traits.none == 1 cannot be decided (traits.none is missing)`
	if got := s.Why(0, &f); got != why {
		t.Errorf("why: %s", got)
	}
	if allocs := testing.AllocsPerRun(100, func() {
		s.Fill(&f, customerView, nil, noon)
		for i := range s.Len() {
			_, _ = s.Match(i, &f)
		}
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

var customerView = customer()

func TestAudiencesGoInNoCircle(t *testing.T) {
	wide := asks("a")
	for range 60 {
		wide = op("||", wide, asks("a"))
	}
	deep := get("known")
	for range 100 {
		deep = op("!", deep)
	}
	for name, c := range map[string]struct {
		code     string
		programs []audience.Program
	}{
		"itself":          {"rule_cycle", []audience.Program{op("!", asks("a"))}},
		"each other":      {"rule_cycle", []audience.Program{asks("b"), asks("a")}},
		"by way of three": {"rule_cycle", []audience.Program{get("known"), asks("c"), asks("d"), op("&&", asks("a"), asks("b"))}},
		"nobody":          {"rule_malformed", []audience.Program{asks("z")}},
		"has":             {"rule_malformed", []audience.Program{has("audiences", "a")}},
		"all of them":     {"rule_malformed", []audience.Program{get("audiences")}},
		"something in it": {"rule_malformed", []audience.Program{get("known"), get("audiences", "a", "x")}},
		"too much":        {"rule_too_big", []audience.Program{deep, wide}},
	} {
		_, err := nested(c.programs...)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != c.code || !strings.HasPrefix(f.Field, "rules[") {
			t.Errorf("%s: %#v, want %s", name, err, c.code)
		}
	}
	if _, err := nested(asks("b"), asks("c"), get("known"), op("&&", asks("a"), asks("b"))); err != nil {
		t.Errorf("a row is no circle: %v", err)
	}
}

func TestLifecycleIsText(t *testing.T) {
	s := compile(t, nil, op("in", get("lifecycle"), op("list", word("cooling"), word("lapsed"))))
	var f audience.Facts
	for stage, want := range map[person.Stage]bool{person.Lapsed: true, person.Active: false, "": false} {
		s.Fill(&f, &person.View{Stage: stage}, nil, noon)
		if got, err := s.Match(0, &f); got != want || (err != nil) != (stage == "") {
			t.Errorf("%q: %v, %v", stage, got, err)
		}
	}
}
