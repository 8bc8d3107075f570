package quiet

import (
	"fmt"
	"slices"
	"time"

	"rapport/shared/person"
)

// Budget is how many messages somebody may get in any stretch of so many times 24
// hours, whatever the clocks do meanwhile.
type Budget struct {
	Most int `json:"most"` // at least 1
	Days int `json:"days"` // 1 to MaxDays
}

// MaxDays is the longest stretch of a budget: sends are remembered for little
// more than a month.
const MaxDays = 31

// String is "2 in 7 days".
func (b Budget) String() string { return fmt.Sprintf("%d in %d days", b.Most, b.Days) }

// Room returns the first instant, from at on, at which the budget has room for
// one more message after those that were sent then, in whatever order.
func (b Budget) Room(sent []time.Time, at time.Time) time.Time {
	if b.Most < 1 || len(sent) < b.Most {
		return at
	}
	sorted := slices.SortedFunc(slices.Values(sent), time.Time.Compare)
	free := sorted[len(sorted)-b.Most].Add(time.Duration(b.Days) * 24 * time.Hour)
	if free.After(at) {
		return free
	}
	return at
}

// Turn returns the first instant, from at on, at which somebody who wishes for
// that cadence may get another message after those that were sent then: the first
// of the next day, week (from Monday) or month in whatever zone may be theirs.
// A cadence that nobody knows is none.
func Turn(cadence string, place Place, sent []time.Time, at time.Time) time.Time {
	if len(sent) == 0 {
		return at
	}
	last := slices.MaxFunc(sent, time.Time.Compare)
	for _, zone := range place.Zones {
		day, ok := next(cadence, dateOf(last, zone))
		if !ok {
			return at
		}
		if _, begins := shows(day, zone); begins.After(at) {
			at = begins
		}
	}
	return at
}

// next is the day on which the cadence after that of the date begins.
func next(cadence string, date time.Time) (day time.Time, ok bool) {
	switch cadence {
	case person.Daily:
		return date.AddDate(0, 0, 1), true
	case person.Weekly:
		return date.AddDate(0, 0, 7-(int(date.Weekday())+6)%7), true
	case person.Monthly:
		return time.Date(date.Year(), date.Month()+1, 1, 0, 0, 0, 0, time.UTC), true
	}
	return date, false
}
