package event

import (
	"maps"
	"slices"
	"time"
)

// Bounds and defaults of Retention, in days.
const (
	DefaultDays = 395 // 13 months: a year, and time to compare it with the one before
	// MinDays is longer than anything delivers again what it has delivered: a queue
	// keeps a message for 14 days, and its dead letters for as long again.
	MinDays = 30
	MaxDays = 36500
)

// Retention says for how long what events say is kept, in days from their
// receipt. The zero value keeps everything for DefaultDays.
type Retention struct {
	Default  int            `json:"default,omitempty"`  // what Events does not name; 0: DefaultDays
	Visitors int            `json:"visitors,omitempty"` // a visitor who does nothing any more; 0: DefaultDays
	Events   map[string]int `json:"events,omitempty"`   // by the name of a track event, or a type

	// Lost is by the keys of Events, and "" for what none of them names: what was
	// received no later than that was gone already when the time became longer. A
	// key that is missing has what a wider one has.
	Lost map[string]time.Time `json:"lost,omitempty"`
}

// Until is when what the event says is gone.
func (r Retention) Until(e *Event) time.Time {
	if !e.ReceivedAt.After(widened(r.Lost, classes(e))) {
		return e.ReceivedAt
	}
	return e.ReceivedAt.AddDate(0, 0, r.days(classes(e)))
}

// Visit is when a visitor is forgotten who did something last at that time.
func (r Retention) Visit(last time.Time) time.Time {
	return last.AddDate(0, 0, orDefault(r.Visitors))
}

// Succeed returns the retention as the one that takes the place of an earlier
// one now: what that one let go does not come back when times get longer.
func (r Retention) Succeed(earlier Retention, now time.Time) Retention {
	lost, any := map[string]time.Time{}, false
	keys := slices.Concat([]string{""}, slices.Collect(maps.Keys(r.Events)), slices.Collect(maps.Keys(earlier.Events)), slices.Collect(maps.Keys(earlier.Lost)))
	for _, key := range keys {
		classes := within(key)
		lost[key] = widened(earlier.Lost, classes)
		was := earlier.days(classes)
		if gone := now.UTC().Truncate(time.Second).AddDate(0, 0, -was); r.days(classes) > was && gone.After(lost[key]) {
			lost[key] = gone
		}
		any = any || !lost[key].IsZero()
	}
	if r.Lost = nil; any {
		r.Lost = lost
	}
	return r
}

func (r Retention) days(classes []string) int {
	if days := widened(r.Events, classes); days > 0 {
		return days
	}
	return orDefault(r.Default)
}

func orDefault(days int) int {
	if days == 0 {
		return DefaultDays
	}
	return days
}

// widened is what the narrowest class says that the map knows.
func widened[V any](m map[string]V, classes []string) (value V) {
	for _, class := range classes {
		if value, ok := m[class]; ok {
			return value
		}
	}
	return value
}

// classes are the keys that an event falls under, the narrowest first.
func classes(e *Event) []string {
	if e.Type == Track {
		return within(e.Name)
	}
	return within(string(e.Type))
}

// within lists a key and the wider ones around it: whatever is no type is the
// name of a track event.
func within(key string) []string {
	if key == "" || IsType(key) {
		return []string{key, ""}
	}
	return []string{key, string(Track), ""}
}

// IsType reports whether the text is one of the types of events.
func IsType(text string) bool {
	switch Type(text) {
	case Track, Identify, Page, Screen, Group, Alias:
		return true
	}
	return false
}
