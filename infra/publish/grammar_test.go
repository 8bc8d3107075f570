package publish_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/person"
)

// writer writes random rules. Most of what it writes has types that fit, so that
// evaluation gets far; some has not, so that failures are compared as well.
type writer struct{ t *rapid.T }

func (w writer) pick(options ...string) string { return rapid.SampledFrom(options).Draw(w.t, "pick") }

func (w writer) pickOf(depth int, writers ...func(int) string) string {
	if depth <= 0 {
		writers = writers[:1] // the first never goes deeper
	}
	return rapid.SampledFrom(writers).Draw(w.t, "form")(depth - 1)
}

var (
	numberPaths = []string{"computed.orders", "computed.revenue", "traits.age", "traits.score", "context.n", "context.cart.total", "preferred.size"}
	textPaths   = []string{"traits.country", "traits.name", "computed.plan", "lifecycle", "context.page.path", "context.lang", `traits["loyalty-tier"]`, "preferred.look"}
	otherPaths  = []string{"traits.tags", "traits.address", "context.cart", "context.cart.items", "traits.flag", "traits.nothing", "traits.address.city", "context.a.b.c", "preferred.items", "preferred.loud", "computed.likes"}
	timePaths   = []string{"now", "firstSeen", "lastSeen", "computed.last_order_at", "computed.first_seen_at", "timestamp(traits.since)"}
)

func (w writer) path(int) string {
	return w.pick(append(append(append([]string{}, numberPaths...), textPaths...), otherPaths...)...)
}

func (w writer) number(depth int) string {
	return w.pickOf(depth,
		func(int) string { return w.pick(numberPaths...) },
		func(int) string { return w.pick("0", "1", "2", "3", "-5", "9223372036854775807", "100") },
		func(int) string {
			return w.pick("0.0", "0.5", "2.0", "-1.5", "1e300", "9223372036854775807.0", "(0.0 / 0.0)", "(1.0 / 0.0)")
		},
		func(d int) string {
			return "(" + w.number(d) + w.pick(" + ", " - ", " * ", " / ", " % ") + w.number(d) + ")"
		},
		func(d int) string { return "-" + "(" + w.number(d) + ")" },
		func(d int) string { return "size(" + w.sized(d) + ")" },
		func(d int) string { return w.pick("int(", "double(") + w.scalar(d) + ")" },
		func(d int) string { return "(" + w.truth(d) + " ? " + w.path(d) + " : " + w.path(d) + ")" },
	)
}

func (w writer) text(depth int) string {
	return w.pickOf(depth,
		func(int) string { return w.pick(textPaths...) },
		func(int) string { return w.pick(`""`, `"UA"`, `"PL"`, `"u"`, `"Ünïcode ✓"`, `"5"`, `"a\nb\\\""`) },
		func(d int) string { return "(" + w.text(d) + " + " + w.text(d) + ")" },
		func(d int) string { return "string(" + w.stringable(d) + ")" },
	)
}

func (w writer) stringable(depth int) string {
	return w.pickOf(depth, w.path, w.number, w.text, func(int) string { return w.pick("now - lastSeen", "firstSeen", "computed.last_order_at") })
}

func (w writer) sized(depth int) string { return w.pickOf(depth, w.path, w.text, w.list) }

func (w writer) scalar(depth int) string {
	return w.pickOf(depth, w.path, w.number, w.text, func(int) string { return "lastSeen - firstSeen" })
}

func (w writer) list(depth int) string {
	var items []string
	for range rapid.IntRange(0, 4).Draw(w.t, "items") {
		items = append(items, w.any(depth-1))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func (w writer) any(depth int) string {
	return w.pickOf(depth, w.path, w.number, w.text, w.list, w.span, func(int) string { return w.pick("null", "true", "false", "(0.0 / 0.0)") })
}

func (w writer) time(depth int) string {
	return w.pickOf(depth,
		func(int) string { return w.pick(timePaths...) },
		func(int) string {
			return w.pick(`timestamp("2026-11-20T00:00:00Z")`, `timestamp("2026-11-24T12:00:00.0005+02:00")`, `timestamp("1900-01-01T00:00:00Z")`)
		},
		func(d int) string { return "(" + w.time(d) + w.pick(" + ", " - ") + w.span(d) + ")" },
		func(d int) string { return "(" + w.truth(d) + " ? " + w.time(d) + " : " + w.time(d) + ")" },
	)
}

func (w writer) span(depth int) string {
	return w.pickOf(depth,
		func(int) string {
			return w.pick(`duration("168h")`, `duration("1h30m")`, `duration("0s")`, `duration("-1s")`, `duration("1us")`, `duration("2000000h")`)
		},
		func(d int) string { return "(" + w.time(d) + " - " + w.time(d) + ")" },
		func(d int) string { return "(" + w.span(d) + w.pick(" + ", " - ") + w.span(d) + ")" },
		func(int) string { return "duration(traits.wait)" },
	)
}

func (w writer) truth(depth int) string {
	comparison := []string{" == ", " != ", " < ", " <= ", " > ", " >= "}
	return w.pickOf(depth,
		func(int) string {
			return w.pick("known", "true", "false", "has(traits.country)", "has(traits.address.city)", "has(context.a.b.c)",
				"has(traits.tags.x)", `"name" in traits`, "traits.flag == true", "computed.orders >= 3", "preferred.loud", `preferred["look"] == "UA"`)
		},
		func(d int) string { return "(" + w.truth(d) + " && " + w.truth(d) + ")" },
		func(d int) string { return "(" + w.truth(d) + " || " + w.truth(d) + ")" },
		func(d int) string { return "!(" + w.truth(d) + ")" },
		func(d int) string { return "(" + w.truth(d) + " ? " + w.truth(d) + " : " + w.truth(d) + ")" },
		func(d int) string { return "(" + w.number(d) + w.pick(comparison...) + w.number(d) + ")" },
		func(d int) string { return "(" + w.text(d) + w.pick(comparison...) + w.text(d) + ")" },
		func(d int) string { return "(" + w.time(d) + w.pick(comparison...) + w.time(d) + ")" },
		func(d int) string { return "(" + w.span(d) + w.pick(comparison...) + w.span(d) + ")" },
		func(d int) string {
			return "(" + w.path(d) + w.pick(comparison...) + w.pickOf(d, w.path, w.number) + ")"
		},
		func(d int) string {
			return "(" + w.pickOf(d, w.path, w.number) + w.pick(comparison...) + w.path(d) + ")"
		},
		func(d int) string { return "(" + w.path(d) + w.pick(" == ", " != ") + w.any(d) + ")" },
		func(d int) string { return "(" + w.any(d) + " in " + w.pickOf(d, w.path, w.list) + ")" },
		func(d int) string {
			return w.text(d) + w.pick(".contains(", ".startsWith(", ".endsWith(") + w.text(d) + ")"
		},
		func(d int) string { return w.text(d) + `.matches("` + w.pick("^U", "[A-Z]{2}", "", "(a|b)+$") + `")` },
	)
}

// jsonValue draws JSON, with numbers in every spelling.
func jsonValue(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		scalars := []string{
			"0", "1", "2", "3", "5", "-5", "2.0", "0.5", "-0.0", "1e2", "1.5e1", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
			"1e300", "true", "false", "null", `""`, `"UA"`, `"PL"`, `"u"`, `"5"`, `"0.5"`, `"Ünïcode ✓"`, `"\u00dcn\u00efcode \u2713"`, `"a\nb\\\""`,
			`"\ud83d\ude00"`, `"2026-11-23T12:00:00.000Z"`, `"2026-11-23T14:00:00+02:00"`, `"2026-11-23"`, `"90m"`, `"NaN"`, `"1e400"`,
		}
		n := rapid.IntRange(0, 9).Draw(t, "form")
		if depth <= 0 || n < 7 {
			return rapid.SampledFrom(scalars).Draw(t, "scalar")
		}
		inner := jsonValue(depth - 1)
		var parts []string
		if n == 7 {
			for _, name := range []string{"city", "items", "total", "path", "b", "c", "UA"} {
				if rapid.Bool().Draw(t, "there") {
					parts = append(parts, fmt.Sprintf("%q : %s", name, inner.Draw(t, name)))
				}
			}
			return "{ " + strings.Join(parts, " , ") + " }"
		}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			parts = append(parts, inner.Draw(t, "item"))
		}
		return "[" + strings.Join(parts, ",") + "]"
	})
}

// likely draws one of the values that suit, or now and then any.
func likely(values ...string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 4).Draw(t, "odd") == 0 {
			return jsonValue(2).Draw(t, "any")
		}
		return rapid.SampledFrom(values).Draw(t, "suits")
	})
}

var (
	someNumbers = likely("0", "1", "2", "3", "4", "2.5", "100", "-1")
	someTexts   = likely(`"UA"`, `"PL"`, `"a"`, `"ab"`, `""`)
	someTimes   = likely(`"2026-11-23T12:00:00.000Z"`, `"2026-11-17T12:00:00.000Z"`, `"2026-11-01T00:00:00.123Z"`)
	cityOrAny   = likely(`{"city":"Kyiv"}`, `{"city":"UA","zip":1}`, `{}`)
	someLikes   = rapid.SampledFrom([]string{`{"PL":2,"UA":2.5}`, `{"UA":1,"a":1}`, `{"PL":0.5,"a":10}`, `{}`, `"UA"`})
	cartOrAny   = likely(`{"total":3,"items":["a","UA",2]}`, `{"total":2.5}`)
)

// moments draws people at a moment, many of whose values are missing.
func moments() *rapid.Generator[*moment] {
	members := map[string]*rapid.Generator[string]{
		"n": someNumbers, "cart": cartOrAny, "page": likely(`{"path":"/"}`, `{"path":"/UA"}`), "lang": someTexts, "a": likely(`{"b":{"c":1}}`, `{"b":1}`, `{"b":[]}`, `{}`),
	}
	traits := map[string]*rapid.Generator[string]{
		"age": someNumbers, "score": someNumbers, "country": someTexts, "name": someTexts, "loyalty-tier": someTexts, "tags": likely(`["UA","a",1,2.0]`, `[]`),
		"address": cityOrAny, "flag": likely("true", "false"), "nothing": likely("null"), "since": someTimes, "wait": likely(`"168h"`, `"1.5s"`),
	}
	folds := map[string]*rapid.Generator[string]{
		"orders": someNumbers, "revenue": someNumbers, "plan": someTexts, "last_order_at": someTimes, "first_seen_at": someTimes, "likes": someLikes,
	}
	choices := map[string]*rapid.Generator[string]{
		person.Theme: someTexts, person.Topics: likely(`["UA","a"]`, `[]`), person.Custom + "size": someNumbers,
	}
	return rapid.Custom(func(t *rapid.T) *moment {
		context, _ := json.Marshal(some(t, members))
		if rapid.IntRange(0, 9).Draw(t, "contextless") == 0 {
			context = nil
		}
		return &moment{
			Traits: some(t, traits), Computed: some(t, folds), Explicit: some(t, choices), Context: context, Known: rapid.Bool().Draw(t, "known"),
			Stage:     rapid.SampledFrom([]person.Stage{person.Lapsed, person.Active, ""}).Draw(t, "stage"),
			FirstSeen: seen(t), LastSeen: seen(t), Now: instant(t).Add(2 * 24 * time.Hour),
		}
	})
}

// some draws most of the named values.
func some(t *rapid.T, from map[string]*rapid.Generator[string]) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, name := range sortedNames(from) {
		if rapid.IntRange(0, 3).Draw(t, name+" there") > 0 {
			out[name] = json.RawMessage(from[name].Draw(t, name))
		}
	}
	return out
}

// seen draws an instant, or now and then none.
func seen(t *rapid.T) time.Time {
	if rapid.IntRange(0, 9).Draw(t, "unseen") == 0 {
		return time.Time{}
	}
	return instant(t)
}

// instant draws a whole millisecond of some days around a fixed one.
func instant(t *rapid.T) time.Time {
	base := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return base.Add(time.Duration(rapid.Int64Range(-10*86400_000, 86400_000).Draw(t, "at")) * time.Millisecond)
}
