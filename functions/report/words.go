package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport/shared/event"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
)

// moment is a time as pages show it.
type moment struct {
	ISO   string // for machines, and to the second
	Text  string // 24 Nov, 14:00, in the strategy's zone
	Ago   string // 3 hours ago
	Day   string // Tuesday, 24 November 2026
	Clock string // 14:00
}

// clock tells times in a zone, from now.
type clock struct {
	zone *time.Location
	now  time.Time
}

// moment puts a time into words; the zero time gives nil.
func (c clock) moment(t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	local, layout := t.In(c.zone), "2 Jan 2006, 15:04"
	if local.Year() == c.now.In(c.zone).Year() {
		layout = "2 Jan, 15:04"
	}
	return &moment{
		ISO: t.UTC().Format(time.RFC3339), Text: local.Format(layout), Ago: c.ago(t),
		Day: local.Format("Monday, 2 January 2006"), Clock: local.Format("15:04"),
	}
}

// ago says how far a time is away, in the largest unit that it has twice.
func (c clock) ago(t time.Time) string {
	away, form := c.now.Sub(t), "%s ago"
	if away < 0 {
		away, form = -away, "in %s"
	}
	if away < time.Minute {
		return "just now"
	}
	const day = 24 * time.Hour
	for _, u := range []struct {
		name string
		long time.Duration
	}{{"years", 365 * day}, {"months", 30 * day}, {"days", day}, {"hours", time.Hour}, {"minutes", time.Minute}} {
		if n := away / u.long; n >= 2 {
			return fmt.Sprintf(form, fmt.Sprint(int64(n), " ", u.name))
		}
	}
	return fmt.Sprintf(form, "a minute")
}

// maxValue is how much of a value a page shows, in characters.
const maxValue = 300

// shownValue writes a JSON value for people: text without its quotes.
func shownValue(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return clipped(text)
}

// computedValue is shownValue for what Rapport computes: times are told as times,
// and what has weights as a list of them.
func (c clock) computedValue(raw json.RawMessage) string {
	var weights map[string]json.Number
	if json.Unmarshal(raw, &weights) == nil && weights != nil {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(weights)) {
			parts = append(parts, name+" "+weights[name].String())
		}
		return clipped(strings.Join(parts, ", "))
	}
	text := shownValue(raw)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		m := c.moment(at)
		return m.Text + " (" + m.Ago + ")"
	}
	return text
}

func clipped(text string) string {
	if shown := []rune(text); len(shown) > maxValue {
		return string(shown[:maxValue]) + "…"
	}
	return text
}

// maxDetails is how much of an event's content a page shows, in bytes.
const maxDetails = 20 << 10

func indented(raw json.RawMessage) string {
	var out bytes.Buffer
	if len(raw) == 0 || json.Indent(&out, raw, "", "  ") != nil || out.Len() <= 2 {
		return ""
	}
	if out.Len() > maxDetails {
		return strings.ToValidUTF8(out.String()[:maxDetails], "") + "\n…"
	}
	return out.String()
}

// verdicts puts what was remarked on an event into words.
var verdicts = map[string]string{
	people.MergeRefused:   "counted, but it joined nobody: the identity belongs to somebody else, or was taken away",
	people.TooManyIDs:     "counted, but it joined nobody: the person has too many identities",
	people.IDReused:       "not counted: its message id came before with other content",
	people.ProfileFull:    "not counted: the person is at the limit of what is kept",
	people.NoConsent:      "not counted, and kept without its content: the person does not let us remember what they do",
	people.ConsentIgnored: "its yes does not count: it came from a browser that did not prove who speaks",
	people.OptOutStands:   "its yes to sale does not count: the browser itself opts out",
	people.ErasedID:       "it also named an identity that was erased",
	event.BlockedID:       "it named an id that many send, which is nobody's",
	event.ReservedTrait:   "it tried to set a trait that only Rapport sets",
}

// skips puts the reasons why a mail did not go out into words.
var skips = map[string]string{
	"goal":             "what it asks for was done before",
	message.Gone:       "the person left the journey",
	message.NoTemplate: "the strategy has the mail no more",
	message.NoPurpose:  "the mail has no purpose that anybody agreed to",
	message.NoAddress:  "there is no proven address",
	message.NoConsent:  "the person did not agree",
	message.Refusal:    "the person said no",
	message.Channel:    "the person prefers other channels than mail",
	message.Late:       "it was too late for it",
	message.Suppressed: "the address bounced or complained before",
	message.Erased:     "the person was erased",
	message.QuietHours: "quiet hours lasted longer than it could wait",
	message.Capped:     "the budget had no room for it while it could wait",
	message.Cadence:    "the person wishes for fewer messages",
}

// waits puts what mails wait for into words.
var waits = map[string]string{
	message.QuietHours: "the end of quiet hours",
	message.Capped:     "room in the budget",
	message.Cadence:    "the next message that the person wishes for",
}

// stages put the life cycle into words.
var stages = map[person.Stage]string{
	person.Visitor: "Visitor", person.Lead: "Lead", person.FirstPurchase: "Bought once", person.Active: "Active customer",
	person.Cooling: "Cooling down", person.Lapsed: "Lapsed", person.WonBack: "Won back",
}

// kinds put the kinds of identity into words.
var kinds = map[person.Kind]string{
	person.AnonymousID: "Device", person.UserID: "User id", person.Email: "E-mail", person.External: "Other system",
}

// inWords looks a word up; one that has no words is shown as it is.
func inWords[K ~string](words map[K]string, word K) string {
	if text, ok := words[word]; ok {
		return text
	}
	return string(word)
}
