package person

// Op is how a computed trait folds the events that it listens to.
type Op string

// The folds.
const (
	Count    Op = "count"    // how many events
	Sum      Op = "sum"      // exact decimal sum of a property
	Average  Op = "average"  // that sum by the number of events that had the property
	Min      Op = "min"      // its lowest number
	Max      Op = "max"      // its highest number
	First    Op = "first"    // property of the earliest event
	Last     Op = "last"     // property of the latest event
	Unique   Op = "unique"   // how many different values a property had, see sketch
	Most     Op = "most"     // the value that it had most often, see tallies
	Recency  Op = "recency"  // days since the latest event
	Affinity Op = "affinity" // weight of each value, halved with every half-life, see weight
)

// Ops lists every fold, in the order that documentation has them.
func Ops() []Op {
	return []Op{Count, Sum, Average, Min, Max, First, Last, Unique, Most, Recency, Affinity}
}

// TimestampProperty names the event's own time where a property is asked for.
const TimestampProperty = "timestamp"

// ComputedTrait is the declaration of a trait that Rapport computes from events.
type ComputedTrait struct {
	Name  string `json:"name"`
	Op    Op     `json:"op"`
	Event string `json:"event"` // the track event's name, or "page" / "screen" for any of those calls

	// Of lists property paths ("revenue", "order.total"); the first that the
	// event has is taken. "timestamp" is the event's own time. Count and Recency
	// need none.
	Of []string `json:"of,omitempty"`

	// Window leaves only events of the last so many calendar days, today
	// included: with 1, those of today. 0 is all events ever.
	Window int `json:"window,omitempty"`

	// HalfLife is after how many days an event weighs half, for Affinity.
	HalfLife int `json:"halfLife,omitempty"`
}

// TakesProperty reports whether the fold is of a property, and not of the
// events as such.
func (o Op) TakesProperty() bool { return o != Count && o != Recency }

// Windowed reports whether the fold can be told to look at the last days only.
func (o Op) Windowed() bool {
	switch o {
	case Count, Sum, Average, Min, Max, Unique, Most:
		return true
	default:
		return false
	}
}

// Total reports whether everybody has a value, who had no event too.
func (o Op) Total() bool { return o == Count || o == Sum || o == Unique }

// Timed reports whether the value can change by time alone.
func (c ComputedTrait) Timed() bool { return c.Window > 0 || c.Op == Recency || c.Op == Affinity }

// What a fold that looks back keeps lies in buckets of whole days, each named by
// its first day. A bucket counts until it is reach days old. It is kept for one
// bucket longer, as an event whose clock is ahead opens the next one too early.

// unit is the length of the trait's buckets in days, 0 when it has but one.
func (c ComputedTrait) unit() int {
	if c.Op == Affinity {
		return max((c.HalfLife+stepsPerHalf-1)/stepsPerHalf, 1)
	}
	return min(c.Window, 1)
}

// reach is for how many days an event counts, its own included.
func (c ComputedTrait) reach() int {
	if c.Op == Affinity {
		return halvings * c.HalfLife
	}
	return c.Window
}

// bucket is where the trait keeps what happened that day.
func (c ComputedTrait) bucket(day int) int {
	if c.unit() == 0 {
		return 0
	}
	return floorDivide(day, c.unit()) * c.unit()
}

// counts reports whether what is in the bucket still counts on that day.
func (c ComputedTrait) counts(bucket, today int) bool {
	return c.unit() == 0 || c.bucket(today)-bucket < c.reach()
}

// kept reports whether the bucket may count on any day that can still come, of
// which latest is the newest bucket with an event.
func (c ComputedTrait) kept(bucket, latest int) bool {
	return c.unit() == 0 || latest-bucket < c.reach()+c.unit()
}
