package people_test

import (
	"slices"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
)

func emailNode(address string) person.NodeID {
	return person.NodeID{Kind: person.Email, Value: address}
}

func externalNode(id string) person.NodeID { return person.NodeID{Kind: person.External, Value: id} }

// told is an event of a server that names no user.
func told(id, name, email string, when time.Time, externals ...string) event.Event {
	e := base(id, event.Track, when)
	e.Name, e.Email, e.ExternalIDs, e.Trusted = name, email, externals, true
	return e
}

// TestEverythingJoinsLater: the courier knows the order, the call centre the
// address, the shop both, and last of all somebody signs in.
func TestEverythingJoinsLater(t *testing.T) {
	strat := sample(t)
	signIn := login("m4", phone, "u1", noon, `{"name":"Ada"}`)
	signIn.Trusted, signIn.Email = true, "customer@example.com"
	all := []event.Event{
		told("m1", "Parcel Delivered", "", noon.Add(-3*time.Hour), "order:7"),
		told("m2", "Call Ended", "customer@example.com", noon.Add(-2*time.Hour)),
		told("m3", "Order Completed", "customer@example.com", noon.Add(-4*time.Hour), "order:7"),
		page("m5", phone, noon.Add(-time.Hour)),
		signIn,
	}
	want := []string{"anonymousId:" + phone, "email:customer@example.com", "external:order:7", "userId:u1"}
	db := newTable(t, at(noon))
	permute(all, func(order []event.Event) {
		empty(t, db)
		s := newStore(db, at(noon))
		for _, e := range order {
			fold(t, s, strat, e)
		}
		p := find(t, s, externalNode("order:7"))
		if got := names(p); !slices.Equal(got, want) {
			t.Fatalf("in the order %v: nodes = %v", order, got)
		}
		for id, rule := range map[person.NodeID]string{
			externalNode("order:7"): "external", emailNode("customer@example.com"): "email", device(phone): "identify",
		} {
			if l := p.Node(id).Owner; l == nil || l.Rule != rule {
				t.Fatalf("%s is owned by %+v", id, l)
			}
		}
		if v := p.View(strat.Declared, noon); string(v.Computed["orders"]) != "1" || string(v.Computed["pages"]) != "1" {
			t.Fatalf("computed = %s", v.Computed)
		}
	})
}

// Two customers with one address stay two: it belongs to the one who was seen
// with it first, whichever is told first.
func TestSharedAddress(t *testing.T) {
	strat := sample(t)
	with := func(id, user string, when time.Time) event.Event {
		e := order(id, user, when, "5")
		e.Email = "family@example.com"
		return e
	}
	first, second := with("m1", "u1", noon.Add(-2*time.Hour)), with("m2", "u2", noon.Add(-time.Hour))
	for _, list := range [][]event.Event{{first, second}, {second, first}} {
		s := newStore(newTable(t, at(noon)), at(noon))
		for _, e := range list {
			fold(t, s, strat, e)
		}
		one, two := names(find(t, s, userNode("u1"))), names(find(t, s, userNode("u2")))
		if !slices.Equal(one, []string{"email:family@example.com", "userId:u1"}) || !slices.Equal(two, []string{"userId:u2"}) {
			t.Errorf("%v and %v", one, two)
		}
	}
}

// Two customers who left their addresses on one device stay two.
func TestAddressesOfOneDevice(t *testing.T) {
	strat := sample(t)
	left := func(id, email string, when time.Time) event.Event {
		e := login(id, phone, "", when, "")
		e.Trusted, e.Email = true, email
		return e
	}
	first, second := left("m1", "one@example.com", noon.Add(-2*time.Hour)), left("m2", "two@example.com", noon.Add(-time.Hour))
	for _, list := range [][]event.Event{{first, second}, {second, first}} {
		s := newStore(newTable(t, at(noon)), at(noon))
		for _, e := range list {
			fold(t, s, strat, e)
		}
		if one := names(find(t, s, emailNode("one@example.com"))); !slices.Equal(one, []string{"anonymousId:" + phone, "email:one@example.com"}) {
			t.Errorf("one = %v", one)
		}
		if two := names(find(t, s, emailNode("two@example.com"))); !slices.Equal(two, []string{"email:two@example.com"}) {
			t.Errorf("two = %v", two)
		}
	}
}

func TestVerdictOfAnAddressThatIsTaken(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	for i, user := range []string{"u1", "u2"} {
		e := order("m"+user, user, noon.Add(time.Duration(i-9)*time.Hour), "1")
		e.Email = "taken@example.com"
		fold(t, s, strat, e)
	}
	if got := verdicts(t, s, userNode("u2"))["mu2"]; !slices.Equal(got, []string{people.MergeRefused}) {
		t.Errorf("verdict = %v", got)
	}
}
