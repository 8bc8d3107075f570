package decision_test

import (
	"encoding/json"
	"testing"
	"time"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/decision"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// is is the rule that a value at the path equals the text.
func is(text string, path ...string) audience.Program {
	return audience.Program{Op: audience.OpEqual, Args: []audience.Program{
		{Op: audience.OpGet, Path: path},
		{Op: audience.OpConst, Type: audience.TypeString, Text: text},
	}}
}

// always is a rule with the same result for everybody.
func always(result string) audience.Program {
	return audience.Program{Op: audience.OpConst, Type: audience.TypeBool, Text: result}
}

// audiences are those that the tests' blocks name.
func audiences() []audience.Audience {
	return []audience.Audience{
		{ID: "ukraine", Name: "From Ukraine", When: is("UA", "traits", "country")},
		{ID: "all", Name: "All", When: always("true")},
		{ID: "none", Name: "None", When: always("false")},
	}
}

// from is the view of a person who has the country, "" for an empty person.
func from(country string) *person.View {
	v := (&person.Person{}).View(nil, time.Time{})
	if country != "" {
		v.Traits["country"] = person.Trait{Value: json.RawMessage(`"` + country + `"`)}
	}
	return v
}

// block makes a block of slot hero that everybody may see.
func block(id string, edit ...func(*content.Block)) content.Block {
	b := content.Block{ID: id, Slot: "hero", Weight: 1, Content: json.RawMessage(`{}`)}
	for _, e := range edit {
		e(&b)
	}
	return b
}

func to(audience string) func(*content.Block) {
	return func(b *content.Block) { b.Audience = audience }
}

func priority(n int) func(*content.Block) { return func(b *content.Block) { b.Priority = n } }

func weight(n int) func(*content.Block) { return func(b *content.Block) { b.Weight = n } }

func during(from, until time.Time) func(*content.Block) {
	return func(b *content.Block) { b.From, b.Until = from, until }
}

func when(rule audience.Program) func(*content.Block) {
	return func(b *content.Block) { b.Rule = &rule }
}

// plan lays out slot hero with these blocks and the fallback "default".
func plan(t testing.TB, blocks ...content.Block) *decision.Plan {
	t.Helper()
	return planOf(t, strategy.Document{
		Version: "v1", Zone: "UTC", Audiences: audiences(),
		Slots:  []content.Slot{{ID: "hero", Fallback: "default"}},
		Blocks: append(blocks, block("default")),
	})
}

func planOf(t testing.TB, doc strategy.Document) *decision.Plan {
	t.Helper()
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	return decision.NewPlan(s)
}

// all are the slots of a plan.
func all(t testing.TB, p *decision.Plan) []*decision.Slot {
	t.Helper()
	slots, err := p.Slots(nil)
	if err != nil {
		t.Fatal(err)
	}
	return slots
}

// one decides the only slot of a plan.
func one(t testing.TB, p *decision.Plan, r decision.Request) decision.Decision {
	t.Helper()
	r.Slots = all(t, p)
	if r.View == nil {
		r.View = from("")
	}
	if r.Now.IsZero() {
		r.Now = noon
	}
	return p.Decide(r).Decisions[0]
}
