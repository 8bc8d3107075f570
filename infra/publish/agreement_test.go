package publish_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rapport/infra/publish"
)

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Each run of the property compares this many rules with this many people each;
// rapid runs it 100 times.
const (
	rulesPerRun  = 8
	peoplePerRun = 32
)

// TestBothEvaluatorsAgree compares what our evaluator makes of a rule with what
// CEL makes of its text.
func TestBothEvaluatorsAgree(t *testing.T) {
	count := map[outcome]int{}
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.SliceOfN(moments(), peoplePerRun, peoplePerRun).Draw(t, "people")
		for range rulesPerRun {
			text := writer{t}.truth(4)
			program, _ := publish.CompileRule(text, computed, preferred)
			if program == nil {
				refused++
				continue
			}
			ref, own := newReference(t, text), newSubject(t, program)
			for _, m := range people {
				want, got := ref.evaluate(m.activation(t)), own.evaluate(m)
				count[want]++
				if got != want {
					shown, _ := json.Marshal(m)
					t.Fatalf("%s\nis %s here and %s in CEL for %s\n%s", text, got, want, shown, own.set.Why(own.rule, &own.facts))
				}
			}
		}
	})
	t.Logf("compared %v; %d rules were refused", count, refused)
	if total := count["true"] + count["false"] + count["error"]; !t.Failed() && (total < 20_000 || min(count["true"], count["false"], count["error"]) < total/20) {
		t.Errorf("the comparison covers too little: %v", count)
	}
}

// TestProgramsReadBack makes sure that the text which Why shows is the rule.
func TestProgramsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := writer{t}.truth(4)
		program, _ := publish.CompileRule(text, computed, preferred)
		if program == nil {
			return
		}
		again, problems := publish.CompileRule(program.String(), computed, preferred)
		if again == nil {
			t.Fatalf("%s\nwas written back as %s\nwhich has problems: %v", text, program, problems)
		}
		if program.String() != again.String() {
			t.Fatalf("%s\nwas written back as %s\nand then as %s", text, program, again)
		}
		one, two := newSubject(t, program), newSubject(t, again)
		for range 5 {
			m := moments().Draw(t, "person")
			if a, b := one.evaluate(m), two.evaluate(m); a != b {
				t.Fatalf("%s is %s\nand written back as %s\n%s", text, a, program, b)
			}
		}
	})
}

// TestTrickyCases holds both evaluators to what testdata/cases.json says.
func TestTrickyCases(t *testing.T) {
	raw, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Rule string
		Want outcome
		moment
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Rule, func(t *testing.T) {
			program, problems := publish.CompileRule(c.Rule, computed, preferred)
			if program == nil {
				t.Fatalf("refused: %v", problems)
			}
			if got := newReference(t, c.Rule).evaluate(c.activation(t)); got != c.Want {
				t.Errorf("CEL says %s, the case %s", got, c.Want)
			}
			own := newSubject(t, program)
			if got := own.evaluate(&c.moment); got != c.Want {
				t.Errorf("we say %s, the case %s: %s", got, c.Want, own.set.Why(own.rule, &own.facts))
			}
		})
	}
}
