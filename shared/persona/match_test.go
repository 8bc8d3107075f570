package persona_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/person"
	"rapport/shared/persona"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func stated(path, value string) persona.Field {
	return persona.Field{Path: path, Value: json.RawMessage(value), Weight: 1}
}

func ago(path string, d time.Duration) persona.Field {
	return persona.Field{Path: path, Timed: true, Ago: d.Milliseconds(), Weight: 1}
}

// view is a person with the values of the fields.
func view(fields ...persona.Field) *person.View {
	return (&persona.Persona{Fields: fields}).View(nil, noon)
}

// TestSimilarity holds one field of a person against that of a persona, among
// personas of which others have 0 and 10 there.
func TestSimilarity(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		persona, person persona.Field
		others          []persona.Field
		want            float64
	}{
		"equal numbers":              {stated("computed.n", "4"), stated("computed.n", "4.0"), nil, 1},
		"numbers over their range":   {stated("computed.n", "4"), stated("computed.n", "6"), []persona.Field{stated("computed.n", "0"), stated("computed.n", "10")}, 0.8},
		"the person widens it":       {stated("computed.n", "10"), stated("computed.n", "20"), []persona.Field{stated("computed.n", "0")}, 0.5},
		"the ends of the range":      {stated("computed.n", "0"), stated("computed.n", "10"), []persona.Field{stated("computed.n", "10")}, 0},
		"only these two traits":      {stated("traits.n", "4"), stated("traits.n", "5"), nil, 0},
		"only these two":             {stated("computed.n", "4"), stated("computed.n", "5"), nil, 0.8},
		"below 0":                    {stated("computed.n", "-4"), stated("computed.n", "-5"), nil, 0.8},
		"times of only these two":    {ago(persona.LastSeen, 4*day), ago(persona.LastSeen, 5*day), nil, 0.8},
		"texts among numbers":        {stated("computed.n", "4"), stated("computed.n", "6"), []persona.Field{stated("computed.n", `"many"`), stated("computed.n", "10")}, 0.8},
		"negative":                   {stated("traits.n", "-5"), stated("traits.n", "5"), []persona.Field{stated("traits.n", "35")}, 0.75},
		"as far apart as floats are": {stated("traits.n", "-1.7e308"), stated("traits.n", "1.7e308"), nil, 0},
		"as near as floats are":      {stated("traits.n", "0"), stated("traits.n", "5e-324"), nil, 0},
		"a number beyond floats":     {stated("traits.n", "1e400"), stated("traits.n", "1e400"), nil, 1},
		"times":                      {ago(persona.LastSeen, 3*day), ago(persona.LastSeen, 5*day), []persona.Field{ago(persona.LastSeen, 0), ago(persona.LastSeen, 20*day)}, 0.9},
		"first seen":                 {ago(persona.FirstSeen, 3*day), ago(persona.FirstSeen, 5*day), []persona.Field{ago(persona.FirstSeen, 0), ago(persona.FirstSeen, 8*day)}, 0.75},
		"computed times":             {ago("computed.at", day), stated("computed.at", `"2026-11-24T10:00:00.000Z"`), []persona.Field{ago("computed.at", 0), ago("computed.at", 4*day)}, 1 - 22.0/96},
		"a time that is none":        {ago("computed.at", day), stated("computed.at", `"yesterday"`), nil, 0},
		"equal texts":                {stated("traits.city", `"Lviv"`), stated("traits.city", `"Lviv"`), nil, 1},
		"the same text escaped":      {stated("traits.city", `"Iași"`), stated("traits.city", `"Ia\u0219i"`), nil, 1},
		"other texts":                {stated("traits.city", `"Lviv"`), stated("traits.city", `"lviv"`), nil, 0},
		"a text like a number":       {stated("traits.n", `4`), stated("traits.n", `"4"`), nil, 0},
		"truths":                     {stated(persona.Known, "true"), stated(persona.Known, "true"), nil, 1},
		"unknown to both":            {stated(persona.Known, "false"), stated(persona.Known, "false"), nil, 1},
		"known or not":               {stated(persona.Known, "true"), stated(persona.Known, "false"), nil, 0},
		"stages":                     {stated(persona.Lifecycle, `"active"`), stated(persona.Lifecycle, `"active"`), nil, 1},
		"other stages":               {stated(persona.Lifecycle, `"active"`), stated(persona.Lifecycle, `"lapsed"`), nil, 0},
		"lists":                      {stated("traits.tags", `["tea","cup","tea"]`), stated("traits.tags", `["cup","pot","tea"]`), nil, 2.0 / 3},
		"lists of nothing in common": {stated("traits.tags", `["tea"]`), stated("traits.tags", `["pot"]`), nil, 0},
		"empty lists":                {stated("traits.tags", `[]`), stated("traits.tags", `[]`), nil, 1},
		"a list and a text":          {stated("traits.tags", `["tea"]`), stated("traits.tags", `"tea"`), nil, 0},
		"affinities by their shares": {stated("computed.likes", `{"herbal":3,"green":1}`), stated("computed.likes", `{"herbal":0.75,"green":0.25}`), nil, 1},
		"affinities":                 {stated("computed.likes", `{"herbal":3,"green":1}`), stated("computed.likes", `{"herbal":1,"black":3}`), nil, 0.25 / 1.75},
		"affinities of nothing":      {stated("computed.likes", `{}`), stated("computed.likes", `{"herbal":0}`), nil, 1},
		"very large affinities":      {stated("computed.likes", `{"a":1.7e308,"b":1.7e308}`), stated("computed.likes", `{"a":1,"b":1}`), nil, 1},
		"other objects":              {stated("traits.size", `{"a":1,"b":"x"}`), stated("traits.size", `{"b":"x","a":1.0}`), nil, 1},
		"objects that differ":        {stated("traits.size", `{"a":-1}`), stated("traits.size", `{"a":-2}`), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			personas := []persona.Persona{{ID: "one", Fields: []persona.Field{c.persona}}}
			for i, f := range c.others {
				personas = append(personas, persona.Persona{ID: fmt.Sprint("other-", i), Fields: []persona.Field{f}})
			}
			ranked := persona.Rank(view(c.person), personas, noon)
			one := ranked[slices.IndexFunc(ranked, func(m persona.Match) bool { return m.Persona == "one" })]
			if !(math.Abs(one.Score-c.want) <= 1e-12) || // not a number is wrong, too
				len(one.Reasons) != 1 || one.Compared != 1 {
				t.Errorf("score %v, want %v: %+v", one.Score, c.want, one)
			}
		})
	}
}

func TestRank(t *testing.T) {
	heavy := stated("traits.country", `"UA"`)
	heavy.Weight = 3
	ignored := stated("traits.language", `"uk"`)
	ignored.Weight = 0
	personas := []persona.Persona{
		{ID: "b", Name: "Second", Fields: []persona.Field{stated("traits.plan", `"free"`)}},
		{ID: "c", Fields: []persona.Field{stated("computed.orders", "0"), stated("traits.gone", `1`)}},
		{ID: "a", Name: "First", Fields: []persona.Field{stated("computed.orders", "4"), stated("traits.city", `"Lviv"`), heavy, ignored}},
		{ID: "nobody"},
	}
	got := persona.Rank(view(stated("computed.orders", "3"), stated("traits.country", `"UA"`), stated("traits.language", `"ro"`)), personas, noon)
	want := []persona.Match{
		{
			Persona: "a", Name: "First", Score: 3.75 / 4, Compared: 0.8, Missing: []string{"traits.city"},
			Reasons: []persona.Reason{
				{Field: "traits.country", Persona: json.RawMessage(`"UA"`), Person: json.RawMessage(`"UA"`), Similarity: 1, Weight: 3},
				{Field: "computed.orders", Persona: json.RawMessage("4"), Person: json.RawMessage("3"), Similarity: 0.75, Weight: 1},
			},
		},
		{
			Persona: "c", Score: 0.25, Compared: 0.5, Missing: []string{"traits.gone"},
			Reasons: []persona.Reason{{Field: "computed.orders", Persona: json.RawMessage("0"), Person: json.RawMessage("3"), Similarity: 0.25, Weight: 1}},
		},
		{Persona: "b", Name: "Second", Missing: []string{"traits.plan"}},
		{Persona: "nobody"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOrderOfEquals(t *testing.T) {
	tea := stated("traits.tea", `"oolong"`)
	var got []string
	for _, m := range persona.Rank(view(tea), []persona.Persona{
		{ID: "b", Fields: []persona.Field{tea}},
		{ID: "0-less", Fields: []persona.Field{stated("traits.city", `"Lviv"`), tea}},
		{ID: "a", Fields: []persona.Field{tea}},
	}, noon) {
		got = append(got, m.Persona)
	}
	if want := []string{"a", "b", "0-less"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestView(t *testing.T) {
	declared := &person.Declared{
		Computed:  []person.ComputedTrait{{Name: "orders", Op: person.Count, Event: "Order Completed"}, {Name: "pages", Op: person.Count, Event: "page"}},
		Lifecycle: &person.Lifecycle{Goal: "Order Completed", Cooling: 60, Lapsed: 180},
	}
	p := persona.Persona{Fields: []persona.Field{
		stated("computed.orders", "4"), ago("computed.last_order_at", 90*time.Minute), ago(persona.FirstSeen, 48*time.Hour),
		stated(persona.Known, "true"), ago(persona.LastSeen, time.Hour), stated("traits.a.b", `"x"`),
	}}
	got := p.View(declared, noon)
	want := &person.View{
		Known: true, Stage: person.Lead, FirstSeen: noon.AddDate(0, 0, -2), LastSeen: noon.Add(-time.Hour),
		Traits:   map[string]person.Trait{"a.b": {Value: json.RawMessage(`"x"`)}},
		Computed: map[string]json.RawMessage{"orders": json.RawMessage("4"), "pages": json.RawMessage("0"), "last_order_at": json.RawMessage(`"2026-11-24T10:30:00.000Z"`)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p.Fields = append(p.Fields, stated(persona.Lifecycle, `"active"`))
	if got := p.View(declared, noon).Stage; got != person.Active {
		t.Errorf("stage %s", got)
	}
	if got := (&persona.Persona{}).View(declared, noon).Stage; got != person.Visitor {
		t.Errorf("nobody's stage is %s", got)
	}
}

// fields draws the values of somebody in fields that everybody may have.
func fields(t *rapid.T, label string, all bool) []persona.Field {
	draws := []func() persona.Field{
		func() persona.Field {
			return stated("traits.city", rapid.SampledFrom([]string{`"Lviv"`, `"Iași"`}).Draw(t, label))
		},
		func() persona.Field {
			return stated("computed.revenue", fmt.Sprint(rapid.Float64().Filter(func(x float64) bool { return !math.IsInf(x, 0) }).Draw(t, label)))
		},
		func() persona.Field {
			return stated("computed.orders", fmt.Sprint(rapid.IntRange(0, 9).Draw(t, label)))
		},
		func() persona.Field {
			text, _ := json.Marshal(rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.Float64Range(0, 1e300)).Draw(t, label))
			return stated("computed.likes", string(text))
		},
		func() persona.Field {
			text, _ := json.Marshal(rapid.SliceOf(rapid.SampledFrom([]string{"x", "y", "z"})).Draw(t, label))
			return stated("traits.tags", string(text))
		},
		func() persona.Field {
			return ago(persona.LastSeen, time.Duration(rapid.Int64Range(0, 1e9).Draw(t, label))*time.Millisecond)
		},
		func() persona.Field {
			return stated(persona.Lifecycle, rapid.SampledFrom([]string{`"lead"`, `"active"`}).Draw(t, label))
		},
	}
	var out []persona.Field
	for i, draw := range draws {
		if all || rapid.Bool().Draw(t, label) {
			f := draw()
			f.Weight = 1 + i
			out = append(out, f)
		}
	}
	return out
}

// scoreOf is what a person scores against one of the personas.
func scoreOf(t *rapid.T, ranked []persona.Match, id string) float64 {
	i := slices.IndexFunc(ranked, func(m persona.Match) bool { return m.Persona == id })
	if i < 0 {
		t.Fatalf("no %s in %+v", id, ranked)
	}
	return ranked[i].Score
}

// Whatever the values: scores are between 0 and 1, a persona that is a person is
// wholly like itself, the order of personas does not matter, and reasons and
// missing fields are all that it states.
func TestScores(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var personas []persona.Persona
		for i := range rapid.IntRange(1, 4).Draw(t, "personas") {
			personas = append(personas, persona.Persona{ID: fmt.Sprint(i), Fields: fields(t, fmt.Sprint("persona ", i), false)})
		}
		ranked := persona.Rank(view(fields(t, "person", false)...), personas, noon)
		for _, m := range ranked {
			if !(m.Score >= 0 && m.Score <= 1) || !(m.Compared >= 0 && m.Compared <= 1) {
				t.Fatalf("%+v", m)
			}
			for _, r := range m.Reasons {
				if !(r.Similarity >= 0 && r.Similarity <= 1) {
					t.Fatalf("%+v", r)
				}
			}
			i := slices.IndexFunc(personas, func(p persona.Persona) bool { return p.ID == m.Persona })
			if len(m.Reasons)+len(m.Missing) != len(personas[i].Fields) {
				t.Fatalf("%+v of %+v", m, personas[i])
			}
		}
		for i := range personas {
			own := persona.Rank(personas[i].View(nil, noon), personas, noon)
			if got := scoreOf(t, own, personas[i].ID); len(personas[i].Fields) > 0 && got != 1 {
				t.Fatalf("%s is like itself by %v", personas[i].ID, got)
			}
		}
		turned := slices.Clone(personas)
		slices.Reverse(turned)
		if diff := cmp.Diff(persona.Rank(personas[0].View(nil, noon), personas, noon), persona.Rank(personas[0].View(nil, noon), turned, noon)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Of two personas that state the same fields, each is as much like the other.
func TestSymmetry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := persona.Persona{ID: "a", Fields: fields(t, "a", true)}
		b := persona.Persona{ID: "b", Fields: fields(t, "b", true)}
		both := []persona.Persona{a, b}
		there := scoreOf(t, persona.Rank(a.View(nil, noon), both, noon), "b")
		back := scoreOf(t, persona.Rank(b.View(nil, noon), both, noon), "a")
		if there != back {
			t.Fatalf("a is like b by %v, b like a by %v", there, back)
		}
	})
}
