package publish_test

import (
	"encoding/json"
	"testing"
	"time"

	"rapport/infra/publish"
)

// BenchmarkRule measures a rule of four terms here and in CEL, and prints how
// many times as fast it is here: with the person's facts at hand, and with
// filling them.
func BenchmarkRule(b *testing.B) {
	const text = `traits.country in ["UA", "PL"] && computed.orders > 2 && now - lastSeen < duration("168h") && "vip" in traits.segments`
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	m := &moment{
		Traits:   map[string]json.RawMessage{"country": json.RawMessage(`"PL"`), "segments": json.RawMessage(`["new","vip"]`)},
		Computed: map[string]json.RawMessage{"orders": json.RawMessage("3")}, Known: true, LastSeen: now.AddDate(0, 0, -1), Now: now,
	}
	program, problems := publish.CompileRule(text, computed, preferred)
	if program == nil {
		b.Fatal(problems)
	}
	ref, own, vars, view := newReference(b, text), newSubject(b, program), m.activation(b), m.view()
	if ref.evaluate(vars) != "true" || own.evaluate(m) != "true" {
		b.Fatal("the rule does not match")
	}
	perOp := func(b *testing.B) float64 { return float64(b.Elapsed().Nanoseconds()) / float64(b.N) }
	var cel float64
	b.Run("cel", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = ref.program.Eval(vars)
		}
		cel = perOp(b)
	})
	b.Run("match", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = own.set.Match(0, &own.facts)
		}
		b.ReportMetric(cel/perOp(b), "times-cel")
	})
	b.Run("fill-and-match", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			own.set.Fill(&own.facts, view, nil, now)
			_, _ = own.set.Match(0, &own.facts)
		}
		b.ReportMetric(cel/perOp(b), "times-cel")
	})
}
