package event

import (
	"cmp"
	"slices"
	"strings"
)

// Source says how what another system tells becomes an event: over the bus, as a
// CloudEvent, or from a file. Paths are names of its own fields, with dots to go
// inside. The strategy declares sources.
type Source struct {
	ID       string   `json:"id"`
	From     string   `json:"from,omitempty"`     // the sender's name; a * at its end stands for any rest; "": files only
	Details  []string `json:"details,omitempty"`  // the detail-types that are meant; none: all
	Accounts []string `json:"accounts,omitempty"` // other AWS accounts that may send

	Type    Type              `json:"type,omitempty"` // track when empty
	Event   string            `json:"event,omitempty"`
	EventAt string            `json:"eventAt,omitempty"` // path of the name; the detail-type without Event and this
	Events  map[string]string `json:"events,omitempty"`  // that name → ours; others stand as they are

	MessageID   string            `json:"messageId,omitempty"` // path of what tells one event of that name from another
	Timestamp   string            `json:"timestamp,omitempty"`
	UserID      string            `json:"userId,omitempty"`
	AnonymousID string            `json:"anonymousId,omitempty"`
	Email       string            `json:"email,omitempty"`
	External    map[string]string `json:"external,omitempty"`   // type → path
	Properties  map[string]string `json:"properties,omitempty"` // ours → path; none: all but the identities
	Traits      map[string]string `json:"traits,omitempty"`     // ours → path
	Numbers     []string          `json:"numbers,omitempty"`    // of ours, those that are numbers even where they came as text
}

// fits says how well the source fits an envelope: not at all below 1, and the
// better the more it names.
func (s *Source) fits(in Envelope) int {
	score := 0
	switch prefix, open := strings.CutSuffix(s.From, "*"); {
	case s.From == "":
		return 0
	case open && strings.HasPrefix(in.Source, prefix):
		score = 1
	case s.From == in.Source:
		score = 3
	default:
		return 0
	}
	switch {
	case len(s.Details) == 0:
		return score
	case slices.Contains(s.Details, in.DetailType):
		return score + 1
	default:
		return 0
	}
}

// choose returns the source that fits best, the first of equals; nil for none.
func choose(sources []Source, in Envelope) *Source {
	var best *Source
	for i := range sources {
		if s := &sources[i]; s.fits(in) > 0 && (best == nil || cmp.Compare(s.fits(in), best.fits(in)) > 0) {
			best = s
		}
	}
	return best
}

// undeclared takes what no source of the strategy is about: names as they stand,
// ids where most systems write them.
func undeclared(detail map[string]any) *Source {
	first := func(names ...string) string {
		for _, name := range names {
			if detail[name] != nil {
				return name
			}
		}
		return ""
	}
	return &Source{
		ID: "bus", UserID: first("userId", "user_id"), AnonymousID: first("anonymousId", "anonymous_id"), Email: first("email"),
		Timestamp: first("timestamp"),
	}
}
