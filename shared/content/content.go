// Package content holds what a website may show: slots are places, blocks are
// the candidates for them.
package content

import (
	"encoding/json"
	"time"

	"rapport/shared/audience"
)

// Slot is a place on a website.
type Slot struct {
	ID          string `json:"id"`
	Description string `json:"description,omitempty"`
	Fallback    string `json:"fallback"` // id of the block to show when no other may be
}

// NoRule is the When of a block that has no rule of its own.
const NoRule = -1

// Block is one candidate content for one slot.
type Block struct {
	ID       string `json:"id"`
	Slot     string `json:"slot"`
	Audience string `json:"audience,omitempty"` // "" is everyone

	// Text is an extra rule in CEL as its author wrote it, Rule the same
	// compiled. A block without one has neither.
	Text string            `json:"text,omitempty"`
	Rule *audience.Program `json:"rule,omitempty"`

	// When is the index of the extra rule in strategy.Strategy.Rules, or NoRule.
	// strategy.Ready sets it.
	When int `json:"-"`

	Priority int       `json:"priority,omitempty"` // the highest that may be shown wins
	Weight   int       `json:"weight"`             // share among equals, 1 to 1000
	From     time.Time `json:"from,omitzero"`      // first instant that it may be shown; zero: always
	Until    time.Time `json:"until,omitzero"`     // first instant that it may not any more; zero: never

	Content json.RawMessage `json:"content"` // a JSON object, handed to the website as it is
}

// Scheduled reports whether the block may be shown at that moment as far as its
// schedule goes.
func (b *Block) Scheduled(now time.Time) bool {
	return !now.Before(b.From) && (b.Until.IsZero() || now.Before(b.Until))
}
