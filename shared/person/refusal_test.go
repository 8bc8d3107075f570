package person_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rapport/shared/person"
)

// A refusal is kept at both ends, survives storage, and is no part of a clone
// that the original changes.
func TestRefusalIsKept(t *testing.T) {
	user, device := person.NodeID{Kind: person.UserID, Value: "u1"}, person.NodeID{Kind: person.AnonymousID, Value: "a1"}
	link := person.Link{To: user, Rule: "identify", At: time.UnixMilli(1000).UTC(), By: "m1"}
	p := person.New(user, link.At)
	p.Adopt(&person.Node{ID: device, Owner: &link})
	if !p.TakeOut(device) || p.TakeOut(device) {
		t.Fatal("taking out changes something once")
	}
	if want := []person.Refusal{{With: user, Out: true, Link: &link}}; !cmp.Equal(p.Node(device).Refused, want) {
		t.Errorf("the device keeps %v", p.Node(device).Refused)
	}
	if want := []person.Refusal{{With: device}}; !cmp.Equal(p.Node(user).Refused, want) {
		t.Errorf("the user keeps %v", p.Node(user).Refused)
	}
	body, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := person.Decode(p.Root, 1, body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Nodes, stored.Nodes, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("stored (-before +after):\n%s", diff)
	}
	clone := p.Clone()
	clone.Node(device).Withhold(person.Link{To: user, Rule: "alias", By: "m0"})
	if p.Node(device).Refusal(user).Link.By != "m1" {
		t.Error("a clone changes its original")
	}
	if l := p.Node(device).Lift(user); l == nil || *l != link || p.Node(device).Refusal(user) != nil {
		t.Errorf("lifted %v", l)
	}
}
