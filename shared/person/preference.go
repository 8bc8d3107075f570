package person

import (
	"maps"
	"strings"
	"time"
)

// The fields of preferences. What a company makes up itself stands under Custom
// and a name: "custom.font".
const (
	Theme    = "theme"      // text
	Topics   = "topics"     // list of texts, sorted
	Channels = "channels"   // list of the channels that messages may come by, sorted
	Cadence  = "cadence"    // how often messages may come, one of Cadences
	Quiet    = "quietHours" // when no message may come, a QuietHours
	Custom   = "custom."
)

// How often messages may come that nobody waits for.
const (
	Instant = "instant" // whenever there is something
	Daily   = "daily"   // at most one a day, and so on
	Weekly  = "weekly"
	Monthly = "monthly"
)

// Cadences are the values of the preference Cadence, from often to seldom.
func Cadences() []string { return []string{Instant, Daily, Weekly, Monthly} }

// QuietHours is a part of every day, over midnight when it ends before it begins.
type QuietHours struct {
	From string `json:"from"`           // the first minute of it, as in 21:00
	To   string `json:"to"`             // the first minute after it, never the same
	Zone string `json:"zone,omitempty"` // IANA name; "": where the person is thought to be
}

// Minute reads the time of a day, as in 21:00, and returns the minutes since
// midnight.
func Minute(text string) (minute int, ok bool) {
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil && len(text) == len("15:04")
}

// Limits of preferences.
const (
	MaxChoice      = 64      // characters of a theme, a topic, the name of a custom field
	MaxTopics      = 50      // topics of a person
	MaxCustom      = 50      // custom fields of a person
	MaxCustomBytes = 1 << 10 // of the JSON of a custom field, which is text, a number, true or false
	nothing        = "null"  // a field that was taken back
)

// Prefer records what the person chose for a field, null for nothing any more,
// unless a later choice is known. It reports whether anything changed.
func (n *Node) Prefer(field string, choice Trait) bool {
	if have, ok := n.Preferences[field]; ok && !choice.wins(have) {
		return false
	}
	if n.Preferences == nil {
		n.Preferences = map[string]Trait{}
	}
	n.Preferences[field] = choice
	return true
}

// Preferences joins what the person chose, by field. A field that was taken back
// is left out.
func (p *Person) Preferences() map[string]Trait {
	var out map[string]Trait
	for _, n := range p.Nodes {
		for field, choice := range n.Preferences {
			if out == nil {
				out = map[string]Trait{}
			}
			if have, ok := out[field]; !ok || choice.wins(have) {
				out[field] = choice
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, t Trait) bool { return string(t.Value) == nothing })
	return out
}

// Chosen returns a person of whom nothing is known but what it chose itself.
func (p *Person) Chosen() *Person {
	out := &Person{}
	for _, n := range p.Nodes {
		out.Adopt(&Node{ID: n.ID, Preferences: n.Preferences})
	}
	return out
}

// Alone returns a person that is just the one node, and nothing when p has none
// with that id.
func (p *Person) Alone(id NodeID) *Person {
	out := &Person{}
	if n := p.Node(id); n != nil {
		out.Adopt(n)
	}
	return out
}

// CustomField returns the name of a field that a company made up.
func CustomField(field string) (name string, ok bool) { return strings.CutPrefix(field, Custom) }
