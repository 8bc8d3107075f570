package audience_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"rapport/shared/audience"
	"rapport/shared/fault"
	"rapport/shared/person"
)

func TestCompileRefuses(t *testing.T) {
	deep := get("known")
	for range audience.MaxNodes {
		deep = op("!", deep)
	}
	wide := op("list")
	for range audience.MaxNodes {
		wide.Args = append(wide.Args, number("1"))
	}
	cases := []struct {
		name string
		rule audience.Program
		code string
	}{
		{"nothing", audience.Program{}, "rule_malformed"},
		{"unknown operation", op("exists", get("known")), "rule_malformed"},
		{"an argument too few", op("&&", get("known")), "rule_malformed"},
		{"an argument too many", op("!", get("known"), get("known")), "rule_malformed"},
		{"inside an argument", op("!", op("!", op("size"))), "rule_malformed"},
		{"path without variable", get(), "rule_malformed"},
		{"unknown variable", get("person"), "rule_malformed"},
		{"all traits", get("traits"), "rule_malformed"},
		{"inside known", get("known", "x"), "rule_malformed"},
		{"has known", has("known"), "rule_malformed"},
		{"constant without type", constant("", "1"), "rule_malformed"},
		{"no bool", constant(audience.TypeBool, "yes"), "rule_malformed"},
		{"no int", number("1.5"), "rule_malformed"},
		{"no double", constant(audience.TypeDouble, "x"), "rule_malformed"},
		{"no time", constant(audience.TypeTime, "2026-11-24"), "rule_malformed"},
		{"no duration", constant(audience.TypeSpan, "7d"), "rule_malformed"},
		{"too deep", deep, "rule_too_big"},
		{"too wide", op("in", number("1"), wide), "rule_too_big"},
		{"pattern that is no pattern", op("matches", get("traits", "a"), word("(")), "rule_pattern"},
		{"pattern too long", op("matches", get("traits", "a"), word(strings.Repeat("a", audience.MaxPattern+1))), "rule_pattern"},
		{"pattern of a person", op("matches", get("traits", "a"), get("traits", "b")), "rule_pattern"},
		{"now as an int", op("==", op("int", get("now")), number("1")), "rule_time"},
		{"now in a list", op("in", get("now"), op("list")), "rule_time"},
		{"now behind arithmetic", op("==", op("string", op("-", get("now"), get("firstSeen"))), word("1s")), "rule_time"},
		{"now behind a choice", op("==", op("int", op("?:", get("known"), get("now"), get("firstSeen"))), number("1")), "rule_time"},
		{"text of a parsed time", op("==", op("string", op("timestamp", get("traits", "a"))), word("x")), "rule_time"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := audience.Compile([]audience.Program{get("known"), c.rule}, audience.Names{})
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != c.code || f.Field != "rules[1]" {
				t.Errorf("got %#v, want code %s", err, c.code)
			}
		})
	}
}

// Row 99: one term more is refused, see TestCompileRefuses.
func TestLargestRule(t *testing.T) {
	p := get("known")
	for range audience.MaxNodes - 1 {
		p = op("!", p)
	}
	if _, err := audience.Compile([]audience.Program{p}, audience.Names{}); err != nil {
		t.Error(err)
	}
}

// TestBadJSON makes sure that JSON which should not be there gives no value.
func TestBadJSON(t *testing.T) {
	rule := op("==", op("size", get("traits", "a")), number("1"))
	s := compile(t, nil, rule, op("==", get("traits", "a", "b"), number("1")), has("context", "a"))
	var f audience.Facts
	for _, raw := range []string{
		"[", "[1", "[1,", "[1 2]", "{", `{"a"`, `{"a":`, `{a:1}`, `{"b":}`, `"`, `"\`, `"\x"`, "tru", "nul", "+1", "0x1p4", "Inf", "1_0", ",", "}", ":",
		strings.Repeat("[", 200) + "1" + strings.Repeat("]", 200), "\x00", "1e999",
	} {
		v := &person.View{Traits: map[string]person.Trait{"a": {Value: json.RawMessage(raw)}}}
		s.Fill(&f, v, json.RawMessage(raw), noon)
		for i := range s.Len() {
			if got, _ := s.Match(i, &f); got {
				t.Errorf("%q matches rule %d", raw, i)
			}
		}
	}
}

// FuzzProgram feeds programs that nobody checked to everything that takes one.
func FuzzProgram(f *testing.F) {
	for _, p := range []audience.Program{fourTerms, has("context", "a", "b"), op("+", get("traits", "a"), get("traits", "b")), op("neg", get("now"))} {
		raw, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, []byte(`{"a":{"b":[1,2.5,"x"]}}`))
	}
	f.Add([]byte(strings.Repeat(`{"op":"!","args":[`, 5000)), []byte(`[`))
	f.Fuzz(func(t *testing.T, raw, values []byte) {
		var p audience.Program
		if json.Unmarshal(raw, &p) != nil {
			return
		}
		s, err := audience.Compile([]audience.Program{p}, audience.Names{Times: []string{"computed.a"}})
		if err != nil {
			return
		}
		v := customer()
		v.Traits["a"], v.Traits["b"] = person.Trait{Value: values}, person.Trait{Value: values}
		v.Computed["a"] = values
		var facts audience.Facts
		s.Fill(&facts, v, values, noon)
		before, undecided := s.Match(0, &facts)
		if flip := s.NextFlip(0, &facts); !flip.IsZero() && !flip.After(noon) {
			t.Errorf("flips at %s", flip)
		}
		if after, err := s.Match(0, &facts); after != before || (err == nil) != (undecided == nil) {
			t.Errorf("first %v, %v and then %v, %v", before, undecided, after, err)
		}
		if s.Why(0, &facts) == "" || p.String() == "" {
			t.Error("nothing to say")
		}
	})
}
