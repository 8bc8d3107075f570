package decision_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/content"
	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

func TestDecide(t *testing.T) {
	const tick = time.Millisecond
	cases := []struct {
		name    string
		blocks  []content.Block
		country string
		context string
		want    string // block and policy
	}{
		{"nothing there", nil, "", "", "default fallback"},
		{"for everyone", []content.Block{block("a")}, "", "", "a rule"},
		{"in the audience", []content.Block{block("a", to("ukraine"))}, "UA", "", "a rule"},
		{"not in the audience", []content.Block{block("a", to("ukraine"))}, "PL", "", "default fallback"},
		{"rule that fails", []content.Block{block("a", to("ukraine"))}, "", "", "default fallback"},
		{"own rule that fails", []content.Block{block("a", when(is("x", "context", "page")))}, "", "", "default fallback"},
		{"own rule that holds", []content.Block{block("a", when(is("x", "context", "page")))}, "", `{"page":"x"}`, "a rule"},
		{"own rule that does not", []content.Block{block("a", when(is("x", "context", "page")))}, "", `{"page":"y"}`, "default fallback"},
		{"audience and own rule", []content.Block{block("a", to("ukraine"), when(always("false")))}, "UA", "", "default fallback"},
		{"begins now", []content.Block{block("a", during(noon, time.Time{}))}, "", "", "a rule"},
		{"begins later", []content.Block{block("a", during(noon.Add(tick), time.Time{}))}, "", "", "default fallback"},
		{"ends later", []content.Block{block("a", during(time.Time{}, noon.Add(tick)))}, "", "", "a rule"},
		{"ends now", []content.Block{block("a", during(time.Time{}, noon))}, "", "", "default fallback"},
		{"the higher priority", []content.Block{block("a", priority(1)), block("b", priority(2))}, "", "", "b rule"},
		{"a priority below zero beats the fallback", []content.Block{block("a", priority(-5))}, "", "", "a rule"},
		{
			"the best of what is left",
			[]content.Block{block("a", priority(9), to("none")), block("b", priority(8), during(time.Time{}, noon)), block("c", priority(7), to("all")), block("d")},
			"", "", "c rule",
		},
		{
			"the best block stands behind a worse one of its audience that may not be shown",
			[]content.Block{block("a", priority(3), to("all"), when(always("false"))), block("b", priority(2)), block("c", priority(1), to("all"))},
			"", "", "b rule",
		},
		{
			"the best block stands on another shelf",
			[]content.Block{block("a", priority(5), to("all"), when(always("false"))), block("b", priority(1), to("all")), block("c", priority(4))},
			"", "", "c rule",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := one(t, plan(t, c.blocks...), decision.Request{Unit: "u", View: from(c.country), Context: json.RawMessage(c.context)})
			if text := got.Block.ID + " " + string(got.Policy); text != c.want || got.Probability != 1 || got.Slot != "hero" {
				t.Errorf("got %s with probability %v in %s, want %s", text, got.Probability, got.Slot, c.want)
			}
			if got.Candidates != nil {
				t.Error("explained without being asked")
			}
		})
	}
}

// What is found for one person must not be remembered for the next.
func TestDecideForgets(t *testing.T) {
	p := plan(t, block("a", to("ukraine")))
	for i, country := range strings.Fields("UA PL UA XX UA") {
		want := map[bool]string{true: "a", false: "default"}[country == "UA"]
		if got := one(t, p, decision.Request{View: from(country)}); got.Block.ID != want {
			t.Errorf("person %d from %s got %s", i, country, got.Block.ID)
		}
	}
}

func TestDecideAtOnce(t *testing.T) {
	p := plan(t, block("a", to("ukraine")), block("b", to("all"), priority(-1)), block("c", to("all"), priority(-1)))
	slots := all(t, p)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			country := []string{"UA", "PL"}[i%2]
			want := p.Decide(decision.Request{Slots: slots, Unit: "u", View: from(country), Now: noon}).Decisions[0].Block.ID
			if (want == "a") != (country == "UA") {
				t.Errorf("from %s got %s", country, want)
			}
			for range 200 {
				if got := p.Decide(decision.Request{Slots: slots, Unit: "u", View: from(country), Now: noon}).Decisions[0].Block.ID; got != want {
					t.Errorf("from %s got %s, then %s", country, want, got)
				}
			}
		})
	}
	wg.Wait()
}

func TestExplain(t *testing.T) {
	p := plan(t,
		block("early", priority(9), during(noon.Add(time.Hour), time.Time{})),
		block("late", priority(9), during(time.Time{}, noon)),
		block("out", priority(8), to("ukraine")),
		block("ruled", priority(7), when(is("x", "context", "page"))),
		block("b", priority(6), to("all")), block("a", priority(6)),
		block("low"),
	)
	r := decision.Request{
		Slots: all(t, p), Unit: "u", View: from("PL"), Context: json.RawMessage(`{"page":"y"}`), Now: noon, Explain: true,
	}
	answer := p.Decide(r)
	d := answer.Decisions[0]
	lost := map[string]string{"a": "b", "b": "a"}[d.Block.ID]
	want := map[string]decision.Reason{
		"early": decision.Early, "late": decision.Late, "out": decision.Audience, "ruled": decision.When,
		d.Block.ID: decision.Chosen, lost: decision.Equal, "low": decision.Outranked, "default": decision.Unneeded,
	}
	got := map[string]decision.Reason{}
	var order []string
	for _, c := range d.Candidates {
		got[c.Block] = c.Reason
		order = append(order, c.Block)
		if ruled := c.Reason == decision.Audience || c.Reason == decision.When; ruled == (c.Why == "") {
			t.Errorf("%s: %s because %q", c.Block, c.Reason, c.Why)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := strings.Join(order, " "); got != "early late out ruled a b low default" {
		t.Errorf("order is %s", got)
	}
	if diff := cmp.Diff([]string{"all"}, answer.Audiences); diff != "" {
		t.Error(diff)
	}
	r.View = from("UA")
	if got := p.Decide(r).Audiences; !cmp.Equal(got, []string{"all", "ukraine"}) {
		t.Errorf("audiences are %v", got)
	}
}

func TestFallbacks(t *testing.T) {
	p := plan(t, block("a"))
	got := p.Fallbacks(all(t, p)).Decisions
	if len(got) != 1 || got[0].Block.ID != "default" || got[0].Policy != decision.Fallback || got[0].Probability != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestSlots(t *testing.T) {
	doc := strategy.Document{Version: "v1", Zone: "UTC"}
	for _, id := range []string{"c", "a", "b"} {
		doc.Slots = append(doc.Slots, content.Slot{ID: id, Fallback: id + "-0"})
		doc.Blocks = append(doc.Blocks, content.Block{ID: id + "-0", Slot: id, Weight: 1, Content: json.RawMessage(`{}`)})
	}
	p := planOf(t, doc)
	many := strings.Fields(strings.Repeat("a ", decision.MaxSlots))
	cases := []struct {
		name        string
		ask         []string
		want        string
		code, field string
	}{
		{"nil is all, by id", nil, "a b c", "", ""},
		{"none", []string{}, "", "", ""},
		{"in the order asked", []string{"b", "a"}, "b a", "", ""},
		{"twice is once", []string{"b", "a", "b"}, "b a", "", ""},
		{"unknown", []string{"a", "x"}, "", "unknown_slot", "slots[1]"},
		{"empty name", []string{""}, "", "unknown_slot", "slots[0]"},
		{"as many as may be", many, "a", "", ""},
		{"one too many", append(many, "a"), "", "too_many_slots", "slots"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			slots, err := p.Slots(c.ask)
			var f *fault.Error
			if errors.As(err, &f); f != nil && (f.Code != c.code || f.Field != c.field || f.Kind != fault.Invalid) || (f == nil) != (c.code == "") {
				t.Fatalf("err = %v, want %s in %s", err, c.code, c.field)
			}
			var ids []string
			for _, s := range slots {
				ids = append(ids, s.ID)
			}
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A slot answers for its own blocks only, and one Facts serves all slots.
func TestManySlots(t *testing.T) {
	doc := strategy.Document{Version: "v1", Zone: "UTC", Audiences: audiences()}
	for i := range decision.MaxSlots {
		id := fmt.Sprintf("s%02d", i)
		doc.Slots = append(doc.Slots, content.Slot{ID: id, Fallback: id + "-0"})
		for _, b := range []content.Block{block(id + "-0"), block(id+"-1", to("ukraine"))} {
			b.Slot = id
			doc.Blocks = append(doc.Blocks, b)
		}
	}
	p := planOf(t, doc)
	for _, v := range []struct {
		view *person.View
		end  string
	}{{from("UA"), "-1"}, {from("PL"), "-0"}} {
		for i, d := range p.Decide(decision.Request{Slots: all(t, p), Unit: "u", View: v.view, Now: noon}).Decisions {
			if want := fmt.Sprintf("s%02d", i); d.Slot != want || d.Block.ID != want+v.end {
				t.Errorf("slot %d: %s has %s", i, d.Slot, d.Block.ID)
			}
		}
	}
}
