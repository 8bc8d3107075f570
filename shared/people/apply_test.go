package people_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
)

func TestApplyLeavesItsInputAlone(t *testing.T) {
	strat := sample(t)
	p := person.New(userNode("u1"), noon)
	before, _ := p.Encode()
	e := order("m1", "u1", noon, "600")
	next, effects := people.Apply(p, &e, strat, noon)
	if after, _ := p.Encode(); string(before) != string(after) {
		t.Errorf("Apply changed the person it was given:\n%s\n%s", before, after)
	}
	again, same := people.Apply(p, &e, strat, noon)
	a, _ := next.Encode()
	b, _ := again.Encode()
	if string(a) != string(b) || !slices.Equal(effects, same) {
		t.Error("the same input gave another output")
	}
	if got := kinds(effects); !slices.Equal(got, []string{"Audience Entered vip", "Stage Entered visitor first-purchase"}) {
		t.Errorf("effects = %v", got)
	}
	if !strings.HasPrefix(effects[0].ID, userNode("u1").Hash()+"_") {
		t.Errorf("effect id %q does not begin with the node's hash", effects[0].ID)
	}
}

func TestApplyOfHistoryTriggersNothing(t *testing.T) {
	strat := sample(t)
	e := order("m1", "u1", noon.AddDate(-2, 0, 0), "600")
	e.Imported = true
	p, effects := people.Apply(person.New(userNode("u1"), noon), &e, strat, noon)
	if _, vip := p.Audiences["vip"]; len(effects) != 0 || !vip {
		t.Errorf("effects %v, audiences %v", effects, p.Audiences)
	}
}

func TestComputedTraits(t *testing.T) {
	strat := sample(t)
	p := person.New(userNode("u1"), noon)
	for i, properties := range []string{
		`{"revenue":10.10,"total":99}`, `{"total":"20.20"}`, `{"revenue":null,"total":0.7}`, `{"revenue":"free"}`, `{}`,
	} {
		e := order(string(rune('a'+i)), "u1", noon.Add(time.Duration(i)*time.Minute), "0")
		e.Properties = []byte(properties)
		p, _ = people.Apply(p, &e, strat, noon)
	}
	other := base("x", event.Track, noon.Add(time.Hour))
	other.Name, other.UserID = "Order Cancelled", "u1"
	p, _ = people.Apply(p, &other, strat, noon)
	v := p.View(strat.Declared, noon)
	for name, want := range map[string]string{
		"orders": "5", "revenue": "31", "last_order_at": `"2026-11-24T12:04:00.000Z"`, "pages": "0",
	} {
		if got := string(v.Computed[name]); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

func TestTraitsOfTracksAreNotThePersons(t *testing.T) {
	strat := sample(t)
	p := person.New(userNode("u1"), noon)
	e := order("m1", "u1", noon, "1")
	e.Traits = []byte(`{"country":"UA"}`)
	if p, _ = people.Apply(p, &e, strat, noon); len(p.View(nil, noon).Traits) != 0 {
		t.Error("a track set traits")
	}
}

func TestTogether(t *testing.T) {
	events := []event.Event{
		page("0", phone, noon), page("1", laptop, noon), order("2", "u1", noon, "1"),
		login("3", phone, "u1", noon, ""), page("4", laptop, noon), order("5", "u2", noon, "1"),
	}
	got := people.Together(events)
	want := [][]int{{0, 2, 3}, {1, 4}, {5}}
	if !slices.EqualFunc(got, want, slices.Equal[[]int]) {
		t.Errorf("groups = %v, want %v", got, want)
	}
}

// A trait may change its type: the latest event decides, whatever arrives first,
// its value is kept as it was sent, and what it was before stays in the timeline.
func TestRow47TraitChangesType(t *testing.T) {
	strat := sample(t)
	text := login("m1", phone, "u1", noon, `{"size":"38"}`)
	number := login("m2", phone, "u1", noon.Add(time.Second), `{"size":38.50}`)
	list := login("m3", phone, "u1", noon.Add(-time.Second), `{"size":["M","L"]}`)
	for _, events := range [][]event.Event{{text, number, list}, {number, list, text}, {list, text, number}} {
		s := newStore(newTable(t, at(noon.Add(time.Minute))), at(noon.Add(time.Minute)))
		for i := range events {
			events[i].Trusted = true
			fold(t, s, strat, events[i])
		}
		p := find(t, s, userNode("u1"))
		if got := p.View(strat.Declared, noon).Traits["size"]; string(got.Value) != "38.50" || got.By != "m2" {
			t.Errorf("size is %s by %s", got.Value, got.By)
		}
		records, _, err := s.Timeline(t.Context(), lasting, p, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, r := range records {
			told = append(told, string(r.Event.Traits))
		}
		if want := []string{`{"size":38.50}`, `{"size":"38"}`, `{"size":["M","L"]}`}; !slices.Equal(told, want) {
			t.Errorf("the timeline tells %s", told)
		}
	}
}
