package people_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// A plain run has few seeds; make test has 1000. Only what is in this file has
// more than one goroutine: make test runs no other test of the package under the
// race detector, and these with few seeds.
const seedsByDefault = 100

var (
	orderSeeds = flag.Int("seeds", seedsByDefault, "how many seeds TestAnyOrderAnyRepetition runs")
	orderFirst = flag.Uint64("first-seed", 1, "the first seed; with -seeds=1 a failure is run again")
)

// The promise: any order and any repetition of the same events makes the same
// people, to the byte.
func TestAnyOrderAnyRepetition(t *testing.T) {
	strat := sample(t)
	seeds := make(chan uint64)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for seed := range seeds {
				sameFromAnyOrder(t, strat, seed)
			}
		})
	}
	for i := range uint64(*orderSeeds) {
		seeds <- *orderFirst + i
	}
	close(seeds)
	wg.Wait()
	t.Logf("seeds=%d from %d, 200 events each", *orderSeeds, *orderFirst)
}

func sameFromAnyOrder(t *testing.T, strat *strategy.Strategy, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	events := stories(r, 200)
	want := deliver(t, shelf{}, strat, events, r)
	again := slices.Clone(events)
	for range 60 {
		again = append(again, events[r.IntN(len(events))])
	}
	r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
	got := deliver(t, shelf{}, strat, again, r)
	for i, id := range everybody() {
		if want[i] != got[i] {
			t.Errorf("seed %d: %s depends on the order (run with -seeds=1 -first-seed=%d)\n%s\n%s", seed, id, seed, want[i], got[i])
			return
		}
	}
}

// deliver folds the events into an empty table, in batches of random size, and
// returns all people.
func deliver(t *testing.T, db table.Table, strat *strategy.Strategy, events []event.Event, r *rand.Rand) []string {
	store := newStore(db, at(noon))
	for len(events) > 0 {
		n := min(len(events), 1+r.IntN(60))
		fold(t, store, strat, events[:n]...)
		events = events[n:]
	}
	var out []string
	known := map[string]string{} // by root
	for _, id := range everybody() {
		root := home(t, db, id)
		if _, again := known[root]; !again {
			known[root] = shown(t, store, strat, id)
		}
		out = append(out, known[root])
	}
	return out
}

// home is the root to which the pointers of an identity lead.
func home(t *testing.T, db table.Table, id person.NodeID) string {
	t.Helper()
	root := id.Hash()
	for range len(everybody()) {
		items, err := db.Get(context.Background(), table.PersonKey(root))
		if err != nil {
			t.Fatal(err)
		}
		if items[0] == nil {
			return root
		}
		p, ok := person.DecodePointer(items[0].Body)
		if !ok {
			return root
		}
		root = p.To
	}
	t.Fatalf("the pointers of %s do not end", id)
	return ""
}

// Many deliveries of the same events at once end as one.
func TestConcurrentDeliveries(t *testing.T) {
	strat := sample(t)
	db := newTable(t, at(noon))
	for seed := range uint64(min(20, *orderSeeds)) {
		r := rand.New(rand.NewPCG(seed, 1))
		events := stories(r, 60)
		want := deliver(t, shelf{}, strat, events, r)

		empty(t, db)
		store := newStore(db, at(noon))
		var wg sync.WaitGroup
		for range 4 {
			mine := slices.Clone(events)
			r.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			wg.Go(func() {
				for len(mine) > 0 {
					n := min(len(mine), 7)
					persist(t, store, strat, mine[:n])
					mine = mine[n:]
				}
			})
		}
		wg.Wait()
		for i, id := range everybody() {
			if got := shown(t, store, strat, id); got != want[i] {
				t.Fatalf("seed %d: %s\nalone:    %s\ntogether: %s", seed, id, want[i], got)
			}
		}
	}
}

// persist folds until it succeeds, as the queue delivers again.
func persist(t *testing.T, store *people.Store, strat *strategy.Strategy, events []event.Event) {
	for range 200 {
		if _, err := store.Fold(context.Background(), strat, events); err == nil {
			return
		}
	}
	t.Error("the events never got through")
}
