package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport/shared/event"
	"rapport/shared/message"
)

// strip is the drawn timeline: a lane for each sort of thing that happens, over
// a period that ends now.
type strip struct {
	Lanes          []lane
	From, Mid      *moment
	Period         string // "last 7 days"
	Shown, Outside int    // events in the drawing, and those that are older
}

// lane is one line of the drawing.
type lane struct {
	Label string
	N     int
	Dots  []dot
}

// dot is something that happened; X is in units of the drawing.
type dot struct {
	X        int
	Title    string
	Remarked bool // the event has a verdict
}

// periods are those that a strip may show.
var periods = []struct {
	name string
	long time.Duration
}{
	{"last hour", time.Hour},
	{"last 24 hours", 24 * time.Hour},
	{"last 7 days", 7 * 24 * time.Hour},
	{"last 30 days", 30 * 24 * time.Hour},
	{"last 90 days", 90 * 24 * time.Hour},
	{"last year", 365 * 24 * time.Hour},
}

// strip draws the newest events: over the shortest period that has them all, or
// the longest there is.
func (b *builder) strip() strip {
	period := periods[len(periods)-1]
	if n := len(b.records); n > 0 {
		oldest := b.now.Sub(b.records[n-1].Event.Timestamp)
		for _, one := range slices.Backward(periods) {
			if oldest <= one.long {
				period = one
			}
		}
	}
	from := b.now.Add(-period.long)
	out := strip{
		Period: period.name, From: b.moment(from), Mid: b.moment(from.Add(period.long / 2)),
		Lanes: []lane{{Label: "Said who"}, {Label: "Looked"}, {Label: "Did"}, {Label: "Mail"}},
	}
	at := func(t time.Time) int { return int(full * max(0, min(t.Sub(from), period.long)) / period.long) }
	for i := range b.records {
		r := &b.records[i]
		if r.Event.Timestamp.Before(from) {
			out.Outside++
			continue
		}
		out.Shown++
		out.Lanes[laneOf(&r.Event)].add(dot{
			X: at(r.Event.Timestamp), Remarked: len(r.Verdicts) > 0,
			Title: headline(&r.Event) + ", " + b.moment(r.Event.Timestamp).Text,
		})
	}
	for _, l := range b.mails {
		if l.State == message.Sent && !l.Since.Before(from) {
			out.Lanes[3].add(dot{X: at(l.Since), Title: "Sent " + l.Template + ", " + b.moment(l.Since).Text})
		}
	}
	return out
}

func (l *lane) add(d dot) {
	l.N++
	l.Dots = append(l.Dots, d)
}

// Told is the lane for those who hear the page instead of seeing it.
func (l lane) Told() string { return fmt.Sprintf("%s: %d", l.Label, l.N) }

// laneOf says where an event is drawn.
func laneOf(e *event.Event) int {
	switch {
	case e.Type == event.Identify, e.Type == event.Alias, e.Type == event.Group:
		return 0
	case strings.HasPrefix(e.Name, "Email ") && e.Type == event.Track, e.Name == "Unsubscribed":
		return 3
	case e.Type != event.Track, strings.HasSuffix(e.Name, " Viewed"), strings.HasSuffix(e.Name, " Searched"):
		return 1
	default:
		return 2
	}
}
