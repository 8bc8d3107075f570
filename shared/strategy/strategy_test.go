package strategy_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

var isKnown = audience.Program{Op: audience.OpGet, Path: []string{audience.Known}}

// document returns a small strategy that can be changed at will.
func document() strategy.Document {
	block := func(id, group string, priority int) content.Block {
		return content.Block{ID: id, Slot: "hero", Audience: group, Priority: priority, Weight: 1, Content: json.RawMessage(`{"title":"<b> & ü"}`)}
	}
	winter := block("winter", "", 5)
	winter.Rule = &audience.Program{Op: audience.OpHas, Path: []string{audience.Context, "snow"}}
	return strategy.Document{
		Zone:      "Europe/Kyiv",
		Computed:  []person.ComputedTrait{{Name: "last_order_at", Op: person.Last, Event: "Order Completed", Of: []string{"timestamp"}}},
		Audiences: []audience.Audience{{ID: "known", Name: "Known", Text: "known", When: isKnown}},
		Slots:     []content.Slot{{ID: "hero", Fallback: "welcome"}},
		Blocks:    []content.Block{block("aunt", "known", 5), block("best", "known", 9), block("welcome", "", 0), winter},
	}
}

func TestReady(t *testing.T) {
	doc := document()
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, b := range s.BlocksOf("hero") {
		ids = append(ids, b.ID)
	}
	if want := []string{"best", "aunt", "winter", "welcome"}; !reflect.DeepEqual(ids, want) {
		t.Errorf("blocks are %q, want %q", ids, want)
	}
	winter, ok := s.Block("winter")
	if !ok || winter.When != 1 || s.Rules.Len() != 2 {
		t.Errorf("the rule of winter is %d of %d", winter.When, s.Rules.Len())
	}
	if welcome, _ := s.Block("welcome"); welcome.When != content.NoRule {
		t.Errorf("welcome has rule %d", welcome.When)
	}
	if i, ok := s.AudienceIndex("known"); i != 0 || !ok {
		t.Errorf("the audience has index %d, %v", i, ok)
	}
	if _, ok := s.AudienceIndex("none"); ok {
		t.Error("an audience that does not exist has an index")
	}
	if slot, ok := s.Slot("hero"); !ok || slot.Fallback != "welcome" {
		t.Errorf("the slot is %+v", slot)
	}
	if doc.Blocks[3].When != 0 {
		t.Error("Ready changed the document that it was given")
	}
}

func TestReadyRefuses(t *testing.T) {
	cases := map[string]func(*strategy.Document){
		"unknown slot":             func(d *strategy.Document) { d.Blocks[0].Slot = "none" },
		"unknown audience":         func(d *strategy.Document) { d.Blocks[0].Audience = "none" },
		"unknown fallback":         func(d *strategy.Document) { d.Slots[0].Fallback = "none" },
		"audience rule of nothing": func(d *strategy.Document) { d.Audiences[0].When = audience.Program{} },
		"block rule of nothing":    func(d *strategy.Document) { d.Blocks[0].Rule = &audience.Program{Op: "exists"} },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			doc := document()
			change(&doc)
			_, err := strategy.Ready(doc)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field == "" {
				t.Errorf("got %#v", err)
			}
		})
	}
}

func TestSeal(t *testing.T) {
	one, err := document().Seal()
	if err != nil || len(one.Version) != 12 {
		t.Fatalf("version %q, %v", one.Version, err)
	}
	again, _ := one.Seal()
	if again.Version != one.Version {
		t.Errorf("sealing twice gives %s and %s", one.Version, again.Version)
	}
	other := document()
	other.Blocks[0].Content = json.RawMessage(`{"title":"<b> & u"}`)
	if sealed, _ := other.Seal(); sealed.Version == one.Version {
		t.Error("another strategy has the same version")
	}
}

func TestTimes(t *testing.T) {
	got := strategy.Times([]person.ComputedTrait{
		{Name: "a", Op: person.Last, Of: []string{"timestamp"}},
		{Name: "b", Op: person.First, Of: []string{"timestamp"}},
		{Name: "c", Op: person.Last, Of: []string{"timestamp", "at"}},
		{Name: "d", Op: person.Count},
		{Name: "e", Op: person.Last, Of: []string{"plan"}},
	})
	if want := []string{"computed.a", "computed.b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("times are %q, want %q", got, want)
	}
}
