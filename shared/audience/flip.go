package audience

import (
	"cmp"
	"time"
)

// clock finds out when a rule changes by time alone.
type clock struct {
	watching bool
	ahead    int64 // steps until the next comparison changes; 0: none does
}

// maxFlips bounds how many comparisons may change, each without changing the
// rule, before NextFlip settles for the next of them.
const maxFlips = 16

// horizon is how far ahead NextFlip looks. It also keeps it away from the ends of
// the years that time can express.
const horizon = 10 * 365 * 24 * time.Hour

// NextFlip returns the earliest instant after now, in whole milliseconds, at
// which rule i gives another outcome although nothing happens, zero when it will
// not within ten years. In a rule with many times it may name an instant too
// early.
func (s *Set) NextFlip(i int, f *Facts) time.Time {
	if f.set != s {
		return time.Time{}
	}
	k := s.nowSlot(i)
	if k < 0 {
		return time.Time{}
	}
	saved := f.slots[k]
	defer func() { f.slots[k], f.clock = saved, clock{} }()
	before, last := outcome(s.rules[i].test(f)), saved.time().Add(horizon)
	for range maxFlips {
		f.clock = clock{watching: true}
		s.rules[i].test(f)
		if f.clock.ahead == 0 {
			return time.Time{}
		}
		at := f.slots[k].time().Add(time.Duration(f.clock.ahead) * stepOf)
		if at.After(last) {
			return time.Time{}
		}
		f.slots[k].setTime(at)
		f.slots[k].slope = 1
		if outcome(s.rules[i].test(f)) != before {
			break
		}
	}
	return f.slots[k].time()
}

// outcome makes all failures one.
func outcome(v verdict) verdict { return max(v, undecided(1)) }

// nowSlot returns the slot of now in rule i, -1 when it does not read it.
func (s *Set) nowSlot(i int) int {
	for _, k := range s.rules[i].uses {
		if s.slots[k].path[0] == Now {
			return k
		}
	}
	return -1
}

// crossing notes when a comparison of two values that move differently changes.
// As the comparisons before the change go the same way, so does the whole rule.
func (f *Facts) crossing(op string, a, b *value) {
	if !f.clock.watching || a.kind != b.kind {
		return
	}
	distance, why := difference(a, b)
	if why != 0 {
		return // centuries away
	}
	perStep := int64(a.slope-b.slope) * int64(stepOf)
	steps := stepsUntil(op, distance, perStep)
	if steps > 0 && (f.clock.ahead == 0 || steps < f.clock.ahead) {
		f.clock.ahead = steps
	}
}

// difference returns a - b in nanoseconds.
func difference(a, b *value) (int64, reason) {
	if a.kind == instant {
		return between(a, b)
	}
	return subtract(a.n, b.n)
}

// stepsUntil returns after how many steps the comparison of distance with zero
// changes, when the distance grows by perStep each; 0 when it never does.
func stepsUntil(op string, distance, perStep int64) int64 {
	sign, direction := cmp.Compare(distance, 0), cmp.Compare(perStep, 0)
	var steps int64
	for sign != direction {
		n := int64(1)
		if distance != 0 {
			n = ceilDivide(distance, -perStep)
		}
		steps += n
		distance += n * perStep
		next := cmp.Compare(distance, 0)
		if holds(op, next) != holds(op, sign) {
			return steps
		}
		sign = next
	}
	return 0
}

// ceilDivide divides numbers of the same sign, and rounds up.
func ceilDivide(x, y int64) int64 {
	n := x / y
	if x%y != 0 {
		n++
	}
	return n
}
