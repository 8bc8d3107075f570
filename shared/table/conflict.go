package table

import (
	"errors"
	"fmt"
	"strings"
)

// Reason says why one write of a refused commit did not hold.
type Reason uint8

// The reasons, one for each write of the commit. Held writes were fine
// themselves; they were not applied because another one was not.
const (
	Held           Reason = iota
	Exists                // Absent was asked, an item is there
	Missing               // a version was asked, no item is there
	VersionChanged        // the item has another version
	CounterReached        // the counter is not below its limit
	Busy                  // another commit held the item: try again
)

var reasonNames = [...]string{"held", "exists", "missing", "version changed", "counter reached", "busy"}

// String returns the reason in words.
func (r Reason) String() string { return reasonNames[r] }

// Judge says whether the write's condition holds. Version and counter are those
// of the live item, counter the one that the condition asks about; both are 0
// when there is none.
func (w Write) Judge(exists bool, version, counter int64) Reason {
	c := w.If
	switch {
	case w.Op == OpDelete && !exists:
		return Held // gone is gone
	case c.Absent && exists:
		return Exists
	case c.Version > 0 && !exists:
		return Missing
	case c.Version > 0 && version != c.Version:
		return VersionChanged
	case c.Counter != "" && counter >= c.Below:
		return CounterReached
	}
	return Held
}

// Conflict is a commit that was refused: nothing of it was applied.
type Conflict struct {
	Reasons []Reason // one for each write, in order
}

// Error implements error.
func (c *Conflict) Error() string {
	var parts []string
	for i, r := range c.Reasons {
		if r != Held {
			parts = append(parts, fmt.Sprintf("write %d: %s", i, r))
		}
	}
	return "commit refused: " + strings.Join(parts, ", ")
}

// AsConflict returns err as a conflict, or nil.
func AsConflict(err error) *Conflict {
	var c *Conflict
	if errors.As(err, &c) {
		return c
	}
	return nil
}
