package insight

import (
	"maps"
	"slices"
	"time"

	"rapport/shared/decision"
	"rapport/shared/event"
	"rapport/shared/person"
)

// Memory holds a node's exposures by Name(slot, block). It depends on when things
// arrived: it is history, not state, and a person's nodes keep theirs apart.
type Memory = map[string]person.Exposure

const (
	attribution = AttributionDays * 24 * time.Hour

	// maxRemembered bounds a node's memory; the oldest exposures go first.
	maxRemembered = 16

	// receiptLife is how old a receipt may be, well below markerLife: a receipt
	// that comes back after its marker was forgotten would count once more.
	receiptLife = 30 * 24 * time.Hour

	// clockSlack is how far a receipt's minute may lie ahead of ours.
	clockSlack = 2 * time.Minute
)

// Subject is the person that an event belongs to, as far as counting goes.
type Subject struct {
	Unit   string   // what the person's assignments are drawn by
	Nodes  []string // hashes of all the person's identities
	Own    Memory   // of the event's node
	Others []Memory // of the other nodes; an order marks what it finds there
}

// Observer turns events into tallies.
type Observer struct {
	Keys decision.Keyring // that decide signs with
	Zone *time.Location   // that days are counted in
}

// Observe returns what the event makes to count, and the memory of its node
// afterwards. It changes the memories in place. Every tally has an id that says
// what happened, not which event told of it, so a receipt that comes back a
// hundred times, or an order that two sides report, counts once.
func (o Observer) Observe(e *event.Event, s Subject, now time.Time) (Memory, []Tally) {
	if e.Imported || e.Type != event.Track {
		return s.Own, nil // history triggers nothing
	}
	switch e.Name {
	case "Promotion Viewed":
		return o.shown(e, s, now, false)
	case "Promotion Clicked":
		return o.shown(e, s, now, true)
	case "Order Completed":
		return s.Own, o.ordered(e, s)
	default:
		return s.Own, nil
	}
}

// shown counts an exposure, and the click that followed. What was clicked was
// seen, so a click counts the exposure as well, under the id that it has anyway:
// clicks cannot outnumber exposures because a message was lost on its way.
func (o Observer) shown(e *event.Event, s Subject, now time.Time, click bool) (Memory, []Tally) {
	token := propertiesOf(e).text("receipt")
	if token == "" {
		return s.Own, nil // another system's promotion
	}
	r, refused := o.verify(token, s, now)
	if refused != "" {
		return s.Own, []Tally{{
			ID: ID("refused", e.Node().Hash(), e.MessageID), Day: Day(now, o.Zone), Cells: []Cell{{Name("receipts", "refused", refused), 1}},
		}}
	}
	day := Day(r.Minute, o.Zone)
	count := func(counter string) Tally {
		return Tally{ID: ID(token, counter), Day: day, Cells: []Cell{{Name("block", r.Slot, r.Block, counter), 1}}}
	}
	tallies := []Tally{count(exposures)}
	if click {
		tallies = append(tallies, count(clicks))
	}
	own, met := remember(s, Name(r.Slot, r.Block), r.Minute, now)
	if met {
		tallies = append(tallies, count(people))
	}
	return own, tallies
}

// The reasons to refuse a receipt.
const (
	forged  = "forged"  // not signed by us
	foreign = "foreign" // decided for somebody else
	expired = "expired"
)

// verify reads a receipt and says why it does not count. The unit that it was
// decided for is one of the person's nodes: after a merge not always the one
// that assignments are drawn by.
func (o Observer) verify(token string, s Subject, now time.Time) (r decision.Receipt, refused string) {
	r, err := decision.Verify(o.Keys, token)
	holds := func(hash string) bool { return o.Keys.Holder(hash) == r.Holder }
	switch {
	case err != nil:
		return r, forged
	case r.Holder == "", !holds(s.Unit) && !slices.ContainsFunc(s.Nodes, holds):
		return r, foreign
	case now.Sub(r.Minute) > receiptLife, r.Minute.Sub(now) > clockSlack:
		return r, expired
	default:
		return r, ""
	}
}

// remember notes an exposure and reports whether the person had not seen the
// block for the time in which orders are put down to it.
func remember(s Subject, block string, at, now time.Time) (own Memory, met bool) {
	for _, m := range append([]Memory{s.Own}, s.Others...) {
		if known, ok := m[block]; ok && at.Sub(known.At).Abs() < attribution {
			return s.Own, false
		}
	}
	own = s.Own
	if own == nil {
		own = Memory{}
	}
	if known, ok := own[block]; ok && known.At.After(at) {
		return own, true // an old one that arrives late: the later one stays
	}
	maps.DeleteFunc(own, func(_ string, x person.Exposure) bool { return now.Sub(x.At) > receiptLife })
	own[block] = person.Exposure{At: at}
	for len(own) > maxRemembered {
		delete(own, oldest(own))
	}
	return own, true
}

func oldest(m Memory) string {
	return slices.MinFunc(slices.Sorted(maps.Keys(m)), func(a, b string) int { return m[a].At.Compare(m[b].At) })
}

// ordered puts an order down to the blocks that the person saw before it. It
// counts on the day of the exposure, so that the days of a rate belong together.
func (o Observer) ordered(e *event.Event, s Subject) []Tally {
	p := propertiesOf(e)
	order := p.text("order_id")
	if order == "" {
		order = e.MessageID
	}
	currency, hundredths := p.money()
	var tallies []Tally
	counted := map[string]bool{} // two devices may have shown the same block
	for _, m := range append([]Memory{s.Own}, s.Others...) {
		for _, block := range before(m, e.Timestamp) {
			seen := m[block]
			day, cell := Day(seen.At, o.Zone), "block/"+block+"/"
			if !counted[block] {
				counted[block] = true
				t := Tally{ID: ID("order", s.Unit, order, block), Day: day, Cells: []Cell{{cell + orders, 1}}}
				if hundredths > 0 {
					t.Cells = append(t.Cells, Cell{cell + Name(value, currency), hundredths})
				}
				tallies = append(tallies, t)
			}
			if !seen.Ordered {
				m[block] = person.Exposure{At: seen.At, Ordered: true}
				id := ID("buyer", e.Node().Hash(), e.MessageID, block, seen.At.UTC().Format(time.RFC3339))
				tallies = append(tallies, Tally{ID: id, Day: day, Cells: []Cell{{cell + buyers, 1}}})
			}
		}
	}
	return tallies
}

// before returns the blocks that an order of that time is put down to, sorted.
func before(m Memory, order time.Time) []string {
	var out []string
	for block, seen := range m {
		if since := order.Sub(seen.At); since >= 0 && since <= attribution {
			out = append(out, block)
		}
	}
	slices.Sort(out)
	return out
}
