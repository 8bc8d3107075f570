package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
)

// walkRow is where a person stands in a journey, in a sentence.
type walkRow struct {
	Journey, Key, State string
	Items               []string
	When                *moment // of the latest change
	Waiting             bool
}

// journeys lists the walks, those under way first.
func (b *builder) journeys() []walkRow {
	var rows []walkRow
	for _, at := range people.Standings(b.person, b.strategy) {
		w, _ := b.person.Walk(at.Journey, at.Key)
		row := walkRow{
			Journey: at.Journey, Key: at.Key, When: b.moment(at.Changed), Waiting: at.State == "waiting", Items: items(w.Content),
		}
		switch at.State {
		case "waiting":
			row.State = b.waits(at, w)
		case "deferred":
			row.Waiting = true
			row.State = fmt.Sprintf("Its mail waits until %s (%s).", b.moment(at.Due).Text, b.moment(at.Due).Ago)
		case "goal":
			row.State = b.ended(at.Journey, w.Goal)
		default:
			row.State = "Done: all its steps were taken."
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b walkRow) int {
		switch {
		case a.Waiting == b.Waiting:
			return 0
		case a.Waiting:
			return -1
		default:
			return 1
		}
	})
	return rows
}

func (b *builder) waits(at people.Standing, w person.Walk) string {
	sends := ""
	if j, ok := b.strategy.JourneyVersion(at.Journey, w.Version); ok && w.Fired < len(j.Steps) {
		sends = ", and then sends " + j.Steps[w.Fired].Send
	}
	due := b.moment(at.Due)
	return fmt.Sprintf("Waits until %s (%s)%s.", due.Text, due.Ago, sends)
}

// ended says what ended a walk: the event that reached the goal then.
func (b *builder) ended(id string, goal time.Time) string {
	what := "its goal"
	if j, ok := b.strategy.Journey(id); ok {
		what = strings.Join(j.Goal, " or ")
		for i := range b.records {
			if e := &b.records[i].Event; j.Ends(e.Name) && e.Timestamp.Equal(goal) {
				what = strings.TrimSpace(e.Name + " " + summary(e))
			}
		}
	}
	return fmt.Sprintf("Ended by %s on %s.", what, b.moment(goal).Text)
}

// items lists what is in a basket: "2 × Linden Blossom".
func items(content json.RawMessage) []string {
	var c journey.Content
	_ = json.Unmarshal(content, &c) // a journey without a basket has none
	var out []string
	for _, it := range c.Items {
		out = append(out, fmt.Sprintf("%d × %s", it.Quantity, cmp.Or(shownValue(it.Name), shownValue(it.ProductID))))
	}
	return out
}

// mailRow is what became of one message, in words.
type mailRow struct {
	Name, Journey, State, Detail string
	Facts                        []side
	When                         *moment
	Bad                          bool
}

// letters lists the mails, the latest move first.
func (b *builder) letters() []mailRow {
	var rows []mailRow
	for _, l := range b.mails {
		row := mailRow{Name: l.Template, Journey: l.Journey, When: b.moment(l.Since), State: b.became(l), Detail: clipped(l.Detail)}
		row.Bad = l.State == message.Rejected || l.State == message.Unknown
		for _, fact := range []message.Fact{
			message.Delivered, message.Delayed, message.Opened, message.Clicked, message.Bounced, message.Complained,
			message.Refused, message.Unsubscribed,
		} {
			if at, ok := l.Facts[fact]; ok {
				row.Facts = append(row.Facts, side{Text: string(fact), When: b.moment(at)})
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func (b *builder) became(l *message.Ledger) string {
	switch l.State {
	case message.Sent:
		return "Sent"
	case message.Skipped:
		return "Not sent: " + inWords(skips, l.Reason)
	case message.Deferred:
		return b.putOff(l)
	case message.Rejected:
		return "Refused by the mail service: " + l.Reason
	case message.Unknown:
		return "Handed over, and the answer was lost"
	case message.Sending:
		return "Being handed over"
	default:
		return "Being looked at"
	}
}

// putOff says until when a message waits, and for what. A moment that has passed is
// one at which it is asked for again: it is about to be decided.
func (b *builder) putOff(l *message.Ledger) string {
	text := "Waits until " + b.moment(l.Until).Text
	if l.Waits() {
		text += " for " + inWords(waits, l.Reason)
	}
	return text
}

// consentRow is what a person said to a purpose, and what that means.
type consentRow struct {
	Name, Word, By string
	Mark           string // "Mail", "No mail"; of a purpose that is not about mail "Yes", "No"
	Allowed        bool
	When           *moment // nil: nothing was said
}

// consents lists every purpose of the strategy, and those that it has no more
// but the person spoke to.
func (b *builder) consents() []consentRow {
	said := b.person.Consents()
	var rows []consentRow
	for _, purpose := range b.strategy.Purposes {
		row := b.asked(&purpose, said)
		row.Mark = mark(row.Allowed, purpose.Writes(message.Email))
		delete(said, purpose.ID)
		rows = append(rows, row)
	}
	for key, c := range said {
		row := b.spoke(key, c)
		row.Mark = mark(row.Allowed, true)
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b consentRow) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// asked is what holds for a purpose of the strategy.
func (b *builder) asked(p *message.Purpose, said map[string]person.Consent) consentRow {
	name := cmp.Or(p.Name, p.ID)
	if c, ok := said[p.ID]; ok {
		return b.spoke(name, c)
	}
	what := "mail"
	if !p.Writes(message.Email) {
		what = "allowed"
	}
	if p.Basis == message.OptOut {
		return consentRow{Name: name, Word: "Said nothing: " + what + " unless they say no", Allowed: true}
	}
	return consentRow{Name: name, Word: "Never asked: " + what + " only after a yes"}
}

// mark says in a word whether something is allowed.
func mark(allowed, mail bool) string {
	switch {
	case mail && allowed:
		return "Mail"
	case mail:
		return "No mail"
	case allowed:
		return "Yes"
	default:
		return "No"
	}
}

func (b *builder) spoke(name string, c person.Consent) consentRow {
	word := "Said no"
	switch {
	case c.Valid(b.now):
		word = "Said yes"
	case c.Given:
		word = "Said yes, which has expired"
	}
	return consentRow{Name: name, Word: word, Allowed: c.Valid(b.now), By: clipped(c.By), When: b.moment(c.At)}
}
