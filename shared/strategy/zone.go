package strategy

import (
	"sync"
	"time"
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
