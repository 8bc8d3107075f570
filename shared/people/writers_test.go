package people_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
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

// deed is what a writer does, and does again when a queue or a client repeats it.
// It returns the effects that go out.
type deed func(*people.Store) ([]people.Effect, error)

// crowded is two customers, each with a device, of whom the second was taken
// away from the first, and a visitor whose timer is due. An event of the first is
// pending, for its writer died. All that writers do is about these.
type crowded struct {
	strat *strategy.Strategy
	start shelf
	ids   []person.NodeID
	deeds map[string]deed
}

const watch3 = "watch-00000000000"

func newCrowded(t testing.TB) *crowded {
	t.Helper()
	strat := sample(t)
	c := &crowded{strat: strat, start: shelf{}}
	week := newStore(c.start, at(noon.AddDate(0, 0, -7)))
	fold(t, week, strat, page("m1", phone, noon.AddDate(0, 0, -7)))
	s := newStore(c.start, at(noon))
	fold(t, s, strat, order("m2", "u1", noon.Add(-3*time.Hour), "20"), login("m3", laptop, "u1", noon.Add(-2*time.Hour), `{"country":"UA"}`))
	fold(t, s, strat, order("m4", "u2", noon.Add(-3*time.Hour), "480"), login("m5", watch3, "u2", noon.Add(-2*time.Hour), ""))
	split(t, s, strat, device(watch3))
	dies(t, c.start, strat, page("m6", laptop, noon.Add(-time.Hour)))
	c.ids = []person.NodeID{userNode("u1"), userNode("u2"), device(phone), device(laptop), device(watch3)}
	ctx := context.Background()
	folds := func(events ...event.Event) deed {
		return func(s *people.Store) ([]people.Effect, error) { return s.Fold(ctx, strat, events) }
	}
	recasts := func(step func(*people.Store, context.Context, *strategy.Strategy, person.NodeID) ([]people.Effect, bool, error), id person.NodeID) deed {
		return func(s *people.Store) (out []people.Effect, err error) {
			for more := true; more && err == nil; {
				var effects []people.Effect
				effects, more, err = step(s, ctx, strat, id)
				out = append(out, effects...)
			}
			return out, err
		}
	}
	erases := func(id person.NodeID) deed {
		return func(s *people.Store) ([]people.Effect, error) { _, err := s.Erase(ctx, id, nil); return nil, err }
	}
	due := find(t, s, device(phone))
	c.deeds = map[string]deed{
		"identify":         folds(login("x1", phone, "u1", noon.Add(-time.Minute), `{"city":"Lviv"}`)),
		"identify another": folds(login("x2", phone, "u2", noon.Add(-2*time.Minute), `{"city":"Kyiv"}`)),
		"move":             folds(login("x3", laptop, "u2", noon.Add(-4*time.Hour), "")),
		"visit":            folds(page("x4", phone, noon)),
		"browse":           folds(page("x7", laptop, noon)),
		"order":            folds(order("x5", "u1", noon, "490")),
		"merge":            folds(alias("x6", "u2", "u1", noon, true)),
		"split":            recasts((*people.Store).Split, device(laptop)),
		"lift":             recasts((*people.Store).Lift, device(watch3)),
		"erase":            erases(userNode("u1")),
		"erase by device":  erases(device(laptop)),
		"erase who lost":   erases(userNode("u2")),
		"wake": func(s *people.Store) ([]people.Effect, error) {
			return s.Wake(ctx, strat, people.Timer{Node: due.Root, Due: due.Due, Minute: due.Due})
		},
		"consent": func(s *people.Store) ([]people.Effect, error) {
			return nil, s.Agree(ctx, strat, device(laptop), "marketing", person.Consent{At: noon, By: "link"})
		},
	}
	return c
}

// outcome is what writers made of the people, and which effects went out.
func (c *crowded) outcome(t testing.TB, s shelf, effects map[string]people.Effect) string {
	t.Helper()
	return fmt.Sprint(c.state(t, s), "\n", slices.Sorted(maps.Keys(effects)))
}

// state is what is known of each identity, whom it is joined with and kept apart
// from, what was said, and what is kept.
func (c *crowded) state(t testing.TB, s shelf) string {
	t.Helper()
	var out []string
	store := newStore(s, at(noon))
	for _, id := range c.ids {
		p := find(t, store, id)
		if p == nil {
			out = append(out, "nobody")
			continue
		}
		var refused []string
		for _, n := range p.Nodes {
			for _, r := range n.Refused {
				refused = append(refused, fmt.Sprint(n.ID, r.With, r.Out, r.Link))
			}
		}
		kept := slices.Sorted(maps.Keys(verdicts(t, store, id)))
		out = append(out, fmt.Sprint(shown(t, store, c.strat, id), identities(p), sorted(p.Consents(), said), kept, refused))
	}
	return strings.Join(out, "\n")
}

// doing lets a deed be done, keeping its effects by id.
func (c *crowded) doing(t testing.TB, do deed, effects map[string]people.Effect) work {
	return func(s *people.Store) {
		out, err := do(s)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			t.Error(err)
		}
		for _, e := range out {
			if before, again := effects[e.ID]; again && fmt.Sprint(before) != fmt.Sprint(e) {
				t.Errorf("one id, two effects: %+v, %+v", before, e)
			}
			effects[e.ID] = e
		}
	}
}

// orders returns the outcomes of the deeds done one after the other, in every
// order.
func (c *crowded) orders(t testing.TB, names []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	permute(names, func(order []string) {
		s, effects := c.start.clone(), map[string]people.Effect{}
		for _, name := range order {
			c.doing(t, c.deeds[name], effects)(newStore(s, at(noon)))
		}
		out[c.outcome(t, s, effects)] = strings.Join(order, ", ")
	})
	return out
}

// again does once more what a queue or a client may repeat, which changes nothing.
func (c *crowded) again(t testing.TB, s shelf, names []string, effects map[string]people.Effect) {
	for _, name := range names {
		if name != "split" && name != "lift" && !strings.HasPrefix(name, "erase") {
			c.doing(t, c.deeds[name], effects)(newStore(s, at(noon)))
		}
	}
}

var pairs = flag.Int("pairs", 15, "how many pairs of deeds TestTwoWriters lets meet, of all that there are")

// Whatever two do on the same people, call by call in every order: the people
// and the effects are those of the one after the other. Nothing is lost, nothing
// counts twice, and doing it again changes nothing.
func TestTwoWriters(t *testing.T) {
	c := newCrowded(t)
	names := slices.Sorted(maps.Keys(c.deeds))
	all := len(names) * (len(names) + 1) / 2
	met, pair, runs := 0, 0, 0
	for i, a := range names {
		for _, b := range names[i:] {
			if pair++; pair%max(1, all / *pairs) != 0 {
				continue
			}
			met++
			serial, effects := c.orders(t, []string{a, b}), map[string]people.Effect{}
			runs += interleave(c.start, c.doing(t, c.deeds[a], effects), c.doing(t, c.deeds[b], effects), func(s shelf, order string) {
				c.judge(t, s, []string{a, b}, effects, serial, order)
				clear(effects)
			})
		}
	}
	t.Logf("%d orders of %d pairs of %d", runs, met, all)
}

func (c *crowded) judge(t testing.TB, s shelf, names []string, effects map[string]people.Effect, serial map[string]string, order string) {
	t.Helper()
	sound(t, s, order)
	got := c.outcome(t, s, effects)
	if _, ok := serial[got]; !ok {
		t.Fatalf("%v, calls in the order %s:\n%s\nis none of\n%s", names, order, got, strings.Join(slices.Collect(maps.Keys(serial)), "\n\n"))
	}
	if c.again(t, s, names, effects); c.outcome(t, s, effects) != got {
		t.Fatalf("%v, calls in the order %s: doing it again changed\n%s\nto\n%s", names, order, got, c.outcome(t, s, effects))
	}
}

var schedules = flag.Int("schedules", 3*seedsByDefault, "in how many orders TestThreeWriters and TestEightWriters let all do their work")

// Three at once, in orders that chance draws: as if one came after the other.
func TestThreeWriters(t *testing.T) {
	c := newCrowded(t)
	names, serial := slices.Sorted(maps.Keys(c.deeds)), map[string]map[string]string{}
	for seed := range uint64(*schedules) {
		r := rand.New(rand.NewPCG(seed/5, 3)) // five orders of the same three
		three := []string{names[r.IntN(len(names))], names[r.IntN(len(names))], names[r.IntN(len(names))]}
		slices.Sort(three)
		key := fmt.Sprint(three)
		if serial[key] == nil {
			serial[key] = c.orders(t, three)
		}
		s, effects, order := c.atOnce(t, rand.New(rand.NewPCG(seed, 4)), three)
		c.judge(t, s, three, effects, serial[key], order)
	}
}

// atOnce lets all do their deeds, in an order of their calls that chance draws.
func (c *crowded) atOnce(t testing.TB, r *rand.Rand, names []string) (shelf, map[string]people.Effect, string) {
	s, effects, order := c.start.clone(), map[string]people.Effect{}, ""
	var works []work
	for _, name := range names {
		works = append(works, c.doing(t, c.deeds[name], effects))
	}
	inTurn(s, func(n int) int {
		i := r.IntN(n)
		order += fmt.Sprint(i)
		return i
	}, works...)
	return s, effects, order
}

// Eight at once, in orders that chance draws. What they do has one result in any
// order; if somebody is erased meanwhile, that one does not come back. Each
// effect that is kept went out.
func TestEightWriters(t *testing.T) {
	c := newCrowded(t)
	eight := []string{"identify", "identify another", "move", "visit", "order", "merge", "consent", "wake"}
	start := c.start.clone()
	for _, name := range eight {
		c.doing(t, c.deeds[name], map[string]people.Effect{})(newStore(start, at(noon)))
	}
	want := c.state(t, start)
	for seed := range uint64(*schedules) {
		names := slices.Clone(eight)
		erased := seed%2 == 1
		if erased {
			names[6] = "erase"
		}
		s, effects, order := c.atOnce(t, rand.New(rand.NewPCG(seed, 8)), names)
		sound(t, s, order)
		got := c.state(t, s)
		if !erased && got != want {
			t.Fatalf("seed %d, order %s:\n%s\nwant\n%s", seed, order, got, want)
		}
		if erased && find(t, newStore(s, at(noon)), userNode("u1")) != nil {
			t.Fatalf("seed %d, order %s: the erased is back", seed, order)
		}
		for id := range stored(t, s) {
			if _, out := effects[id]; !out {
				t.Fatalf("seed %d, order %s: the effect %s is lost", seed, order, id)
			}
		}
		if c.again(t, s, names, effects); c.state(t, s) != got {
			t.Fatalf("seed %d, order %s: doing it again changed\n%s\nto\n%s", seed, order, got, c.state(t, s))
		}
	}
}

// stored collects the ids of effects in all records that the writers made.
func stored(t testing.TB, s shelf) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for item := range s.items() {
		if !strings.HasPrefix(item.Key.Sort, table.EventPrefix+"x") && !strings.HasPrefix(item.Key.Sort, table.WakePrefix) {
			continue
		}
		if blanked(item) {
			continue
		}
		var r people.Record
		body, err := people.Unpack(item.Body)
		if err == nil {
			err = json.Unmarshal(body, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range r.Effects {
			out[e.ID] = true
		}
	}
	return out
}
