package person_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/person"
)

// What outcomes are put down to is stored as it is, and a clone has its own.
func TestExposuresAndOrdersAreKept(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	p := person.New(person.NodeID{Kind: person.UserID, Value: "u1"}, at)
	n := p.Nodes[0]
	n.Shown = map[string]person.Exposure{"hero/warm": {At: at, Since: at.Add(-time.Hour), Ordered: true}, "hero/cold": {At: at}}
	n.Orders = []person.Order{{ID: "o1", At: at, Currency: "EUR", Hundredths: 1999}, {ID: "o2", At: at.Add(time.Hour), Currency: "XXX"}}
	body, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := person.Decode(p.Root, 1, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]*person.Node{"stored": stored.Nodes[0], "cloned": p.Clone().Nodes[0]} {
		if diff := cmp.Diff(n.Shown, got.Shown) + cmp.Diff(n.Orders, got.Orders); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	p.Clone().Nodes[0].Orders[0].ID = "another"
	if n.Orders[0].ID != "o1" {
		t.Error("a clone changes its original")
	}
	for seen, want := range map[string]time.Time{"hero/warm": at.Add(-time.Hour), "hero/cold": at} {
		if got := n.Shown[seen].From(); !got.Equal(want) {
			t.Errorf("%s is from %s", seen, got)
		}
	}
}
