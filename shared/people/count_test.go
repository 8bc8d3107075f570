package people_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"rapport/shared/decision"
	"rapport/shared/event"
	"rapport/shared/people"
)

// An order that arrives before the exposure that it followed is put down to it
// when that comes, once, and on whichever of the person's identities it is.
func TestOrderArrivesBeforeItsExposure(t *testing.T) {
	strat := sample(t)
	keys := decision.Keys([]byte("demo-identity"))
	for _, till := range []bool{false, true} {
		store := newStore(shelf{}, at(noon)).Counting(keys)
		fold(t, store, strat, page("m1", phone, noon.Add(-time.Hour)), login("m2", phone, "u1", noon.Add(-time.Hour), ""))
		seen := page("m3", phone, noon.Add(-time.Minute))
		seen.Type, seen.Name = event.Track, "Promotion Viewed"
		seen.Properties = json.RawMessage(fmt.Sprintf(`{"receipt":%q}`, decision.Sign(keys, decision.Receipt{
			Slot: "hero", Block: "warm", Policy: decision.Rule, Probability: 1, Strategy: "0123456789ab", Minute: noon.Add(-time.Minute),
			Holder: keys.Holder(device(phone).Hash()),
		})))
		bought := order("m4", "u1", noon, "5.00")
		if !till {
			bought.UserID, bought.AnonymousID = "", phone
		}
		if cells := cellsIn(fold(t, store, strat, bought)); len(cells) > 0 {
			t.Errorf("nothing was shown yet, and %v is counted", cells)
		}
		want := []string{"exposures", "people", "orders", "value/XXX", "buyers"}
		for range 2 { // again, under the same ids
			if got := cellsIn(fold(t, store, strat, seen)); !slices.Equal(got, want) {
				t.Errorf("at the till %v: counts %v, want %v", till, got, want)
			}
		}
	}
}

// cellsIn are the block's counters that effects add to.
func cellsIn(effects []people.Effect) (names []string) {
	for _, e := range effects {
		if e.Kind != people.Counted {
			continue
		}
		for _, cell := range e.Tally.Cells {
			names = append(names, cell.Name[len("block/hero/warm/"):])
		}
	}
	return names
}
