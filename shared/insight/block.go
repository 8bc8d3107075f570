package insight

import (
	"context"
	"maps"
	"slices"
	"strings"

	"rapport/shared/strategy"
)

// AttributionDays is how long after an exposure an order is put down to the block
// that was shown.
const AttributionDays = 7

// Result is what followed from showing a block in its slot.
//
// Exposures and clicks are counted once for each receipt, so a click rate is a
// share of exposures. Orders are a matter of people: an order rate is the share
// of the people who saw the block that ordered within AttributionDays.
type Result struct {
	Slot, Block string
	Exposures   int64 // times that it was really shown
	Clicks      int64
	People      int64 // who saw it; again when they had not for AttributionDays
	Buyers      int64 // of these, who ordered
	Orders      int64
	Value       map[string]int64 // of the orders by currency, in hundredths
	ClickRate   Rate
	OrderRate   Rate
}

// Blocks returns the results of every block in the strategy, in the order of
// slots and then of rank.
func (c *Counters) Blocks(ctx context.Context, s *strategy.Strategy, w Window) ([]Result, error) {
	var out []Result
	var subjects []string
	for _, slot := range s.Slots {
		for _, b := range s.BlocksOf(slot.ID) {
			out = append(out, Result{Slot: slot.ID, Block: b.ID})
			subjects = append(subjects, Name("block", slot.ID, b.ID))
		}
	}
	found, err := c.read(ctx, subjects, w)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].fill(found[i])
	}
	return out, nil
}

func (r *Result) fill(n counts) {
	r.Exposures, r.Clicks, r.People = n[exposures], n[clicks], n[people]
	r.Buyers, r.Orders, r.Value = n[buyers], n[orders], map[string]int64{}
	for name, sum := range n {
		if currency, ok := strings.CutPrefix(name, value+"/"); ok && sum != 0 {
			r.Value[currency] = sum
		}
	}
	r.ClickRate, r.OrderRate = RateOf(r.Clicks, r.Exposures), RateOf(r.Buyers, r.People)
}

// The counters of a block.
const (
	exposures = "exposures"
	clicks    = "clicks"
	people    = "people"
	buyers    = "buyers"
	orders    = "orders"
	value     = "value" // and the currency
)

// Currencies lists the currencies of the result's value, sorted.
func (r Result) Currencies() []string { return slices.Sorted(maps.Keys(r.Value)) }

// Refused returns how many receipts were not counted in the window, by reason:
// "forged", "foreign" for those of somebody else, "expired".
func (c *Counters) Refused(ctx context.Context, w Window) (map[string]int64, error) {
	found, err := c.read(ctx, []string{"receipts"}, w)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for name, n := range found[0] {
		if reason, ok := strings.CutPrefix(name, "refused/"); ok {
			out[reason] = n
		}
	}
	return out, nil
}
