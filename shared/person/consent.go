package person

import (
	"cmp"
	"strings"
	"time"
)

// Consent is what a person said to a purpose, and the proof that they did. The
// latest word counts, and no wins a tie.
type Consent struct {
	Given   bool
	At      time.Time
	By      string    // the event, the link that was used, or the kind of key
	Wording string    `json:",omitempty"` // what the person read when they said it; "" when nobody kept it
	Expires time.Time `json:",omitzero"`  // from when on a yes counts no more; zero: never
}

// ConsentKey names a word in Consents: to a purpose over one channel, or over
// all of them when the channel is "".
func ConsentKey(purpose, channel string) string {
	if channel == "" {
		return purpose
	}
	return purpose + "/" + channel
}

// SplitConsentKey is the inverse of ConsentKey.
func SplitConsentKey(key string) (purpose, channel string) {
	purpose, channel, _ = strings.Cut(key, "/")
	return purpose, channel
}

// Valid reports whether the word is a yes that has not expired.
func (c Consent) Valid(now time.Time) bool {
	return c.Given && (c.Expires.IsZero() || now.Before(c.Expires))
}

// Agree records what the person said to a purpose, unless a later word is known.
// It reports whether anything changed.
func (n *Node) Agree(key string, c Consent) bool {
	have, ok := n.Consent[key]
	if ok && !c.overrules(have) {
		return false
	}
	if n.Consent == nil {
		n.Consent = map[string]Consent{}
	}
	n.Consent[key] = c
	return true
}

// overrules orders words by time, then no before yes, then by what proves them,
// so that the same words in any order leave the same one.
func (c Consent) overrules(have Consent) bool {
	return cmp.Or(
		c.At.Compare(have.At), cmp.Compare(refusal(c), refusal(have)),
		strings.Compare(c.By, have.By), strings.Compare(c.Wording, have.Wording), c.Expires.Compare(have.Expires),
	) > 0
}

func refusal(c Consent) int {
	if c.Given {
		return 0
	}
	return 1
}

// Consents joins what the person said, by ConsentKey.
func (p *Person) Consents() map[string]Consent {
	out := map[string]Consent{}
	for _, n := range p.Nodes {
		for key, c := range n.Consent {
			if have, ok := out[key]; !ok || c.overrules(have) {
				out[key] = c
			}
		}
	}
	return out
}

// Word returns what was said to a purpose over a channel, of what Consents holds:
// the later of the word to that channel and the one to all of them.
func Word(said map[string]Consent, purpose, channel string) (c Consent, spoke bool) {
	c, spoke = said[purpose]
	if one, ok := said[ConsentKey(purpose, channel)]; ok && (!spoke || one.overrules(c)) {
		return one, true
	}
	return c, spoke
}
