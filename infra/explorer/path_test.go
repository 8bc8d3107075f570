package explorer_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A schedule says what happened, in steps of two characters: who makes a call,
// "A" for the first process, and how that goes, by the letter of the mishap, "-"
// when fine. "+0" starts a delivery of the first parcel that waits.

// path is how a scenario goes: by a schedule as far as that leads, then by
// drawing, or always by the first who can.
type path struct {
	schedule string
	draw     *rand.Rand
	most     int // mishaps that are drawn

	// Schedules that part from this one: in who makes a call, and in how it goes.
	orders, faults []string
}

// play runs the scenario up to where nobody has a call to make. It returns the
// whole schedule.
func (w *world) play(p *path) (schedule string) {
	for _, a := range w.acts() {
		w.join(a)
	}
	var order []byte
	for {
		step := w.choose(p, string(order))
		if step == "" {
			break
		}
		order = append(order, step...)
		w.take(step)
	}
	return string(order)
}

func (w *world) join(a act) {
	w.all = append(w.all, w.start(string(rune('A'+len(w.all))), a))
}

func (w *world) take(step string) {
	if n, start := strings.CutPrefix(step, "+"); start {
		i, err := strconv.Atoi(n)
		if err != nil {
			panic(err)
		}
		w.join(delivery(w.queue[i]))
		return
	}
	w.all[step[0]-'A'].step(mishapOf(step[1]))
}

// choose names the next step, "" when nobody has a call to make.
func (w *world) choose(p *path, so string) string {
	var able []*process
	for _, one := range w.all {
		if !one.over {
			able = append(able, one)
		}
	}
	switch {
	case len(so) < len(p.schedule):
		return p.schedule[len(so) : len(so)+2]
	case p.draw != nil:
		return w.drawn(p, able)
	case len(able) == 0:
		return ""
	}
	w.lead(so, able)
	w.part(p, so, able)
	return able[0].name + "-"
}

// lead puts first who makes the next call when not all orders are visited: mostly
// who made the last one, for what goes wrong needs few changes between them.
func (w *world) lead(so string, able []*process) {
	if w.mishaps() == 0 || w.fully() {
		return
	}
	dice := w.dice(so)
	last := slices.IndexFunc(able, func(p *process) bool { return p.name == so[len(so)-2:len(so)-1] })
	if last < 0 || dice%4 == 0 {
		last = int(dice>>8) % len(able)
	}
	able[0], able[last] = able[last], able[0]
}

// fully reports whether every order after every mishap is visited.
func (w *world) fully() bool { return *whole || w.scene.core && w.core }

// dice is drawn by the schedule, so that it falls the same again.
func (w *world) dice(schedule string) uint32 {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, *seed, w.scene.title(), schedule)
	return h.Sum32()
}

// part notes the schedules that go on otherwise: with another process, or with
// the one mishap that there is.
func (w *world) part(p *path, so string, able []*process) {
	for i, one := range able {
		if so == "" && w.scene.twins && i > 0 {
			break // its mirror image is visited
		}
		if next := so + one.name + "-"; i > 0 && (w.mishaps() == 0 || w.fully() || w.dice(next)%uint32(w.share) == 0) {
			p.orders = append(p.orders, next)
		}
		for m := fine + 1; m < mishaps && w.mishaps() == 0; m++ {
			if m.fits(one.call) {
				p.faults = append(p.faults, so+one.name+string(m.letter()))
			}
		}
	}
}

// drawn is a step by chance: more deliveries may begin, of what waits, again of
// what is at work, and of what is done.
func (w *world) drawn(p *path, able []*process) string {
	const most = 6 // processes
	if len(w.all) < most && len(w.queue) > 0 && len(w.queue) < 10 && p.draw.IntN(8) == 0 {
		return "+" + strconv.Itoa(p.draw.IntN(len(w.queue)))
	}
	if len(able) == 0 {
		return ""
	}
	one := able[p.draw.IntN(len(able))]
	m := fine
	if w.mishaps() < p.most && p.draw.IntN(6) == 0 {
		m = mishap(p.draw.IntN(int(mishaps)))
	}
	if !m.fits(one.call) {
		m = fine
	}
	return one.name + string(m.letter())
}

// named finds a scene again.
func named(all []*scene, name string) *scene {
	i := slices.IndexFunc(all, func(s *scene) bool { return s.title() == name })
	if i < 0 {
		return nil
	}
	return all[i]
}

// title tells scenes apart.
func (s *scene) title() string { return string(s.guarantee) + "/" + s.name }
