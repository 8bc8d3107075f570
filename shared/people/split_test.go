package people_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// split and lift do as the function does: until there is no more to do.
func split(t testing.TB, s *people.Store, strat *strategy.Strategy, id person.NodeID) {
	t.Helper()
	complete(t, s.Split, strat, id)
}

func lift(t testing.TB, s *people.Store, strat *strategy.Strategy, id person.NodeID) {
	t.Helper()
	complete(t, s.Lift, strat, id)
}

func complete(t testing.TB, step func(context.Context, *strategy.Strategy, person.NodeID) ([]people.Effect, bool, error),
	strat *strategy.Strategy, id person.NodeID,
) {
	t.Helper()
	for more := true; more; {
		_, again, err := step(context.Background(), strat, id)
		if err != nil {
			t.Fatal(err)
		}
		more = again
	}
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

// crowd gives each user that many devices and returns some of the identities.
func crowd(t testing.TB, s *people.Store, strat *strategy.Strategy, devices int, users ...string) []person.NodeID {
	t.Helper()
	var some []person.NodeID
	for _, user := range users {
		some = append(some, userNode(user))
		var events []event.Event
		for i := range devices {
			id := device(fmt.Sprintf("device-%s-%013d", user, i))
			if i%20 == 7 {
				some = append(some, id)
			}
			events = append(events, login(fmt.Sprint("m", user, i), id.Value, user, noon, ""), page(fmt.Sprint("p", user, i), id.Value, noon))
		}
		fold(t, s, strat, events...)
	}
	return some
}

// What one commit cannot hold takes several. Whichever of them is lost, before
// or after its effect: repeating the call ends in the same people, and every
// effect came out.
func TestSplitOfManyIdentities(t *testing.T) {
	strat := sample(t)
	for name, c := range map[string]struct {
		node    person.NodeID
		people  int // afterwards
		commits int // at least
	}{
		"the customer that joined":  {userNode("u2"), 2, 2},
		"a customer with another":   {userNode("u9"), 2, 2},
		"one device of many":        {device("device-u2-0000000000007"), 2, 1},
		"a customer of its devices": {userNode("u3"), 96, 6},
	} {
		t.Run(name, func(t *testing.T) {
			db := newTable(t, at(noon))
			s := newStore(db, at(noon))
			var some []person.NodeID
			var before []string
			switch c.node {
			case userNode("u3"):
				some = crowd(t, s, strat, 95, "u3")
			case userNode("u9"): // u2's pointer is not met by the second alias
				some = crowd(t, s, strat, 95, "u1", "u2")
				fold(t, s, strat, alias("m0", "u2", "u9", noon, true))
				before = all(t, s, strat, some)
				fold(t, s, strat, alias("m", "u9", "u1", noon, true))
			default:
				some = crowd(t, s, strat, 95, "u1", "u2")
				before = all(t, s, strat, some)
				fold(t, s, strat, alias("m", "u2", "u1", noon, true))
			}
			joined := all(t, s, strat, some)
			var effects []string
			for lose := 0; ; lose++ {
				f := &faulty{Table: db, lose: lose, applied: lose%2 == 1}
				out := insist(newStore(f, at(noon)), strat, c.node)
				if lose == 0 {
					effects = out
				}
				if !slices.Equal(out, effects) {
					t.Errorf("commit %d lost: effects %v, want %v", lose, out, effects)
				}
				if got := count(t, db); got != c.people {
					t.Fatalf("commit %d lost: %d people, want %d", lose, got, c.people)
				}
				if lose == 0 && f.calls < c.commits {
					t.Fatalf("%d commits: the case is too small to prove anything", f.calls)
				}
				if c.commits == 1 || lose == 2 {
					break
				}
				lift(t, s, strat, c.node)
				if got := all(t, s, strat, some); !slices.Equal(got, joined) {
					t.Fatal("lifting gives other people")
				}
			}
			if c.people > 2 && len(effects) == 0 {
				t.Error("there are no effects: they prove nothing")
			}
			if c.node == userNode("u9") {
				sound(t, db, name) // reads large people hundreds of times: once is enough
			}
			if got := all(t, s, strat, some); before != nil && c.node.Kind == person.UserID && !slices.Equal(got, before) {
				t.Error("they are not what they were before")
			}
		})
	}
}

// insist splits until there is no more to do, whatever fails, and returns the
// ids of the effects.
func insist(s *people.Store, strat *strategy.Strategy, id person.NodeID) []string {
	out := map[string]bool{}
	for {
		effects, more, err := s.Split(context.Background(), strat, id)
		for _, e := range effects {
			if err == nil && strings.HasPrefix(e.Cause, "split") {
				out[e.ID] = true
			}
		}
		if err == nil && !more {
			return slices.Sorted(maps.Keys(out))
		}
	}
}

// count is how many people are in the table.
func count(t testing.TB, tb table.Table) int {
	t.Helper()
	n := 0
	for _, item := range everything(t, tb) {
		if _, pointer := person.DecodePointer(item.Body); item.Key.Sort == "person" && !pointer {
			n++
		}
	}
	return n
}

// Two proven user ids never become one from a browser, in whichever order it
// says so and however long the ids are.
func TestBrowserNeverJoinsTwoUsers(t *testing.T) {
	strat := sample(t)
	const long = "customer-0000000001" // no stranger hits on it, and a browser still may not
	events := []event.Event{
		login("m1", phone, "u1", noon.Add(-2*time.Hour), ""), login("m2", phone, long, noon.Add(-time.Hour), ""),
		alias("m3", long, "u1", noon, false), alias("m4", "u1", long, noon, false), alias("m5", "u1", "u1", noon, false),
	}
	db := newTable(t, at(noon))
	var want []string
	permute(events, func(order []event.Event) {
		empty(t, db)
		s := newStore(db, at(noon))
		for _, e := range order {
			fold(t, s, strat, e)
		}
		got := all(t, s, strat, []person.NodeID{userNode("u1"), userNode(long), device(phone)})
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) || got[0] == got[1] || got[0] != got[2] {
			t.Fatalf("order %v:\n%v\nwant\n%v", order, got, want)
		}
	})
}

// An identity that an alias merely implies is found, and is no evidence to show
// unless it is asked for.
func TestWhyShowsImpliedIdentitiesWhenAsked(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	fold(t, s, strat, order("m1", "u2", noon, "1"), alias("m2", "u2", "u1", noon, true))
	for id, want := range map[person.NodeID]string{
		userNode("u1"): "[userId:u2 userId:u1] []", userNode("u2"): "[userId:u2 userId:u1] [userId:u2]",
		device("u2"): "[anonymousId:u2 userId:u1 userId:u2 userId:u1] [anonymousId:u2]",
	} {
		w, err := s.Why(context.Background(), lasting, find(t, s, id), id)
		if err != nil {
			t.Fatal(err)
		}
		var edges, path []string
		for _, e := range w.Edges {
			edges = append(edges, e.From.String(), e.To.String())
		}
		for _, e := range w.Path {
			path = append(path, e.From.String())
		}
		if got := fmt.Sprint(edges, path); got != want {
			t.Errorf("why of %s = %s, want %s", id, got, want)
		}
	}
}

// What stories meet rarely: who is in one person with the first identity after
// the split, after what comes then, and after lifting it.
func TestSplitCases(t *testing.T) {
	strat := sample(t)
	early, later := noon.Add(-2*time.Hour), noon.Add(-time.Hour)
	for name, c := range map[string]struct {
		before, after       []event.Event
		node, with          person.NodeID
		split, then, lifted bool // whether node is with the other
	}{
		"a cycle of aliases": {
			before: []event.Event{alias("m1", "u1", "u2", noon, true), alias("m2", "u2", "u1", noon, true)},
			after:  []event.Event{alias("m3", "u2", "u1", early, true)},
			node:   userNode("u1"), with: userNode("u2"), lifted: true,
		},
		"a cycle of three": {
			before: []event.Event{alias("m1", "u1", "u2", noon, true), alias("m2", "u2", "u3", noon, true), alias("m3", "u3", "u1", noon, true)},
			node:   userNode("u1"), with: userNode("u2"), lifted: true,
		},
		"another user id of the same person names it": {
			before: []event.Event{login("m1", phone, "u1", later, ""), alias("m2", "u2", "u1", noon, true)},
			after:  []event.Event{login("m3", phone, "u2", noon, "")},
			node:   device(phone), with: userNode("u2"), lifted: true,
		},
		"a third customer names it": {
			before: []event.Event{login("m1", phone, "u1", later, "")},
			after:  []event.Event{login("m2", phone, "u2", noon, "")},
			node:   device(phone), with: userNode("u2"), then: true,
		},
		"earlier evidence waits": {
			before: []event.Event{login("m1", phone, "u1", noon, "")},
			after:  []event.Event{login("m2", phone, "u2", later, ""), login("m3", phone, "u1", early, "")},
			node:   device(phone), with: userNode("u1"), lifted: true,
		},
		"later evidence does not replace what waits": {
			before: []event.Event{login("m1", phone, "u1", early, "")},
			after:  []event.Event{login("m2", phone, "u2", later, ""), login("m3", phone, "u1", noon, "")},
			node:   device(phone), with: userNode("u1"), lifted: true,
		},
		"the other end's evidence waits too": {
			before: []event.Event{alias("m1", "u1", "u2", noon, true), alias("m2", "u3", "u2", noon, true)},
			after:  []event.Event{alias("m3", "u3", "u1", early, true)},
			node:   userNode("u3"), with: userNode("u2"), lifted: true,
		},
		"a device that only a server's alias joined": {
			before: []event.Event{page("m0", phone, noon), login("m1", laptop, "u1", noon, ""), alias("m2", phone, "u1", noon, true)},
			after:  []event.Event{alias("m3", phone, "u1", early, true)},
			node:   device(phone), with: userNode("u1"), lifted: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := newTable(t, at(noon))
			s := newStore(db, at(noon))
			is := func(when string, want bool) {
				t.Helper()
				a, b := find(t, s, c.node), find(t, s, c.with)
				if got := a != nil && b != nil && a.Root == b.Root; got != want {
					t.Errorf("%s: %s is with %s = %v", when, c.node, c.with, got)
				}
				sound(t, db, when)
			}
			fold(t, s, strat, c.before...)
			split(t, s, strat, c.node)
			is("split", c.split)
			fold(t, s, strat, c.after...)
			is("then", c.then)
			lift(t, s, strat, c.node)
			is("lifted", c.lifted)
		})
	}
}

// A person that is full is not joined with what was taken out of it, and says so.
func TestLiftOfTooMany(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	crowd(t, s, strat, 98, "u1", "u2")
	fold(t, s, strat, login("m", phone, "u3", noon, ""), alias("a1", "u3", "u1", noon, true))
	split(t, s, strat, userNode("u3"))
	fold(t, s, strat, alias("a2", "u2", "u1", noon, true))
	_, _, err := s.Lift(context.Background(), strat, userNode("u3"))
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Conflict || f.Code != people.TooManyIDs {
		t.Errorf("err = %v", err)
	}
	fold(t, s, strat, alias("a3", "u3", "u1", noon, true))
	if got := verdicts(t, s, userNode("u1"))["a3"]; !slices.Equal(got, []string{people.MergeRefused}) {
		t.Errorf("verdict = %v: what was taken out is refused for that", got)
	}
}

// The earlier id of an alias is a user id's or a device's. When the device was
// taken out, a server that tells again of another customer is heard: that the
// other reading belongs to the first one is no answer to it. So it is when the
// user id was.
func TestSplitOfOneReadingOfAnAlias(t *testing.T) {
	strat := sample(t)
	for _, id := range []person.NodeID{device("earlier-0123456789"), userNode("earlier-0123456789")} {
		s := newStore(shelf{}, at(noon))
		met := page("m1", id.Value, noon.Add(-time.Hour))
		if id.Kind == person.UserID {
			met.AnonymousID, met.UserID = "", id.Value
		}
		fold(t, s, strat, met, alias("m2", id.Value, "u1", noon, true), alias("m3", id.Value, "u2", noon.Add(time.Minute), true))
		if got := names(find(t, s, id)); !slices.Contains(got, "userId:u1") {
			t.Fatalf("%s is with %v: the test proves nothing", id, got)
		}
		split(t, s, strat, id)
		if got := names(find(t, s, id)); !slices.Equal(got, []string{id.String()}) {
			t.Errorf("after the split %s is with %v", id, got)
		}
		fold(t, s, strat, alias("m4", id.Value, "u1", noon, true))
		if got := names(find(t, s, id)); !slices.Equal(got, []string{id.String()}) {
			t.Errorf("what was cut joined %s with %v", id, got)
		}
		fold(t, s, strat, alias("m5", id.Value, "u2", noon.Add(time.Minute), true))
		if got := names(find(t, s, id)); !slices.Contains(got, "userId:u2") {
			t.Errorf("a third customer's evidence joined %s with %v", id, got)
		}
	}
}
