package people_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// split and lift do as the function does: until there is no more to do.
func split(t testing.TB, s *people.Store, strat *strategy.Strategy, id person.NodeID) []people.Effect {
	t.Helper()
	return complete(t, s.Split, strat, id)
}

func lift(t testing.TB, s *people.Store, strat *strategy.Strategy, id person.NodeID) []people.Effect {
	t.Helper()
	return complete(t, s.Lift, strat, id)
}

func complete(t testing.TB, step func(context.Context, *strategy.Strategy, person.NodeID) ([]people.Effect, bool, error),
	strat *strategy.Strategy, id person.NodeID,
) []people.Effect {
	t.Helper()
	var out []people.Effect
	for more := true; more; {
		effects, again, err := step(context.Background(), strat, id)
		if err != nil {
			t.Fatal(err)
		}
		out, more = append(out, effects...), again
	}
	return out
}

// Two customers that a server joined by mistake are what they were before,
// whichever of the two is named, and stay so until the split is lifted.
func TestSplitRestoresBothCustomers(t *testing.T) {
	strat := sample(t)
	ids := []person.NodeID{userNode("u1"), userNode("u2"), device(phone), device(laptop)}
	for _, named := range []string{"u1", "u2"} {
		tb := newTable(t, at(noon))
		fold(t, newStore(tb, at(noon.Add(-2*time.Hour))), strat, page("m1", phone, noon.Add(-2*time.Hour)), page("m3", laptop, noon.Add(-2*time.Hour)))
		s := newStore(tb, at(noon))
		fold(t, s, strat, login("m2", phone, "u1", noon.Add(-time.Hour), `{"country":"UA"}`))
		fold(t, s, strat, login("m4", laptop, "u2", noon.Add(-time.Hour), `{"country":"PL"}`))
		fold(t, s, strat, order("m5", "u1", noon, "300"), order("m6", "u2", noon, "400"))
		before := all(t, s, strat, ids)
		units := []string{find(t, s, userNode("u1")).Unit, find(t, s, userNode("u2")).Unit}
		fold(t, s, strat, alias("m7", "u2", "u1", noon, true))
		joined := all(t, s, strat, ids)
		if slices.Equal(joined, before) || find(t, s, ids[0]).Root != find(t, s, ids[1]).Root {
			t.Fatal("nothing was joined: the test proves nothing")
		}

		split(t, s, strat, userNode(named))
		if got := all(t, s, strat, ids); !slices.Equal(got, before) {
			t.Errorf("split of %s:\n%v\nwant\n%v", named, got, before)
		}
		if got := []string{find(t, s, userNode("u1")).Unit, find(t, s, userNode("u2")).Unit}; !slices.Equal(got, units) {
			t.Errorf("units = %v, want %v", got, units)
		}
		if effects := fold(t, s, strat, alias("m8", "u2", "u1", noon, true), alias("m9", "u1", "u2", noon, true)); len(effects) > 0 {
			t.Errorf("effects = %v", effects)
		}
		if got := all(t, s, strat, ids); !slices.Equal(got, before) {
			t.Errorf("an alias joined again what %s was taken out of", named)
		}
		if got := verdicts(t, s, userNode("u1"))["m8"]; !slices.Equal(got, []string{people.MergeRefused}) {
			t.Errorf("verdict = %v", got)
		}
		lift(t, s, strat, userNode(named))
		if got := all(t, s, strat, ids); !slices.Equal(got, joined) {
			t.Errorf("lifted:\n%v\nwant\n%v", got, joined)
		}
	}
}

func all(t testing.TB, s *people.Store, strat *strategy.Strategy, ids []person.NodeID) []string {
	t.Helper()
	var out []string
	for _, id := range ids {
		out = append(out, shown(t, s, strat, id))
	}
	return out
}
