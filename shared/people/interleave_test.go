package people_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Whatever else happens during a split, call by call: all is as if the one had
// come after the other.
func TestSplitAmongOthers(t *testing.T) {
	strat := sample(t)
	ids := []person.NodeID{userNode("u1"), userNode("u2"), userNode("u3"), device(phone), device(laptop)}
	out := func(id person.NodeID) work {
		return func(s *people.Store) { split(t, s, strat, id) }
	}
	for name, writers := range map[string][2]work{
		"split × merge": {out(userNode("u2")), func(s *people.Store) {
			fold(t, s, strat, alias("x1", "u1", "u3", noon, true))
		}},
		"split × merge with what is cut": {out(userNode("u2")), func(s *people.Store) {
			fold(t, s, strat, alias("x1", "u2", "u1", noon, true))
		}},
		"split × event": {out(device(laptop)), func(s *people.Store) {
			fold(t, s, strat, page("x1", laptop, noon), order("x2", "u2", noon, "300"))
		}},
		"split × split of the same": {out(userNode("u2")), out(userNode("u2"))},
		"split × split of another":  {out(userNode("u2")), out(device(laptop))},
		"split × lift": {out(userNode("u2")), func(s *people.Store) {
			lift(t, s, strat, device(phone))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			start := shelf{}
			story(t, newStore(start, at(noon)), strat)
			var serial [2][]string
			for i := range serial {
				s := newStore(start.clone(), at(noon))
				writers[i](s)
				writers[1-i](s)
				serial[i] = all(t, s, strat, ids)
			}
			runs := interleave(start, writers[0], writers[1], func(db shelf, order string) {
				sound(t, db, order)
				if got := all(t, newStore(db, at(noon)), strat, ids); !slices.Equal(got, serial[0]) && !slices.Equal(got, serial[1]) {
					t.Fatalf("%s:\n%v\nis neither\n%v\nnor\n%v", order, got, serial[0], serial[1])
				}
			})
			t.Logf("%d orders", runs)
		})
	}
}

// story is two customers with a device each that a server joined, of whom one
// device was taken out again.
func story(t testing.TB, s *people.Store, strat *strategy.Strategy) {
	t.Helper()
	fold(t, s, strat, page("m1", phone, noon), login("m2", phone, "u1", noon, `{"country":"UA"}`), order("m3", "u3", noon, "1"))
	fold(t, s, strat, page("m4", laptop, noon), login("m5", laptop, "u2", noon, ""), order("m6", "u2", noon, "20"))
	fold(t, s, strat, alias("m7", "u2", "u1", noon, true))
	split(t, s, strat, device(phone))
}

// Whose split was committed but not answered learns its effects from the next
// call, even if that is to lift it.
func TestLostAnswerOfASplit(t *testing.T) {
	strat := sample(t)
	db := newTable(t, at(noon))
	fold(t, newStore(db, at(noon)), strat, page("m1", phone, noon), login("m2", phone, "u1", noon, `{"country":"UA"}`))
	s := newStore(&faulty{Table: db, lose: 1, applied: true}, at(noon))
	if _, _, err := s.Split(context.Background(), strat, device(phone)); err == nil {
		t.Fatal("the answer was not lost: the test proves nothing")
	}
	effects, _, err := s.Lift(context.Background(), strat, device(phone))
	if err != nil {
		t.Fatal(err)
	}
	causes := map[string]bool{}
	for _, e := range effects {
		causes[strings.Fields(e.Cause)[0]] = true
	}
	if !causes["split"] || !causes["lift"] {
		t.Errorf("effects = %v", effects)
	}
}
