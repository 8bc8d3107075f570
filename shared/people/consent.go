package people

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/event"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Verdicts on what an event says of consent, or was kept without.
const (
	NoConsent      = "no_consent"      // the person does not let us remember what they do: kept without its content, and not counted
	ConsentIgnored = "consent_ignored" // a browser said yes for a user whom it did not prove
	OptOutStands   = "opt_out_stands"  // it said yes to what the browser's Global Privacy Control says no to
)

// consentEvents are the track events by which a consent banner tells that
// somebody chose; the second name is Segment's.
var consentEvents = []string{"Consent Preferences Updated", "Segment Consent Preference Updated"}

// categories is what a consent banner says of each of its categories. Every event
// may carry it in its context; one that tells of the choice itself may carry it
// in its properties.
func categories(e *event.Event) map[string]bool {
	var said struct {
		Categories map[string]bool `json:"categoryPreferences"`
	}
	if tells(e) && json.Unmarshal(e.Properties, &said) == nil && len(said.Categories) > 0 {
		return said.Categories
	}
	var context struct {
		Consent struct {
			Categories map[string]bool `json:"categoryPreferences"`
		} `json:"consent"`
	}
	if !bytes.Contains(e.Context, []byte(`"categoryPreferences"`)) || json.Unmarshal(e.Context, &context) != nil {
		return nil
	}
	return context.Consent.Categories
}

func tells(e *event.Event) bool {
	return e.Type == event.Track && slices.Contains(consentEvents, e.Name)
}

// asked is what categories say to a purpose. One refusal among several is a
// refusal.
func asked(p *message.Purpose, said map[string]bool) (given, spoke bool) {
	given = true
	for category, yes := range said {
		if p.Named(category) {
			given, spoke = given && yes, true
		}
	}
	return given, spoke
}

// agree records what the event says of consent, and returns the verdict on it. A
// banner's state that other events carry speaks for those events only: it repeats
// what was chosen once, and must not outdo what was said since.
func agree(n *person.Node, e *event.Event, s *strategy.Strategy) (verdict string) {
	var said map[string]bool
	if tells(e) {
		said = categories(e)
	}
	for i := range s.Purposes {
		p := &s.Purposes[i]
		given, spoke := asked(p, said)
		switch {
		case p.GPC && e.OptOut:
			if spoke && given {
				verdict = OptOutStands
			}
			given, spoke = false, true
		case spoke && given && e.Claim != "":
			spoke, verdict = false, ConsentIgnored
		}
		if spoke {
			n.Agree(p.ID, p.Consent(given, e.Timestamp, e.MessageID, ""))
		}
	}
	return verdict
}

// observes reports whether Rapport may remember what the event tells that a
// person did. What somebody says of themselves is not observed. The banner's
// state on the event is heard where the person said nothing to us, and its no
// always is.
func observes(said map[string]person.Consent, e *event.Event, s *strategy.Strategy, now time.Time) bool {
	banner := categories(e)
	for i := range s.Purposes {
		p := &s.Purposes[i]
		if !p.Uses(message.Tracking) {
			continue
		}
		given, spoke := asked(p, banner)
		if spoke && !given {
			return false
		}
		if reason := p.Refuses(said, "", now); declared(e) || reason == "" || reason == message.NoConsent && spoke {
			continue
		}
		return false
	}
	return true
}

// declared reports whether the event says who somebody is, and not what they did.
func declared(e *event.Event) bool {
	return e.Type == event.Identify || e.Type == event.Alias || e.Type == event.Group || tells(e)
}

// unmet reports whether nothing at all is to be kept of the event: it may not be
// observed, and of whoever sent it nothing is known.
func (u *unit) unmet(e *event.Event) bool {
	for _, id := range e.Nodes() {
		if _, known := u.home[id.Hash()]; known {
			return false
		}
	}
	return !tells(e) && !observes(nil, e, u.strategy, u.now)
}

// bare is the event without what it tells, so that a repetition is still known.
func bare(e *event.Event) *event.Event {
	b := *e
	b.Name, b.Properties, b.Traits, b.Context, b.Integrations = "", nil, nil, nil, nil
	return &b
}
