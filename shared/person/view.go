package person

import (
	"encoding/json"
	"time"
)

// View is the single customer view: the join of all of a person's nodes at one
// moment. It depends only on which events the nodes received, never on the
// order they came in.
type View struct {
	ID        string                     // the hash of the person's earliest node
	Nodes     []NodeID                   // sorted by kind and value
	Known     bool                       // has a proven user id
	Traits    map[string]Trait           // declared and observed
	Explicit  map[string]Trait           // what the person chose, by field, see Prefer; may be nil
	Computed  map[string]json.RawMessage // by name: a number, a string (times as RFC 3339 in UTC), of an Affinity an object
	Stage     Stage                      // of the life cycle; "" when the strategy declares none
	FirstSeen time.Time                  // of event times; zero when nothing was seen
	LastSeen  time.Time
}

// Declared is what a strategy wants to know of people.
type Declared struct {
	Computed  []ComputedTrait
	Lifecycle *Lifecycle // nil: no stages
	Days      *Calendar  // nil: the days of UTC
}

func (d *Declared) calendar() *Calendar {
	if d == nil || d.Days == nil {
		return utc
	}
	return d.Days
}

// Trait is one declared attribute with where it came from. The latest writer
// wins, by (At, By).
type Trait struct {
	Value json.RawMessage // compact JSON, numbers as sent
	At    time.Time       // the event's time, to the millisecond
	By    string          // the event's message id
}
