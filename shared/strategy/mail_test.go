package strategy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// mailing returns the small strategy with journeys that wait for so many hours.
func mailing(t *testing.T, hours map[string]int) strategy.Document {
	t.Helper()
	doc := document()
	doc.Purposes = []message.Purpose{{ID: "marketing", Name: "News", Basis: message.OptOut}}
	doc.Messages = []message.Template{{ID: "reminder", Purpose: "marketing", Guarantee: message.AtMostOnce, Subject: "S", HTML: "<p>H</p>"}}
	for _, id := range []string{"cart", "welcome"} {
		if hours[id] == 0 {
			continue
		}
		j, err := strategy.SealJourney(journey.Journey{
			ID: id, Start: "Product Added", Goal: []string{"Order Completed"},
			Steps: []journey.Step{{Wait: time.Duration(hours[id]) * time.Hour, Send: "reminder"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		doc.Journeys = append(doc.Journeys, j)
	}
	return doc
}

func TestMailLookups(t *testing.T) {
	s, err := strategy.Ready(mailing(t, map[string]int{"cart": 1}))
	if err != nil {
		t.Fatal(err)
	}
	j, ok := s.Journey("cart")
	if !ok || j.Steps[0].Wait != time.Hour || len(j.Version) != 12 {
		t.Errorf("the journey is %+v", j)
	}
	if again, ok := s.JourneyVersion("cart", j.Version); !ok || again.ID != "cart" {
		t.Error("its version was not found")
	}
	if m, ok := s.Message("reminder"); !ok || m.Purpose != "marketing" {
		t.Errorf("the message is %+v", m)
	}
	if p, ok := s.Purpose("marketing"); !ok || p.Basis != message.OptOut {
		t.Errorf("the purpose is %+v", p)
	}
	_, one := s.Journey("none")
	_, two := s.JourneyVersion("cart", "none")
	_, three := s.Message("none")
	_, four := s.Purpose("none")
	if one || two || three || four {
		t.Error("what does not exist was found")
	}
}

func TestReadyChecksMail(t *testing.T) {
	for field, change := range map[string]func(*strategy.Document){
		"messages.reminder.purpose": func(d *strategy.Document) { d.Messages[0].Purpose = "none" },
		"journeys.cart.steps":       func(d *strategy.Document) { d.Journeys[0].Steps[0].Send = "none" },
	} {
		doc := mailing(t, map[string]int{"cart": 1})
		change(&doc)
		_, err := strategy.Ready(doc)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != field {
			t.Errorf("got %v, want a fault in %s", err, field)
		}
	}
}

func TestSealJourney(t *testing.T) {
	one := mailing(t, map[string]int{"cart": 1}).Journeys[0]
	again, err := strategy.SealJourney(one)
	if err != nil || again.Version != one.Version {
		t.Errorf("sealing twice gives %s and %s, %v", one.Version, again.Version, err)
	}
	if two := mailing(t, map[string]int{"cart": 2}).Journeys[0]; two.Version == one.Version {
		t.Error("another journey has the same version")
	}
}

// retired publishes and reads back, and writes the retired versions by their
// hours.
func retired(t *testing.T, m *memory, hours map[string]int) string {
	t.Helper()
	if err := strategy.Publish(context.Background(), m, mailing(t, hours), start); err != nil {
		t.Fatal(err)
	}
	s, err := strategy.NewReader(m, func() time.Time { return start }).Current(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, j := range s.Retired {
		if found, ok := s.JourneyVersion(j.ID, j.Version); !ok || found.Steps[0].Wait != j.Steps[0].Wait {
			t.Errorf("version %s of %s is not found", j.Version, j.ID)
		}
		out = append(out, fmt.Sprint(j.ID, int(j.Steps[0].Wait.Hours())))
	}
	return strings.Join(out, " ")
}

func TestPublishRetires(t *testing.T) {
	m := newMemory(t)
	steps := []struct {
		hours map[string]int
		want  string
	}{
		{map[string]int{"cart": 1, "welcome": 1}, ""},
		{map[string]int{"cart": 2, "welcome": 1}, "cart1"},
		{map[string]int{"cart": 3, "welcome": 2}, "cart2 cart1 welcome1"},
		{map[string]int{"cart": 1, "welcome": 2}, "cart3 cart2 welcome1"},
		{map[string]int{"cart": 1}, "cart3 cart2"},
		{map[string]int{}, ""},
	}
	for _, step := range steps {
		if got := retired(t, m, step.hours); got != step.want {
			t.Errorf("%v retires %q, want %q", step.hours, got, step.want)
		}
		writes := m.writes
		if got := retired(t, m, step.hours); got != step.want || m.writes != writes {
			t.Errorf("%v published again retires %q with %d writes", step.hours, got, m.writes-writes)
		}
	}
	for hours := 1; hours <= 30; hours++ {
		retired(t, m, map[string]int{"cart": hours})
	}
	if got := retired(t, m, map[string]int{"cart": 30}); strings.Count(got, "cart") != 20 || !strings.HasPrefix(got, "cart29 ") || !strings.HasSuffix(got, " cart10") {
		t.Errorf("after 30 versions: %q", got)
	}
}

func TestPublishMendsDamage(t *testing.T) {
	damage := map[string]func(*memory, table.Key){
		"a part is missing": func(m *memory, key table.Key) { delete(m.items, key) },
		"no JSON": func(m *memory, key table.Key) {
			item := m.items[key]
			item.Body = item.Body[:10]
			m.items[key] = item
		},
	}
	for name, change := range damage {
		m := newMemory(t)
		one := publish(t, m, mailing(t, map[string]int{"cart": 1}))
		change(m, table.StrategyPartKey(one, "rest", 0))
		if got := retired(t, m, map[string]int{"cart": 2}); got != "" {
			t.Errorf("%s: retires %q", name, got)
		}
	}
	m := newMemory(t)
	publish(t, m, mailing(t, map[string]int{"cart": 1}))
	m.broken = true
	if err := strategy.Publish(context.Background(), m, mailing(t, map[string]int{"cart": 2}), start); !errors.Is(err, errBroken) {
		t.Errorf("with the table down: %v", err)
	}
}
