// Package journey is about designed paths: what starts one, what ends it, and
// what happens in between. A journey is a versioned reducer: its instances are
// state on a person's nodes that merges like all the rest, so where a person
// stands does not depend on the device an event came from.
package journey

import (
	"slices"
	"time"
)

// Journey is one designed path as published.
type Journey struct {
	ID          string   `json:"id"`
	Version     string   `json:"version"` // first 12 hex digits of SHA-256 over the definition
	Description string   `json:"description,omitempty"`
	Need        string   `json:"need,omitempty"`
	Start       string   `json:"start"`            // name of the track event that starts or restarts an instance
	Change      []string `json:"change,omitempty"` // events that change an instance and restart its wait, and start none
	Goal        []string `json:"goal"`             // events that end an instance
	Key         string   `json:"key,omitempty"`    // property that tells instances apart; "": one instance a person
	Steps       []Step   `json:"steps"`
}

// Cart is what starts, changes and ends a journey about a cart, for those that
// say nothing else. Its words are those of the Segment spec.
func Cart() Journey {
	return Journey{
		Start: "Product Added", Key: "cart_id", Change: []string{"Product Removed", "Cart Viewed"}, Goal: []string{"Order Completed"},
	}
}

// Step waits, and then sends.
type Step struct {
	Wait time.Duration `json:"wait"` // nanoseconds, from the step before or from the last change
	Send string        `json:"send"` // id of the message
}

// Longest is how long an instance can be under way.
func (j *Journey) Longest() time.Duration {
	var total time.Duration
	for _, s := range j.Steps {
		total += s.Wait
	}
	return total
}

// Starts reports whether an event of that name starts or restarts an instance.
func (j *Journey) Starts(event string) bool { return event == j.Start }

// Changes reports whether an event of that name changes an instance that is
// under way.
func (j *Journey) Changes(event string) bool { return slices.Contains(j.Change, event) }

// Ends reports whether an event of that name is the goal.
func (j *Journey) Ends(event string) bool { return slices.Contains(j.Goal, event) }

// LateTrigger is how old an event may be and still start something.
const LateTrigger = 24 * time.Hour
