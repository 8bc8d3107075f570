package person

// Op is how a computed trait folds the events that it listens to.
type Op string

// The folds.
const (
	Count Op = "count" // how many events
	Sum   Op = "sum"   // exact decimal sum of a property
	First Op = "first" // property of the earliest event
	Last  Op = "last"  // property of the latest event
)

// TimestampProperty names the event's own time where a property is asked for.
const TimestampProperty = "timestamp"

// ComputedTrait is the declaration of a trait that Rapport computes from events.
type ComputedTrait struct {
	Name  string `json:"name"`
	Op    Op     `json:"op"`
	Event string `json:"event"` // the track event's name, or "page" / "screen" for any of those calls

	// Of lists property paths ("revenue", "order.total"); the first that the
	// event has is taken. "timestamp" is the event's own time. Count needs none.
	Of []string `json:"of,omitempty"`
}
