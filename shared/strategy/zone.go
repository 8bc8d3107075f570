package strategy

import (
	"slices"
	"sync"
	"time"

	"rapport/shared/person"
)

// zone finds the location once.
type zone struct {
	sync.Once
	location *time.Location
}

// Location is the time zone that days are counted in: UTC when the document
// names none that is known here, which validation refuses.
func (s *Strategy) Location() *time.Location {
	s.zone.Do(func() {
		if s.zone.location, _ = time.LoadLocation(s.Zone); s.zone.location == nil || s.Zone == "Local" {
			s.zone.location = time.UTC
		}
	})
	return s.zone.location
}

// The years for which a document holds the offsets of its zone. What is outside
// has the nearest one.
const (
	firstYear = 2000
	lastYear  = 2050
)

// Offsets lists the shifts of a zone as person.NewCalendar takes them.
func Offsets(zone *time.Location) [][2]int64 {
	var out [][2]int64
	at, end := time.Date(firstYear, 1, 1, 0, 0, 0, 0, zone), time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, zone)
	for !at.IsZero() && at.Before(end) {
		_, offset := at.Zone()
		if n := len(out); n == 0 || out[n-1][1] != int64(offset) {
			out = append(out, [2]int64{at.Unix(), int64(offset)})
		}
		_, next := at.ZoneBounds()
		if !next.IsZero() && !next.After(at) {
			next = at.AddDate(0, 0, 1) // after 2037 some bounds end where they begin
		}
		at = next
	}
	return out
}

// CountsDays reports whether anything that the document declares does.
func (d Document) CountsDays() bool {
	return d.Lifecycle != nil || slices.ContainsFunc(d.Computed, person.ComputedTrait.Timed)
}
