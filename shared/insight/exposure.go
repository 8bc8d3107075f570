package insight

import (
	"maps"
	"slices"
	"time"

	"rapport/shared/decision"
	"rapport/shared/event"
	"rapport/shared/person"
)

// Memory is what a node remembers for counting. It depends on when things
// arrived: it is history, not state, and a person's nodes keep theirs apart.
type Memory struct {
	Shown  map[string]person.Exposure // by Name(slot, block)
	Orders []person.Order             // as they arrived
}

const (
	attribution = AttributionDays * 24 * time.Hour

	// maxRemembered bounds a node's memory; the oldest exposures go first.
	maxRemembered = 16

	// maxOrders bounds its orders. They wait for exposures that were on their way
	// when they came, so a few are enough.
	maxOrders = 8

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
		return o.ordered(e, s, now)
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
	block := Name(r.Slot, r.Block)
	own, seen, met := remember(s, block, r.Minute, now)
	if met {
		tallies = append(tallies, count(people))
	}
	s.Own = own
	return own, append(tallies, o.catchUp(e, s, block, r.Minute, seen, met)...)
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

// remember notes an exposure. Met reports whether the person had not seen the
// block for the time in which orders are put down to it; seen is the exposure that
// they are put down to, as it was known before.
func remember(s Subject, block string, at, now time.Time) (own Memory, seen person.Exposure, met bool) {
	for _, m := range s.memories() {
		if known, ok := m.Shown[block]; ok && at.Sub(known.At).Abs() < attribution {
			if at.Before(known.From()) {
				m.Shown[block] = person.Exposure{At: known.At, Since: at, Ordered: known.Ordered}
			}
			return s.Own, known, false
		}
	}
	own, seen = s.Own, person.Exposure{At: at}
	if own.Shown == nil {
		own.Shown = map[string]person.Exposure{}
	}
	if known, ok := own.Shown[block]; ok && known.At.After(at) {
		return own, seen, true // an old one that arrives late: the later one stays
	}
	maps.DeleteFunc(own.Shown, func(_ string, x person.Exposure) bool { return now.Sub(x.At) > receiptLife })
	own.Shown[block] = seen
	for len(own.Shown) > maxRemembered {
		delete(own.Shown, oldest(own.Shown))
	}
	return own, seen, true
}

// memories are those of all nodes, the event's own first.
func (s Subject) memories() []Memory { return append([]Memory{s.Own}, s.Others...) }

// catchUp puts down to a block the orders that arrived before the exposure that
// they followed: all of them when the person was met, else those that lie between
// this exposure and the later one that arrived before it.
func (o Observer) catchUp(e *event.Event, s Subject, block string, at time.Time, seen person.Exposure, met bool) []Tally {
	var tallies []Tally
	for _, order := range eligible(s, at) {
		if met || order.At.Before(seen.From()) {
			tallies = append(tallies, o.sale(s.Unit, block, seen.At, order))
		}
	}
	if len(tallies) == 0 || seen.Ordered {
		return tallies
	}
	for _, m := range s.memories() {
		if known, ok := m.Shown[block]; ok && known.At.Equal(seen.At) {
			known.Ordered = true
			m.Shown[block] = known
		}
	}
	return append(tallies, o.buyer(e, block, seen.At))
}

// eligible are the remembered orders that may be put down to an exposure of then,
// each once.
func eligible(s Subject, at time.Time) []person.Order {
	var out []person.Order
	for _, m := range s.memories() {
		for _, order := range m.Orders {
			known := slices.ContainsFunc(out, func(x person.Order) bool { return x.ID == order.ID })
			if follows(order.At, at) && !known {
				out = append(out, order)
			}
		}
	}
	return out
}

// follows reports whether an order is put down to an exposure.
func follows(order, seen time.Time) bool {
	since := order.Sub(seen)
	return since >= 0 && since <= attribution
}

func oldest(m map[string]person.Exposure) string {
	return slices.MinFunc(slices.Sorted(maps.Keys(m)), func(a, b string) int { return m[a].At.Compare(m[b].At) })
}

// ordered puts an order down to the blocks that the person saw before it, and
// remembers it for exposures that arrive later. It counts on the day of the
// exposure, so that the days of a rate belong together.
func (o Observer) ordered(e *event.Event, s Subject, now time.Time) (Memory, []Tally) {
	order := orderOf(e)
	var tallies []Tally
	counted := map[string]bool{} // two devices may have shown the same block
	for _, m := range s.memories() {
		for _, block := range before(m.Shown, e.Timestamp) {
			seen := m.Shown[block]
			if !counted[block] {
				counted[block] = true
				tallies = append(tallies, o.sale(s.Unit, block, seen.At, order))
			}
			if !seen.Ordered {
				seen.Ordered = true
				m.Shown[block] = seen
				tallies = append(tallies, o.buyer(e, block, seen.At))
			}
		}
	}
	return keep(s, order, now), tallies
}

// orderOf reads an order. One without an id is named by its message.
func orderOf(e *event.Event) person.Order {
	p := propertiesOf(e)
	id := p.text("order_id")
	if id == "" {
		id = e.MessageID
	}
	order := person.Order{ID: ID(id), At: e.Timestamp}
	order.Currency, order.Hundredths = p.money()
	return order
}

// keep remembers the order, unless another side reported it already.
func keep(s Subject, order person.Order, now time.Time) Memory {
	for _, m := range s.memories() {
		if slices.ContainsFunc(m.Orders, func(known person.Order) bool { return known.ID == order.ID }) {
			return s.Own
		}
	}
	own := s.Own
	own.Orders = slices.DeleteFunc(own.Orders, func(x person.Order) bool { return now.Sub(x.At) > receiptLife })
	own.Orders = append(own.Orders, order)
	own.Orders = own.Orders[max(0, len(own.Orders)-maxOrders):]
	return own
}

// sale counts an order of a block that was seen then. An order counts once for a
// block, however often it is reported.
func (o Observer) sale(unit, block string, seen time.Time, order person.Order) Tally {
	cell := "block/" + block + "/"
	t := Tally{ID: ID("order", unit, order.ID, block), Day: Day(seen, o.Zone), Cells: []Cell{{cell + orders, 1}}}
	if order.Hundredths > 0 {
		t.Cells = append(t.Cells, Cell{cell + Name(value, order.Currency), order.Hundredths})
	}
	return t
}

// buyer counts somebody who saw the block then and ordered.
func (o Observer) buyer(e *event.Event, block string, seen time.Time) Tally {
	id := ID("buyer", e.Node().Hash(), e.MessageID, block, seen.UTC().Format(time.RFC3339))
	return Tally{ID: id, Day: Day(seen, o.Zone), Cells: []Cell{{"block/" + block + "/" + buyers, 1}}}
}

// before returns the blocks that an order of that time is put down to, sorted.
func before(shown map[string]person.Exposure, order time.Time) []string {
	var out []string
	for block, seen := range shown {
		if follows(order, seen.From()) {
			out = append(out, block)
		}
	}
	slices.Sort(out)
	return out
}
