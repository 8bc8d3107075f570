package person

import (
	"slices"
	"time"
)

const daySeconds = 24 * 60 * 60

// Calendar counts the days of one time zone, by the offsets that it is told and
// not by what the machine knows, so that every function counts the same ones.
// Days are numbered from 1 January 1970. A day begins at the first instant whose
// local date it is; where clocks are put back over midnight, the hour that comes
// twice belongs to the new day both times.
type Calendar struct{ shifts [][2]int64 }

// NewCalendar takes pairs of a Unix second and the seconds east of UTC that hold
// from then on, in order; the first pair holds before as well. Without any, days
// are those of UTC.
func NewCalendar(offsets [][2]int64) *Calendar {
	if len(offsets) == 0 {
		offsets = [][2]int64{{0, 0}}
	}
	return &Calendar{offsets}
}

// utc is what a person's days are counted in when nothing is declared.
var utc = NewCalendar(nil)

// at returns the index of the offset that holds at a Unix second.
func (c *Calendar) at(second int64) int {
	i, exact := slices.BinarySearchFunc(c.shifts, second, func(s [2]int64, t int64) int { return int(min(max(s[0]-t, -1), 1)) })
	if !exact {
		i--
	}
	return max(i, 0)
}

// Day returns the day that the instant is in.
func (c *Calendar) Day(t time.Time) int {
	second := t.Unix()
	day := int(floorDivide(second+c.shifts[c.at(second)][1], daySeconds))
	if c.start(day+1) <= second {
		day++
	}
	return day
}

// Start returns the instant at which the day begins.
func (c *Calendar) Start(day int) time.Time { return time.Unix(c.start(day), 0).UTC() }

func (c *Calendar) start(day int) int64 {
	midnight := int64(day) * daySeconds
	for i := c.at(midnight - 2*daySeconds); ; i++ {
		second := midnight - c.shifts[i][1]
		if i > 0 {
			second = max(second, c.shifts[i][0])
		}
		if i+1 == len(c.shifts) || second < c.shifts[i+1][0] {
			return second
		}
	}
}

func floorDivide[T int | int64](x, y T) T {
	q := x / y
	if x%y < 0 {
		q--
	}
	return q
}
