package explorer_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	seed   = flag.Uint64("seed", 1, "what the random scenarios are drawn by")
	many   = flag.Bool("many", false, "explore 50,000 scenarios, not a sample of them")
	whole  = flag.Bool("whole", false, "explore every mishap at every call of every order, not some of them")
	only   = flag.String("only", "", "explore only scenes whose title holds this")
	replay = flag.String("replay", "", "explore this one scenario, as a violation names it, and show what happens")
)

// extent is how much is explored.
type extent struct {
	random int  // scenarios that are drawn, besides the systematic ones
	struck int  // schedules with a mishap, of each scene
	share  int  // one in so many orders after a mishap
	core   bool // all of the scenes at the core
	least  int  // scenarios that must come of it
}

// chosen is the extent that the flags ask for.
func chosen() extent {
	if *many || *whole {
		return extent{random: 4_000, struck: 900, share: 6, core: true, least: 50_000}
	}
	return extent{random: 200, struck: 10, share: 50, least: 1_000}
}

// explorer runs scenarios and keeps what it found.
type explorer struct {
	scenes []*scene

	mu                        sync.Mutex
	known                     map[state]string // how scenarios end that came to a state
	scenarios, faults, checks int
	pended                    int
	suffered                  [mishaps]int
	met                       map[string]int // calls that a mishap befell
	byScene                   map[string]int
	violations                []string
}

// explore runs one scenario and judges how it ended.
func (x *explorer) explore(s *stage, sc *scene, p *path) {
	w := s.begin(sc)
	schedule := w.play(p)
	violation := x.end(w)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.scenarios++
	x.faults += w.mishaps()
	x.checks += len(promises)
	x.pended += w.pended
	x.byScene[sc.title()]++
	for m, n := range w.suffered {
		x.suffered[m] += n
	}
	for call, n := range w.met {
		x.met[call] += n
	}
	if violation != "" {
		x.violations = append(x.violations, fmt.Sprintf("%s\n\t-replay '%s %s'", violation, sc.title(), schedule))
	}
}

// end lets all come to its end, and names the promise that is broken then. Most
// scenarios come to a state that others came to before; from there on all is the
// same, and is not played again.
func (x *explorer) end(w *world) (violation string) {
	s := w.state()
	x.mu.Lock()
	violation, known := x.known[s]
	x.mu.Unlock()
	if !known {
		w.settle()
		violation = w.violation()
		x.mu.Lock()
		x.known[s] = violation
		x.mu.Unlock()
	}
	return violation
}

// all explores every order of the scene's calls, and then, after each of them and
// at each call, every mishap: so many of these as the extent allows.
func (x *explorer) all(s *stage, sc *scene) {
	faults := x.orders(s, sc, "")
	if !s.world.fully() && len(faults) > s.struck {
		r := rand.New(rand.NewPCG(*seed, uint64(len(faults))))
		r.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		faults = faults[:s.struck]
	}
	for _, schedule := range faults {
		x.orders(s, sc, schedule)
	}
}

// orders explores the ways to go on from the schedule, and returns those with a
// mishap that it left out.
func (x *explorer) orders(s *stage, sc *scene, schedule string) (faults []string) {
	for todo := []string{schedule}; len(todo) > 0 && !x.enough(); {
		p := &path{schedule: todo[len(todo)-1]}
		todo = todo[:len(todo)-1]
		x.explore(s, sc, p)
		todo = append(todo, p.orders...)
		faults = append(faults, p.faults...)
	}
	return faults
}

// enough reports whether so much is broken that more of it tells nothing.
func (x *explorer) enough() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.violations) >= 20
}

// drawn explores a scene with more deliveries and up to three mishaps.
func (x *explorer) drawn(s *stage, n int) {
	r := rand.New(rand.NewPCG(*seed, uint64(n)))
	x.explore(s, x.scenes[r.IntN(len(x.scenes))], &path{draw: r, most: 3})
}

func TestExplorer(t *testing.T) {
	stages := []*stage{newStage(t), newStage(t)}
	x := &explorer{scenes: scenes(t, stages[0]), known: map[state]string{}, met: map[string]int{}, byScene: map[string]int{}}
	if *replay != "" {
		x.replay(t, stages[0])
		return
	}
	x.scenes = slices.DeleteFunc(x.scenes, func(sc *scene) bool { return !strings.Contains(sc.title(), *only) })
	tasks := make(chan func(*stage))
	var wg sync.WaitGroup
	for _, s := range stages {
		wg.Go(func() {
			for do := range tasks {
				do(s)
			}
		})
	}
	for _, sc := range x.scenes {
		tasks <- func(s *stage) { x.all(s, sc) }
	}
	for n := range stages[0].random {
		if !x.enough() {
			tasks <- func(s *stage) { x.drawn(s, n) }
		}
	}
	close(tasks)
	wg.Wait()
	x.report(t, stages[0].least)
}

func (x *explorer) replay(t *testing.T, s *stage) {
	title, schedule, _ := strings.Cut(*replay, " ")
	sc := named(x.scenes, title)
	if sc == nil {
		t.Fatalf("there is no scene %q", title)
	}
	w := s.begin(sc)
	w.trace = t.Logf
	w.play(&path{schedule: schedule})
	w.settle()
	if violation := w.violation(); violation != "" {
		t.Fatal(violation)
	}
}

func (x *explorer) report(t *testing.T, least int) {
	fmt.Printf("scenarios=%d faults=%d states=%d promises_checked=%d violations=%d seed=%d\n",
		x.scenarios, x.faults, len(x.known), x.checks, len(x.violations), *seed)
	for m, n := range x.suffered {
		t.Logf("%7d %s", n, mishap(m))
	}
	t.Logf("%7d events were pending in their person", x.pended)
	for _, counts := range []map[string]int{x.met, x.byScene} {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			t.Logf("%7d %s", counts[name], name)
		}
	}
	slices.Sort(x.violations)
	for i, v := range x.violations {
		if i == 5 {
			t.Errorf("and %d more", len(x.violations)-i)
			break
		}
		t.Error(v)
	}
	if x.scenarios < least && *only == "" && !x.enough() {
		t.Errorf("%d scenarios, at least %d are expected", x.scenarios, least)
	}
}
