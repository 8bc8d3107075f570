package insight

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rapport/shared/message"
	"rapport/shared/strategy"
)

// Path is what became of the mails that a journey planned. It always balances:
// Planned = Sent + all Skipped + Rejected + Unknown + Pending, unless Disagrees
// says which counters do not fit each other.
type Path struct {
	Journey  string
	Planned  int64
	Sent     int64
	Skipped  []Reason // most frequent first
	Rejected int64    // refused by the mail service
	Unknown  int64    // not known whether it went out; not sent again
	Pending  int64    // planned and not decided yet: Planned less all the rest
	Waiting  []Reason // of those pending, the ones that were put off, by why they first were

	// What happened to the mails that were sent, each counted once a mail.
	Delivered, Opened, Clicked, Bounced, Complained int64

	Goal int64 // instances that reached the goal after a mail was planned, whether or not it was sent

	Disagrees []string // one sentence each; empty when everything fits
}

// Reason is why mails were not sent, and how many.
type Reason struct {
	Reason string
	N      int64
}

// The counters of a journey. What SES says of a mail is counted by its ledger.
const (
	planned    = "planned"
	sent       = "sent"
	skipped    = "skipped" // and the reason
	rejected   = "rejected"
	unknown    = "unknown"
	delivered  = "delivered"
	opened     = "opened"
	clicked    = "clicked"
	bounced    = "bounced"
	complained = "complained"
	goal       = "goal"
	waiting    = message.Waiting // and the reason
)

// Journeys returns the paths of every journey in the strategy, in their order.
func (c *Counters) Journeys(ctx context.Context, s *strategy.Strategy) ([]Path, error) {
	out := make([]Path, len(s.Journeys))
	subjects := make([]string, len(s.Journeys))
	for i, j := range s.Journeys {
		subjects[i] = Name("journey", j.ID)
	}
	found, err := c.read(ctx, subjects, Window{})
	if err != nil {
		return nil, err
	}
	for i, j := range s.Journeys {
		out[i] = pathOf(j.ID, found[i])
	}
	return out, nil
}

func pathOf(journey string, n counts) Path {
	p := Path{
		Journey: journey, Planned: n[planned], Sent: n[sent], Rejected: n[rejected], Unknown: n[unknown], Goal: n[goal],
		Delivered: n[delivered], Opened: n[opened], Clicked: n[clicked], Bounced: n[bounced], Complained: n[complained],
	}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		if reason, ok := strings.CutPrefix(name, skipped+"/"); ok && n[name] != 0 {
			p.Skipped = append(p.Skipped, Reason{reason, n[name]})
		}
		if reason, ok := strings.CutPrefix(name, waiting+"/"); ok && n[name] > 0 {
			p.Waiting = append(p.Waiting, Reason{reason, n[name]})
		}
	}
	slices.SortStableFunc(p.Skipped, func(a, b Reason) int { return cmp.Compare(b.N, a.N) })
	p.balance(n)
	return p
}

// SkippedAll is the number of mails that were skipped, for whatever reason.
func (p Path) SkippedAll() int64 {
	var all int64
	for _, r := range p.Skipped {
		all += r.N
	}
	return all
}

// balance derives what is pending and finds counters that cannot be right.
func (p *Path) balance(n counts) {
	decided := p.Sent + p.SkippedAll() + p.Rejected + p.Unknown
	p.Pending = p.Planned - decided
	for _, name := range slices.Sorted(maps.Keys(n)) {
		if n[name] < 0 {
			p.disagree("%s is %d, below zero", name, n[name])
		}
	}
	if p.Pending < 0 {
		p.disagree("planned is %d, yet %d are accounted for: sent %d, skipped %d, rejected %d, unknown %d",
			p.Planned, decided, p.Sent, p.SkippedAll(), p.Rejected, p.Unknown)
		p.Pending = 0
	}
	for _, name := range []string{delivered, opened, clicked, bounced, complained} {
		if n[name] > p.Sent {
			p.disagree("%s is %d, yet only %d are sent", name, n[name], p.Sent)
		}
	}
	if p.Goal > p.Planned {
		p.disagree("goal is %d, yet only %d are planned", p.Goal, p.Planned)
	}
}

func (p *Path) disagree(format string, args ...any) {
	p.Disagrees = append(p.Disagrees, fmt.Sprintf(format, args...))
}
