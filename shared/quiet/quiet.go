// Package quiet is about when somebody may be written to: not in quiet hours,
// which are those of the zone that the person is in, or of every zone that may
// be theirs; not beyond the budget of messages; and not more often than they
// wish. It answers with the first instant that is allowed, and holds at both
// shifts of summer time whatever the standard library makes of a time that does
// not exist, or exists twice.
package quiet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport/shared/person"
)

// Day is how many minutes a day has on the wall.
const Day = 24 * 60

// Hours is a part of every day in which nobody is written to, over midnight when
// it ends before it begins. Equal ends are no part of any day.
type Hours struct {
	From int `json:"from"` // the first minute of it, since midnight
	To   int `json:"to"`   // the first minute after it
}

// None is no part of any day.
var None = Hours{}

// Own reads the quiet hours that somebody chose for themselves. What cannot be
// read is none.
func Own(chosen person.QuietHours) Hours {
	from, okFrom := person.Minute(chosen.From)
	to, okTo := person.Minute(chosen.To)
	if !okFrom || !okTo {
		return None
	}
	return Hours{From: from, To: to}
}

// Empty reports whether the hours are no part of any day.
func (h Hours) Empty() bool { return h.From == h.To }

// String is 21:00–08:00.
func (h Hours) String() string {
	return fmt.Sprintf("%02d:%02d–%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60)
}

// Leaves reports whether the hours leave an instant of a day that is allowed in all
// of the zones together, none for all that people live in.
func (h Hours) Leaves(zones []string, at time.Time) bool {
	among := located(zones)
	if len(among) == 0 {
		among = inhabited()
	}
	_, ok := free([]Hours{h}, among, at)
	return ok
}

// length is for how many minutes of the wall clock the hours last.
func (h Hours) length() int { return (h.To - h.From + Day) % Day }

// middleHour is all of the day but the hour in the middle of what h leaves: of
// all hours the one that is night for the fewest, in whatever zone they are. What
// leaves less than that stays as it is.
func (h Hours) middleHour() Hours {
	left := Day - h.length()
	if h.Empty() || left <= 60 {
		return h
	}
	begin := h.To + (left-60)/2
	return Hours{From: (begin + 60) % Day, To: begin % Day}
}

// span is a stretch of time; its end is not in it.
type span struct{ from, to time.Time }

// Rule is when somebody may not be written to.
type Rule struct {
	Hours []Hours // all of them hold
	Place Place   // and in every zone of it
}

// sight is how far ahead an allowed instant is looked for before a rule counts as
// one that leaves none: beyond a day, for shifts of the clock and a day that a
// zone leaves out.
const sight = 3 * 24 * time.Hour

// First returns the first instant, from at on, that no quiet hours hold back in
// any zone that may be the person's. Zones may leave no such instant together,
// for they reach around the world; then only the middle hour is left of the part
// of the day that the hours leave open, in the zone that the place names for
// that. False means that there is none: the hours take up the whole day.
func (r Rule) First(at time.Time) (first time.Time, ok bool) {
	hours := slices.DeleteFunc(slices.Clone(r.Hours), Hours.Empty)
	if len(hours) == 0 {
		return at, true
	}
	if first, ok = free(hours, r.Place.Zones, at); ok || len(r.Place.Zones) == 1 {
		return first, ok
	}
	for i := range hours {
		hours[i] = hours[i].middleHour()
	}
	return free(hours, []*time.Location{r.Place.Home}, at)
}

// free finds the first instant that is in no span.
func free(hours []Hours, zones []*time.Location, at time.Time) (first time.Time, ok bool) {
	until := at.Add(sight)
	var taken []span
	for _, zone := range distinct(zones, at.Add(-sight), until.Add(sight)) {
		for _, h := range hours {
			taken = append(taken, h.spans(zone, at, until)...)
		}
	}
	slices.SortFunc(taken, func(a, b span) int { return a.from.Compare(b.from) })
	for _, s := range taken {
		if s.from.After(at) {
			break
		}
		if s.to.After(at) {
			at = s.to
		}
	}
	return at, !at.After(until)
}

// distinct leaves out zones that have the same offset as another one throughout.
func distinct(zones []*time.Location, from, until time.Time) []*time.Location {
	var out []*time.Location
	seen := map[int]bool{}
	for _, zone := range zones {
		local := from.In(zone)
		_, offset := local.Zone()
		if _, end := local.ZoneBounds(); end.IsZero() || end.After(until) {
			if seen[offset] {
				continue
			}
			seen[offset] = true
		}
		out = append(out, zone)
	}
	return out
}

// spans lists when the hours are on in a zone, from what is on at that instant to
// what begins by the other. Each begins when the clock first shows its begin, and
// ends when it last shows its end: an hour that comes twice is quiet both times.
func (h Hours) spans(zone *time.Location, at, until time.Time) []span {
	var out []span
	day := dateOf(at, zone).AddDate(0, 0, -2)
	for {
		begin := day.Add(time.Duration(h.From) * time.Minute)
		from, _ := shows(begin, zone)
		_, to := shows(begin.Add(time.Duration(h.length())*time.Minute), zone)
		if from.After(until) {
			return out
		}
		out = append(out, span{from, to})
		day = day.AddDate(0, 0, 1)
	}
}

// String names the hours for people: 21:00–08:00 and 13:00–14:00.
func (r Rule) String() string {
	var parts []string
	for _, h := range r.Hours {
		if !h.Empty() {
			parts = append(parts, h.String())
		}
	}
	return strings.Join(parts, " and ")
}
