package send_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"rapport/shared/message"
)

var (
	seed   = flag.Uint64("seed", 1, "what the random scenarios are drawn by")
	random = flag.Int("random", randomByDefault, "how many random scenarios are explored, besides the systematic ones")
	whole  = flag.Bool("whole", false, "explore all systematic scenarios, not a share of them")
	replay = flag.String("replay", "", "explore this one scenario, as a violation names it, and show what happens")
)

// scenario is one thing that can happen: who else is at work, which calls of the
// deliveries A and B meet a mishap, and whose call comes next, each time.
type scenario struct {
	guarantee message.Guarantee
	other     other
	alone     bool // without the second delivery, B
	mishaps   map[string]map[int]mishap
	schedule  string // who makes a call, one letter each; when it ends: the first who can
	draw      *rand.Rand
}

// String names the scenario so that -replay finds it again.
func (s scenario) String() string {
	var bad []string
	for _, name := range []string{"A", "B"} {
		for k := range 30 {
			if m := s.mishaps[name][k]; m != fine {
				bad = append(bad, fmt.Sprintf("%s%d=%s", name, k, m))
			}
		}
	}
	who := "AB"
	if s.alone {
		who = "A"
	}
	return fmt.Sprintf("%s %s %s [%s] %s", s.guarantee, s.other.name, who, strings.Join(bad, ","), s.schedule)
}

// parse reads what String writes.
func parse(t *testing.T, text string) scenario {
	t.Helper()
	parts := strings.Split(text+" ", " ")
	if len(parts) < 5 {
		t.Fatalf("%q is no scenario", text)
	}
	s := scenario{guarantee: message.Guarantee(parts[0]), alone: parts[2] == "A", mishaps: map[string]map[int]mishap{}, schedule: parts[4]}
	s.other = others[slices.IndexFunc(others, func(o other) bool { return o.name == parts[1] })]
	for one := range strings.SplitSeq(strings.Trim(parts[3], "[]"), ",") {
		call, name, ok := strings.Cut(one, "=")
		if !ok {
			continue
		}
		var k int
		if _, err := fmt.Sscan(call[1:], &k); err != nil {
			t.Fatal(err)
		}
		if s.mishaps[call[:1]] == nil {
			s.mishaps[call[:1]] = map[int]mishap{}
		}
		s.mishaps[call[:1]][k] = mishap(slices.Index(mishapNames[:], name))
	}
	return s
}

// choice is one point at which several processes could go on.
type choice struct {
	at   int    // place in the schedule
	left string // who was not tried there yet
}

// play runs the scenario up to where nobody has a call to make. It returns the
// whole schedule and the choices that were made beyond the given one.
func (s scenario) play(w *world) (schedule string, choices []choice) {
	var all []*process
	begin := func(name string, run func(*process) bool) {
		p := w.start(name, run)
		p.mishaps = s.mishaps[name]
		all = append(all, p)
	}
	begin("A", deliver)
	if !s.alone {
		begin("B", deliver)
	}
	if s.other.do != nil {
		begin("C", s.other.run)
	}
	var order strings.Builder
	for {
		var able []*process
		for _, p := range all {
			if !p.over {
				able = append(able, p)
			}
		}
		if len(able) == 0 {
			break
		}
		next := able[0]
		switch at := order.Len(); {
		case at < len(s.schedule):
			if i := slices.IndexFunc(able, func(p *process) bool { return p.name == s.schedule[at:at+1] }); i >= 0 {
				next = able[i]
			}
		case s.draw != nil:
			next = able[s.draw.IntN(len(able))]
		case len(able) > 1:
			var left strings.Builder
			for _, p := range able[1:] {
				left.WriteString(p.name)
			}
			choices = append(choices, choice{at, left.String()})
		}
		order.WriteString(next.name)
		next.step()
	}
	acked := false
	for _, p := range all {
		p.stop()
		acked = acked || p.name != "C" && p.acked
	}
	w.settle(acked)
	return order.String(), choices
}

// explorer runs scenarios and keeps what it found.
type explorer struct {
	mu                        sync.Mutex
	stories                   map[message.Guarantee]*story
	scenarios, faults, checks int
	ends                      map[string]int
	violations                []string
}

func newExplorer(t *testing.T) *explorer {
	return &explorer{ends: map[string]int{}, stories: map[message.Guarantee]*story{
		message.AtMostOnce: newStory(t, message.AtMostOnce), message.AtLeastOnce: newStory(t, message.AtLeastOnce),
	}}
}

// explore runs one scenario and judges how it ended.
func (x *explorer) explore(s scenario) (schedule string, choices []choice) {
	w := x.stories[s.guarantee].world()
	schedule, choices = s.play(w)
	x.judge(s, w, schedule)
	return schedule, choices
}

func (x *explorer) judge(s scenario, w *world, schedule string) {
	wanted := 0
	for _, m := range s.mishaps {
		wanted += len(m)
	}
	if wanted > 0 && w.fired == 0 {
		return // the call was never made: this is a scenario without mishap
	}
	checks, violation := w.violation(s)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.scenarios++
	x.faults += w.fired
	x.checks += checks
	x.ends[fmt.Sprintf("%s %s, %d mails", s.guarantee, w.end, len(w.mails))]++
	if violation != "" {
		s.schedule = schedule
		x.violations = append(x.violations, fmt.Sprintf("%s\n\t-replay '%s'", violation, s))
	}
}

// all explores every schedule of the scenario, as far as the build allows.
func (x *explorer) all(s scenario) {
	todo := []string{""}
	for n := 0; len(todo) > 0 && n < maxSchedules; n++ {
		s.schedule = todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		schedule, choices := x.explore(s)
		for _, c := range choices {
			for _, name := range c.left {
				todo = append(todo, schedule[:c.at]+string(name))
			}
		}
	}
}

// maxCalls is more calls than one delivery ever makes.
const maxCalls = 14

// systematic visits two deliveries alone, and one delivery with each of the
// others, without a mishap and with every mishap at every call of the delivery.
func systematic(g message.Guarantee, visit func(scenario)) {
	for _, o := range others {
		pair := scenario{guarantee: g, other: o, alone: o.do != nil}
		visit(pair)
		for k := range maxCalls {
			for m := lostRequest; m < mishaps; m++ {
				pair.mishaps = map[string]map[int]mishap{"A": {k: m}}
				visit(pair)
			}
		}
	}
}

// drawn explores all three together, with up to three mishaps.
func (x *explorer) drawn(r *rand.Rand, g message.Guarantee) {
	s := scenario{guarantee: g, other: others[r.IntN(len(others))], draw: r, mishaps: map[string]map[int]mishap{}}
	for range r.IntN(4) {
		who := string("AB"[r.IntN(2)])
		if s.mishaps[who] == nil {
			s.mishaps[who] = map[int]mishap{}
		}
		s.mishaps[who][r.IntN(8)] = lostRequest + mishap(r.IntN(int(mishaps-1)))
	}
	x.explore(s)
}

func TestExplorer(t *testing.T) {
	x := newExplorer(t)
	if *replay != "" {
		s := parse(t, *replay)
		w := x.stories[s.guarantee].world()
		w.trace = t.Logf
		schedule, _ := s.play(w)
		if _, violation := w.violation(s); violation != "" {
			s.schedule = schedule
			t.Fatalf("%s\n\t%s", violation, s)
		}
		return
	}
	var wg sync.WaitGroup
	for i, g := range []message.Guarantee{message.AtMostOnce, message.AtLeastOnce} {
		wg.Go(func() {
			n := 0
			systematic(g, func(s scenario) {
				if n++; *whole || n%systematicShare == 0 {
					x.all(s)
				}
			})
			r := rand.New(rand.NewPCG(*seed, uint64(i)))
			for range *random / 2 {
				x.drawn(r, g)
			}
		})
	}
	wg.Wait()
	x.report(t)
}

func (x *explorer) report(t *testing.T) {
	fmt.Printf("scenarios=%d faults=%d invariants_checked=%d violations=%d seed=%d\n",
		x.scenarios, x.faults, x.checks, len(x.violations), *seed)
	for _, end := range sortedKeys(x.ends) {
		t.Logf("%7d %s", x.ends[end], end)
	}
	slices.Sort(x.violations)
	for i, v := range x.violations {
		if i == 5 {
			t.Errorf("and %d more", len(x.violations)-i)
			break
		}
		t.Error(v)
	}
	if least := leastScenarios; x.scenarios < least && *random == randomByDefault {
		t.Errorf("%d scenarios, at least %d are expected", x.scenarios, least)
	}
}
