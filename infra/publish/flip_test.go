package publish_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/infra/publish"
)

// timely writes a rule that looks at the clock in several places.
func (w writer) timely(depth int) string {
	return w.pickOf(depth,
		func(int) string {
			return "(now - " + w.pick("firstSeen", "lastSeen", "computed.last_order_at") + w.pick(" < ", " >= ", " == ", " != ", " <= ") + w.pick(`duration("24h")`, `duration("168h")`, `duration("100us")`) + ")"
		},
		func(d int) string { return "(" + w.timely(d) + w.pick(" && ", " || ", " == ") + w.timely(d) + ")" },
		func(d int) string { return "(" + w.timely(d) + " && " + w.truth(d) + ")" },
		func(d int) string { return "(" + w.truth(d) + " ? " + w.timely(d) + " : " + w.timely(d) + ")" },
		func(d int) string {
			return "(" + w.time(d) + w.pick(" < ", " >= ", " == ", " > ") + "now + " + w.span(d) + ")"
		},
		func(d int) string {
			return "((now - " + w.time(d) + ") - (" + w.time(d) + " - now) " + w.pick("<", ">=", "==") + " " + w.span(d) + ")"
		},
	)
}

// horizon is how far the tests look when a rule says that it never changes.
const horizon = 60 * 24 * time.Hour

// TestNextFlip makes sure that a rule changes exactly when it says so: not
// before, and then.
func TestNextFlip(t *testing.T) {
	flips, never := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := writer{t}.timely(3)
		program, _ := publish.CompileRule(text, computed, preferred)
		if program == nil {
			return
		}
		own := newSubject(t, program)
		for range 20 {
			m := moments().Draw(t, "person")
			before := own.evaluate(m)
			flip := own.set.NextFlip(own.rule, &own.facts)
			if again := own.again(); again != before {
				t.Fatalf("%s\nwas %s, and after asking when it changes %s", text, before, again)
			}
			until := flip
			if flip.IsZero() {
				never++
				until = m.Now.Add(horizon)
			} else {
				flips++
			}
			if !until.After(m.Now) {
				t.Fatalf("%s\nnow is %s, the change %s", text, m.Now, flip)
			}
			for _, at := range between(t, m.Now, until) {
				if got := own.evaluateAt(m, at); got != before {
					shown, _ := json.Marshal(m)
					t.Fatalf("%s\nis %s, already %s at %s, and was to change at %s\n%s", text, before, got, at, flip, shown)
				}
			}
			if !flip.IsZero() && own.evaluateAt(m, flip) == before {
				t.Fatalf("%s\nis %s and was to change at %s", text, before, flip)
			}
		}
	})
	t.Logf("%d changes, %d times never", flips, never)
	if flips < 60 || never < 200 {
		t.Errorf("the test covers too little: %d changes, %d times never", flips, never)
	}
}

func (s *subject) evaluateAt(m *moment, at time.Time) outcome {
	later := *m
	later.Now = at
	return s.evaluate(&later)
}

// between returns some instants from now on and before until, the first and the
// last among them.
func between(t *rapid.T, now, until time.Time) []time.Time {
	out := []time.Time{now.Add(time.Nanosecond), until.Add(-time.Nanosecond)}
	for range 4 {
		out = append(out, now.Add(time.Duration(rapid.Int64Range(0, int64(until.Sub(now))-1).Draw(t, "later"))))
	}
	return out
}
