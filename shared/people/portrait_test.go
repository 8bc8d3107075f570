package people_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// drawnBy is the strategy that portraits are drawn by: every rule below is there
// once more, in plain Go.
const drawnBy = `
zone: Europe/Kyiv
computed:
  orders:     {op: count, event: Order Completed}
  orders_3d:  {op: count, event: Order Completed, window: 3d}
  revenue:    {op: sum, event: Order Completed, of: revenue}
  revenue_7d: {op: sum, event: Order Completed, of: revenue, window: 7d}
  highest:    {op: max, event: Order Completed, of: revenue}
  latest:     {op: last, event: Order Completed, of: revenue}
  pages:      {op: count, event: page}
  quiet_for:  {op: recency, event: Order Completed}
lifecycle: {goal: Order Completed, cooling: 4d, lapsed: 9d}
audiences:
  buyer: {name: Buyer, when: computed.orders >= 1}
  busy:  {name: Busy, when: computed.orders_3d >= 2}
  big:   {name: Big, when: computed.revenue_7d >= 100}
  local: {name: Local, when: 'has(traits.country) && traits.country == "UA"'}
  fresh: {name: Fresh, when: '!known && computed.pages >= 1 && now - firstSeen < duration("72h")'}
  quiet: {name: Quiet, when: has(computed.quiet_for) && computed.quiet_for >= 4}
  here:  {name: Here, when: 'now - lastSeen < duration("50h") && !audiences.busy'}
`

// portraitStrategy is the strategy above with the journey of a cart.
func portraitStrategy(t testing.TB) *strategy.Strategy {
	t.Helper()
	s := written(t, drawnBy)
	s.Journeys = cartStrategy(t).Journeys
	return s
}

// portrait is what must be known of a person, as one text for each thing.
type portrait struct {
	who       string // the identities that events named
	traits    string // name, value, time and message id
	computed  string
	seen      string // first and last
	consents  string
	stage     person.Stage
	audiences string
}

func sorted[V any](m map[string]V, text func(V) string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, name+"="+text(m[name]))
	}
	return strings.Join(out, " ")
}

func writtenBy(t person.Trait) string {
	return fmt.Sprint(string(t.Value), " ", t.At.Unix(), " ", t.By)
}

func said(c person.Consent) string { return fmt.Sprint(c.Given, " ", c.At.Unix(), " ", c.By) }

// portraitOf is what the product says of a person.
func portraitOf(p *person.Person, s *strategy.Strategy, at time.Time) portrait {
	v := p.View(s.Declared, at)
	stage := p.Stage
	if stage == "" {
		stage = person.Visitor
	}
	return portrait{
		who: fmt.Sprint(v.Nodes), traits: sorted(v.Traits, writtenBy), seen: fmt.Sprint(v.FirstSeen.Unix(), " ", v.LastSeen.Unix()),
		computed: sorted(v.Computed, func(raw json.RawMessage) string { return string(raw) }),
		consents: sorted(p.Consents(), said), stage: stage, audiences: fmt.Sprint(slices.Sorted(maps.Keys(p.Audiences))),
	}
}

// sums is what the orders of a person amount to.
type sums struct {
	orders, orders3, revenue, revenue7, highest int // revenue in cents
	latest                                      event.Event
	days                                        []int // how long ago each order is
	all                                         []event.Event
}

func (s *sums) add(e event.Event, ago int) {
	cents := centsOf(&e)
	s.orders, s.revenue, s.days, s.all = s.orders+1, s.revenue+cents, append(s.days, ago), append(s.all, e)
	if ago < 3 {
		s.orders3++
	}
	if ago < 7 {
		s.revenue7 += cents
	}
	if s.orders == 1 || cents > s.highest {
		s.highest = cents
	}
	if s.orders == 1 || (proof{at: s.latest.Timestamp, by: s.latest.MessageID}).before(proof{at: e.Timestamp, by: e.MessageID}) {
		s.latest = e
	}
}

func centsOf(e *event.Event) int {
	var properties struct{ Revenue json.Number }
	_ = json.Unmarshal(e.Properties, &properties)
	units, cents, _ := strings.Cut(properties.Revenue.String(), ".")
	n, _ := strconv.Atoi(units + cents) // always with two decimals here
	return n
}

// decimal writes cents without zeros at the end.
func decimalOf(cents int) string {
	text := fmt.Sprintf("%d.%02d", cents/100, cents%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// portrait is what the reference says of a group.
func (w *world) portrait(group []person.NodeID, zone *time.Location, at time.Time) portrait {
	var who []person.NodeID
	var first, last time.Time
	traits, consents := map[string]person.Trait{}, map[string]person.Consent{}
	known, lead, pages, s := false, false, 0, &sums{}
	for _, id := range group {
		if w.named[id] {
			who = append(who, id)
			known = known || id.Kind == person.UserID
		}
		for _, c := range w.words[id] {
			if have, ok := consents["marketing"]; !ok || c.At.After(have.At) || c.At.Equal(have.At) && have.Given && !c.Given {
				consents["marketing"] = c
			}
		}
		for _, e := range w.events[id] {
			if first.IsZero() || e.Timestamp.Before(first) {
				first = e.Timestamp
			}
			if e.Timestamp.After(last) {
				last = e.Timestamp
			}
			switch e.Type {
			case event.Identify:
				lead = true
				declare(traits, &e)
			case event.Page:
				pages++
			}
			if e.Name == "Order Completed" {
				s.add(e, daysBetween(zone, e.Timestamp, at))
			}
		}
	}
	out := portrait{
		who: fmt.Sprint(who), traits: sorted(traits, writtenBy), seen: fmt.Sprint(first.Unix(), " ", last.Unix()),
		consents: sorted(consents, said), computed: s.text(pages), stage: s.stage(zone, known || lead),
	}
	member := map[string]bool{
		"buyer": s.orders >= 1, "busy": s.orders3 >= 2, "big": s.revenue7 >= 10000,
		"local": string(traits["country"].Value) == `"UA"`,
		"fresh": !known && pages >= 1 && at.Sub(first) < 72*time.Hour,
		"quiet": s.orders >= 1 && slices.Min(s.days) >= 4,
		"here":  !last.IsZero() && at.Sub(last) < 50*time.Hour && s.orders3 < 2,
	}
	maps.DeleteFunc(member, func(_ string, in bool) bool { return !in })
	out.audiences = fmt.Sprint(slices.Sorted(maps.Keys(member)))
	return out
}

// declare takes the traits of an identify call, of which the latest win.
func declare(traits map[string]person.Trait, e *event.Event) {
	var stated map[string]json.RawMessage
	if e.Claim != "" || json.Unmarshal(e.Traits, &stated) != nil {
		return
	}
	for name, value := range stated {
		have, ok := traits[name]
		if !ok || (proof{at: have.At, by: have.By}).before(proof{at: e.Timestamp, by: e.MessageID}) {
			traits[name] = person.Trait{Value: value, At: e.Timestamp, By: e.MessageID}
		}
	}
}

func (s *sums) text(pages int) string {
	out := map[string]string{
		"orders": fmt.Sprint(s.orders), "orders_3d": fmt.Sprint(s.orders3), "pages": fmt.Sprint(pages),
		"revenue": decimalOf(s.revenue), "revenue_7d": decimalOf(s.revenue7),
	}
	if s.orders > 0 {
		out["highest"], out["quiet_for"] = decimalOf(s.highest), fmt.Sprint(slices.Min(s.days))
		out["latest"] = fmt.Sprintf("%d.%02d", centsOf(&s.latest)/100, centsOf(&s.latest)%100)
	}
	return sorted(out, func(text string) string { return text })
}

// stage is that of the orders, or of somebody who has none.
func (s *sums) stage(zone *time.Location, lead bool) person.Stage {
	if s.orders == 0 && lead {
		return person.Lead
	}
	return stageFrom(zone, s.all, s.days)
}

// wanted says whether a mail must have been sent by then: for a cart that was left
// an hour ago, and not ordered since. There is one cart.
func wanted(events []event.Event, at time.Time) bool {
	var left, bought time.Time
	for _, e := range events {
		late := e.Imported || e.ReceivedAt.Sub(e.Timestamp) > 24*time.Hour
		if e.Name == "Product Added" && !late && e.Timestamp.After(left) {
			left = e.Timestamp
		}
		if e.Name == "Order Completed" && e.Timestamp.After(bought) {
			bought = e.Timestamp
		}
	}
	return !left.IsZero() && bought.Before(left) && !left.Add(time.Hour).After(at)
}

// ordered reports whether one of the group ordered then: no earlier than from,
// and before to.
func (w *world) ordered(group []person.NodeID, from, to time.Time) bool {
	for _, id := range group {
		for _, e := range w.events[id] {
			if e.Name == "Order Completed" && !e.Timestamp.Before(from) && e.Timestamp.Before(to) {
				return true
			}
		}
	}
	return false
}
