package people_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// parted is the victim's device, taken away from the victim: each is kept apart
// from the other, and events that named both wait.
func parted(t testing.TB, strat *strategy.Strategy) (shelf, *people.Store) {
	t.Helper()
	s := shelf{}
	store := newStore(s, at(noon))
	fold(t, store, strat, page("v1", tablet, noon.Add(-time.Hour)), login("v2", tablet, victim, noon.Add(-time.Minute), `{"country":"UA"}`))
	split(t, store, strat, device(tablet))
	return s, store
}

// Who was kept apart from somebody who is erased remembers nothing of it,
// whichever commit of the erasure is lost. An event of the other side stays its
// own, and names nobody else but under a hash.
func TestErasureOfOneSideOfASplit(t *testing.T) {
	strat := sample(t)
	for name, erased := range map[string]person.NodeID{"who left": device(tablet), "who stayed": userNode(victim)} {
		for lose := range 12 {
			s, store := parted(t, strat)
			if len(s.names(erased.Value)) < 2 {
				t.Fatal("too little names the erased identity before: this proves nothing")
			}
			f := &faulty{Table: s, lose: lose, applied: lose%2 == 0}
			if _, err := newStore(f, at(noon)).Erase(t.Context(), erased, nil); err != nil {
				erase(t, store, erased)
			}
			if got := s.names(erased.Value); len(got) > 0 {
				t.Errorf("%s, commit %d lost: %v name it", name, lose, got)
			}
			want := []table.Key{table.PersonKey(erased.Hash())}
			if erased == device(tablet) {
				want = append(want, table.EventKey(userNode(victim).Hash(), "v2"))
			}
			got := slices.DeleteFunc(s.names(erased.Hash()), func(key table.Key) bool {
				item, _ := s.at(key)
				return blanked(item)
			})
			slices.SortFunc(got, func(a, b table.Key) int { return strings.Compare(b.Sort, a.Sort) })
			if !slices.Equal(got, want) {
				t.Errorf("%s, commit %d lost: %v hold its hash, want %v", name, lose, got, want)
			}
		}
	}
}

// Nobody who was erased comes back by a lift, or is split.
func TestLiftAfterTheOtherSideIsErased(t *testing.T) {
	strat := sample(t)
	s, store := parted(t, strat)
	erase(t, store, userNode(victim))
	lift(t, store, strat, device(tablet))
	split(t, store, strat, device(tablet))
	item, _ := s.at(table.PersonKey(userNode(victim).Hash()))
	if _, erased := person.DecodeTombstone(item.Body); !erased {
		t.Errorf("the victim is back: %s", item.Body)
	}
	if got := names(find(t, store, device(tablet))); len(got) != 1 {
		t.Errorf("the tablet is with %v", got)
	}
	for name, step := range map[string]func(context.Context, *strategy.Strategy, person.NodeID) ([]people.Effect, bool, error){
		"split": store.Split, "lift": store.Lift,
	} {
		if _, _, err := step(t.Context(), strat, userNode(victim)); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s of the erased: %v", name, err)
		}
	}
}

// departing is a table in which the device goes from u2 to u1 after its pointer
// was read and before the person that it led to is.
func departing(t *testing.T, strat *strategy.Strategy) (m *moving, after *people.Store) {
	t.Helper()
	s := shelf{}
	other := newStore(s, at(noon))
	fold(t, other, strat, order("m1", "u2", noon, "1"), order("m2", "u1", noon, "1"))
	other = newStore(s, at(noon.Add(time.Minute))) // so that the device is younger than its user
	fold(t, other, strat, login("m3", phone, "u2", noon, ""))
	m = &moving{Table: s, meet: func() { fold(t, other, strat, login("m4", phone, "u1", noon.Add(-time.Hour), "")) }}
	return m, other
}

// Whoever looks for a device, erases it, or records what it said, meets its new
// person and not the one that it was just leaving.
func TestDeviceMovesDuringALookUp(t *testing.T) {
	strat := sample(t)
	for name, c := range map[string]struct {
		do   func(*people.Store) error
		held func(after *people.Store) bool
	}{
		"find": {func(s *people.Store) error {
			if p := find(t, s, device(phone)); p.Node(device(phone)) == nil {
				t.Error("another customer is shown")
			}
			return nil
		}, func(*people.Store) bool { return true }},
		"erase": {func(s *people.Store) error {
			_, err := s.Erase(t.Context(), device(phone), nil)
			return err
		}, func(after *people.Store) bool {
			return find(t, after, userNode("u2")) != nil && find(t, after, userNode("u1")) == nil
		}},
		"consent": {func(s *people.Store) error {
			return s.Agree(t.Context(), strat, device(phone), "marketing", person.Consent{At: noon})
		}, func(after *people.Store) bool {
			_, said := find(t, after, userNode("u1")).Consents()["marketing"]
			return said
		}},
		"split": {func(s *people.Store) error {
			_, _, err := s.Split(t.Context(), strat, device(phone))
			return err
		}, func(after *people.Store) bool { return len(find(t, after, device(phone)).Nodes) == 1 }},
	} {
		m, after := departing(t, strat)
		if err := c.do(newStore(m, at(noon))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if m.meet != nil {
			t.Fatal("nothing moved: the test proves nothing")
		}
		if !c.held(after) {
			t.Errorf("%s: the wrong person", name)
		}
	}
}

// What a device's move takes from its former owner is announced under the
// former owner, whom the event's record does not name.
func TestWhoLosesADeviceIsAnnounced(t *testing.T) {
	strat := sample(t)
	s := shelf{}
	store := newStore(s, at(noon))
	fold(t, store, strat, order("m1", victim, noon, "1"), login("m2", phone, "", noon, `{"country":"UA"}`), login("m3", phone, victim, noon, ""))
	for range 2 {
		moved := fold(t, store, strat, login("m4", phone, "u1", noon.Add(-time.Hour), ""))
		left := slices.IndexFunc(moved, func(e people.Effect) bool { return e.Kind == people.AudienceLeft })
		if left < 0 || moved[left].Node != "userId:"+victim {
			t.Errorf("effects %+v", moved)
		}
	}
	erase(t, store, userNode(victim))
	if found := s.names(victim); len(found) > 0 {
		t.Errorf("%v name the erased", found)
	}
	for _, e := range fold(t, store, strat, login("m4", phone, "u1", noon.Add(-time.Hour), "")) {
		if e.Node == "userId:"+victim {
			t.Errorf("again, after the erasure: %+v", e)
		}
	}
}

// In one batch history stays silent and what happens now does not, whichever of
// them is last.
func TestHistoryAmongWhatHappensNow(t *testing.T) {
	strat := sample(t)
	history := order("h1", "u1", noon.AddDate(-1, 0, 0), "600")
	history.Imported = true
	for name, c := range map[string]struct {
		batch []event.Event
		want  []string
	}{
		"history of another person first": {
			[]event.Event{history, page("m2", laptop, noon)}, []string{"Audience Entered new-visitor"},
		},
		"history last": {
			[]event.Event{login("m4", phone, "u3", noon.Add(-time.Hour), ""), history},
			[]string{"Stage Entered first-purchase lead", "Audience Left from-ukraine"},
		},
	} {
		store := newStore(shelf{}, at(noon))
		fold(t, store, strat, order("m1", "u2", noon, "1"), login("m2", phone, "", noon, `{"country":"UA"}`), login("m3", phone, "u2", noon, ""))
		effects, err := store.Fold(t.Context(), strat, c.batch)
		if got := kinds(effects); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

// An identity that an alias merely implies speaks for nobody.
func TestImpliedIdentityIsNoSpokesman(t *testing.T) {
	strat := sample(t)
	store := newStore(shelf{}, at(noon))
	fold(t, store, strat, order("m1", "u2", noon, "600"), alias("m2", "a-device-of-u2-00", "u2", noon, true))
	fold(t, store, strat, login("m3", "a-device-of-u2-00", "", noon, `{"country":"UA"}`))
	effects, _, err := store.Split(t.Context(), strat, device("a-device-of-u2-00"))
	if err != nil || len(effects) == 0 {
		t.Fatal(effects, err)
	}
	for _, e := range effects {
		if e.Node != "userId:u2" && e.Node != "anonymousId:a-device-of-u2-00" {
			t.Errorf("%s is announced under %s", e.Kind, e.Node)
		}
	}
}

// A lift that two proofs wait for leads straight to the earlier one: nobody
// inherits a membership on the way.
func TestLiftLeadsStraightToTheOwner(t *testing.T) {
	strat := sample(t)
	store := newStore(shelf{}, at(noon))
	fold(t, store, strat, order("m1", "u1", noon, "600"), order("m2", "u2", noon, "250"), order("m3", "u3", noon, "300"))
	fold(t, store, strat, alias("m4", "u3", "u1", noon, true))
	split(t, store, strat, userNode("u3"))
	fold(t, store, strat, alias("m5", "u3", "u2", noon.Add(-time.Hour), true))
	split(t, store, strat, userNode("u3"))
	effects, _, err := store.Lift(t.Context(), strat, userNode("u3"))
	effects = slices.DeleteFunc(effects, func(e people.Effect) bool { return !strings.HasPrefix(e.Cause, "lift") })
	if got := kinds(effects); err != nil || !slices.Equal(got, []string{"Audience Entered vip", "Stage Entered first-purchase active"}) || effects[0].Node != "userId:u2" {
		t.Errorf("effects %+v, %v", effects, err)
	}
}
