package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/fault"
	"rapport/shared/wire"
)

func TestParseRefuses(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"a":0`)
		for i := range n {
			b.WriteString(`,"k` + strings.Repeat("x", i%7) + strings.ToLower(string(rune('a'+i%26))) + jsonInt(i) + `":1`)
		}
		return b.String() + "}"
	}
	cases := []struct {
		name, in, code, field string
		kind                  fault.Kind
	}{
		{"row 38 truncated", `{"a":1`, "bad_json", "", fault.Malformed},
		{"row 38 empty", ``, "bad_json", "", fault.Malformed},
		{"row 39 trailing value", `{"a":1}{"b":2}`, "bad_json", "", fault.Malformed},
		{"row 40 exact duplicate", `{"a":{"id":1,"id":2}}`, "duplicate_or_unknown_field", "a.id", fault.Malformed},
		{"row 40 escaped duplicate", `{"id":1,"\u0069d":2}`, "duplicate_or_unknown_field", "id", fault.Malformed},
		{"row 40 folded duplicate", `{"userId":"alice","USERID":"victim"}`, "duplicate_or_unknown_field", "USERID", fault.Malformed},
		{"row 40 long s", `{"userId":"alice","uſerId":"victim"}`, "duplicate_or_unknown_field", "uſerId", fault.Malformed},
		{"row 40 kelvin sign", "{\"k\":1,\"\u212a\":2}", "duplicate_or_unknown_field", "\u212a", fault.Malformed},
		{"row 41 invalid UTF-8", "{\"a\":\"\xff\"}", "invalid_utf8", "a", fault.Malformed},
		{"row 28 lone surrogate", `{"a":"\ud800"}`, "invalid_utf8", "a", fault.Malformed},
		{"row 42 depth 33", strings.Repeat("[", 33) + strings.Repeat("]", 33), "too_deep", strings.Repeat("[0]", 32), fault.Malformed},
		{"row 42 depth 1,000,000", strings.Repeat("[", 1_000_000), "too_deep", strings.Repeat("[0]", 32), fault.Malformed},
		{"row 43 200,000 keys", many(200_000), "too_many_names", "", fault.TooLarge},
		{"row 45 1e400", `{"p":[{"n":1e400}]}`, "number_out_of_range", "p[0].n", fault.Invalid},
		{"row 45 40 digits", `{"n":` + strings.Repeat("9", 40) + `}`, "number_out_of_range", "n", fault.Invalid},
		{"row 45 tiny", `{"n":0.` + strings.Repeat("0", 200) + `1}`, "number_out_of_range", "n", fault.Invalid},
		{"row 46 NaN", `{"n":NaN}`, "bad_json", "n", fault.Malformed},
		{"row 46 Infinity", `{"n":-Infinity}`, "bad_json", "n", fault.Malformed},
		{
			"long name is not echoed", `{"` + strings.Repeat("é", 99) + `":1e999}`, "number_out_of_range",
			strings.Repeat("é", 30) + "…", fault.Invalid,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := wire.Parse([]byte(c.in), wire.Standard)
			var f *fault.Error
			if !errors.As(err, &f) {
				t.Fatalf("err = %v, want a fault", err)
			}
			if f.Code != c.code || f.Kind != c.kind || f.Field != c.field {
				t.Errorf("got %v %s in %q, want %v %s in %q", f.Kind, f.Code, f.Field, c.kind, c.code, c.field)
			}
		})
	}
}

func jsonInt(i int) string { b, _ := json.Marshal(i); return string(b) }

func TestParseKeeps(t *testing.T) {
	cases := map[string]string{
		"row 45 2^63":             `9223372036854775808`,
		"row 45 2^53+1":           `9007199254740993`,
		"row 45 minus zero":       `-0`,
		"row 45 38 digits":        strings.Repeat("9", 38),
		"row 45 leading zeros":    `0.` + strings.Repeat("0", 50) + `1`,
		"row 45 edge exponent":    `1e127`,
		"row 42 depth 32":         strings.Repeat("[", 32) + strings.Repeat("]", 32),
		"row 44 odd names":        `{"":1,"$where":2,"__proto__":{"x":1},"a.b":3,"constructor":4}`,
		"row 62 markup":           `"<script>&\"><img>"`,
		"surrogate pair":          `"😀"`,
		"constants":               `[true,false,null]`,
		"names that nearly clash": `{"id":1,"ids":2}`,
	}
	for name, in := range cases {
		t.Run(name, func(t *testing.T) {
			v, err := wire.Parse([]byte(in), wire.Standard)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(wire.Canonical(v)); got != in {
				t.Errorf("got %s, want %s", got, in)
			}
		})
	}
}

func TestCanonicalIsFreeOfOrder(t *testing.T) {
	a, err := wire.Parse([]byte(` {"b": {"y":1, "x":[1 , 2]}, "a":"\u0041"} `), wire.Standard)
	if err != nil {
		t.Fatal(err)
	}
	b, err := wire.Parse([]byte(`{"a":"A","b":{"x":[1,2],"y":1}}`), wire.Standard)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(wire.Canonical(a)), string(wire.Canonical(b)); got != want {
		t.Errorf("%s is not %s", got, want)
	}
}

// Whatever parses reads again to the same value from its canonical form.
func TestCanonicalReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := document(3).Draw(t, "document")
		first, err := wire.Parse(wire.Canonical(in), wire.Standard)
		if err != nil {
			t.Skip("folded duplicate")
		}
		if diff := cmp.Diff(in, first); diff != "" {
			t.Fatal(diff)
		}
	})
}

func document(depth int) *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return strings.ToValidUTF8(s, "?") }),
		rapid.Map(rapid.Int64(), func(n int64) any { return json.Number(jsonInt(int(n))) }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	)
	if depth == 0 {
		return leaf
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return document(depth - 1) })
	return rapid.OneOf(leaf,
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(l []any) any { return append([]any{}, l...) }),
		rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-zäſ]{1,4}`), inner, 0, 4), func(m map[string]any) any { return m }))
}

func TestSplit(t *testing.T) {
	split := func(in string) (wire.Batch, error) { return wire.Split([]byte(in), "batch", 3, wire.Standard) }
	t.Run("list", func(t *testing.T) {
		got, err := split(` { "sentAt":"now" , "batch" : [ {"a":1} ,2, "\ud800" ], "n":1.0}`)
		if err != nil {
			t.Fatal(err)
		}
		want := wire.Batch{
			Head:  wire.Object{"sentAt": "now", "n": json.Number("1.0")},
			Items: []json.RawMessage{json.RawMessage(`{"a":1}`), json.RawMessage(`2`), json.RawMessage(`"\ud800"`)},
			List:  true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("only a list", func(t *testing.T) {
		if got, err := split(`{"batch":[]}`); err != nil || !got.List || len(got.Items) != 0 {
			t.Error(got, err)
		}
	})
	t.Run("no list", func(t *testing.T) {
		got, err := split(`{"type":"track"}`)
		if err != nil || got.List || string(got.Items[0]) != `{"type":"track"}` {
			t.Error(got, err)
		}
	})
	refused := map[string]struct{ in, code string }{
		"row 32 one too many":      {`{"batch":[1,2,3,4],"k":1}`, "too_many_events"},
		"row 38 truncated item":    {`{"batch":[{"a":1},{"b":`, "bad_json"},
		"row 39 trailing":          {`{"batch":[]} x`, "bad_json"},
		"row 40 two lists":         {`{"batch":[],"batch":[]}`, "duplicate_or_unknown_field"},
		"row 40 head duplicate":    {`{"k":1,"K":2,"batch":[]}`, "duplicate_or_unknown_field"},
		"row 42 million deep item": {`{"batch":[` + strings.Repeat("[", 1_000_000), "bad_json"},
		"row 46 NaN in an item":    {`{"batch":[{"a":NaN}]}`, "bad_json"},
		"not a list":               {`{"batch":{}}`, "not_a_list"},
		"not an object":            {`[1]`, "not_an_object"},
	}
	for name, c := range refused {
		t.Run(name, func(t *testing.T) {
			_, err := split(c.in)
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
	t.Run("head of a batch that is too long", func(t *testing.T) {
		if got, _ := split(`{"batch":[1,2,3,4],"writeKey":"k"}`); got.Head["writeKey"] != "k" {
			t.Error("the key is lost")
		}
	})
}

// Whatever is in the input, nothing panics, the limits hold, and what Parse
// takes Split takes too.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2,{"b":null}],"c":"\u00e9"}`, `{"a":1,"A":2}`, `[[[[1e5]]]]`, "\"\xc3\"", `{"batch":[{}]}`, `-0.0e-0`, ``,
		`{"\ud83d\ude00":"x"}`, ` {} `, `{"":{"":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := wire.Parse(data, wire.Limits{Depth: 8, Names: 50})
		if err != nil {
			return
		}
		if d := depth(v); d > 8 {
			t.Fatalf("depth %d", d)
		}
		again, err := wire.Parse(wire.Canonical(v), wire.Limits{Depth: 8, Names: 50})
		if err != nil {
			t.Fatalf("canonical form: %v", err)
		}
		if diff := cmp.Diff(v, again); diff != "" {
			t.Fatal(diff)
		}
		if _, isObject := v.(wire.Object); isObject {
			if _, err := wire.Split(data, "nowhere", 1, wire.Standard); err != nil {
				t.Fatalf("Split: %v", err)
			}
		}
	})
}

func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case wire.Object:
		for _, inner := range v {
			deepest = max(deepest, depth(inner))
		}
	case []any:
		for _, inner := range v {
			deepest = max(deepest, depth(inner))
		}
	default:
		return 0
	}
	return deepest + 1
}
