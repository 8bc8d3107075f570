package quiet

import "time"

// A wall time is what a clock on the wall shows: a date and a time of day without
// a zone. It is kept as a time in UTC.

// dateOf is midnight of the date that a clock in the zone shows, as a wall time.
func dateOf(at time.Time, zone *time.Location) time.Time {
	year, month, day := at.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// reach is more than any zone is away from UTC.
const reach = 26 * time.Hour

// shows returns the first and the last instant at which a clock in the zone shows
// the wall time. They differ where clocks go back over it. Where clocks skip it,
// both are the first instant after the gap.
func shows(wall time.Time, zone *time.Location) (first, last time.Time) {
	skipped := time.Time{} // where the stretch before ended, when the wall time lay beyond its end
	for at := wall.Add(-reach); at.Before(wall.Add(reach)); {
		begin, end, offset := stretch(at, zone)
		shown := wall.Add(-offset)
		switch {
		case shown.Before(begin):
			if first.IsZero() && skipped.Equal(begin) {
				return begin, begin
			}
		case shown.Before(end):
			if first.IsZero() {
				first = shown
			}
			last = shown
		default:
			skipped = end
		}
		at = end
	}
	return first, last
}

// stretch returns a stretch of time around an instant in which the zone is at one
// offset from UTC. It may be cut short.
func stretch(at time.Time, zone *time.Location) (begin, end time.Time, offset time.Duration) {
	local := at.In(zone)
	_, seconds := local.Zone()
	begin, end = local.ZoneBounds()
	if longest := at.Add(2 * reach); end.IsZero() || end.After(longest) {
		end = longest
	}
	if !end.After(at) { // after 2037 some end where they begin
		end = at.Add(time.Hour)
	}
	return begin.UTC(), end.UTC(), time.Duration(seconds) * time.Second
}
