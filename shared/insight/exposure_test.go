package insight_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/decision"
	"rapport/shared/event"
	"rapport/shared/insight"
	"rapport/shared/person"
)

var (
	keys     = decision.Keys([]byte("demo-identity"))
	observer = insight.Observer{Keys: keys, Zone: time.UTC}
	device   = person.NodeID{Kind: person.AnonymousID, Value: "device-1234567890"}
	user     = person.NodeID{Kind: person.UserID, Value: "u1"}
)

func receipt(block, unit string, when time.Time) string {
	return decision.Sign(keys, decision.Receipt{
		Slot: "hero", Block: block, Policy: decision.Rule, Probability: 1, Strategy: "0123456789ab", Minute: when, Holder: keys.Holder(unit),
	})
}

var messages int

func track(name, properties string, when time.Time) *event.Event {
	messages++
	return &event.Event{
		MessageID: fmt.Sprint("m", messages), Type: event.Track, Name: name, AnonymousID: device.Value,
		Properties: json.RawMessage(properties), Timestamp: when, ReceivedAt: when,
	}
}

func promotion(name, token string, when time.Time) *event.Event {
	return track(name, fmt.Sprintf(`{"promotion_id":"x","creative":"y","receipt":%q}`, token), when)
}

// visitor is the person with one device, as the store would keep it.
func visitor() insight.Subject {
	return insight.Subject{Unit: device.Hash(), Nodes: []string{device.Hash()}}
}

// tell observes an event, counts what comes out and returns its cells.
func tell(t *testing.T, c *insight.Counters, s *insight.Subject, e *event.Event, now time.Time) string {
	t.Helper()
	own, tallies := observer.Observe(e, *s, now)
	s.Own = own
	count(t, c, tallies...)
	return cellsOf(tallies)
}

func cellsOf(tallies []insight.Tally) string {
	var out []string
	for _, tally := range tallies {
		for _, cell := range tally.Cells {
			out = append(out, strings.TrimPrefix(cell.Name, "block/hero/")+fmt.Sprint("+", cell.N))
		}
	}
	return strings.Join(out, " ")
}

func warm(t *testing.T, c *insight.Counters) insight.Result {
	t.Helper()
	results, err := c.Blocks(context.Background(), sample(t), insight.Window{})
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

// TestRow94 plays a receipt a hundred times: one exposure, one click.
func TestRow94ReceiptReplayed(t *testing.T) {
	c := newCounters(newTable(t, at(noon)), noon)
	s := visitor()
	token := receipt("warm", device.Hash(), noon)
	for range 100 {
		tell(t, c, &s, promotion("Promotion Viewed", token, noon), noon)
		tell(t, c, &s, promotion("Promotion Clicked", token, noon), noon)
	}
	if r := warm(t, c); r.Exposures != 1 || r.Clicks != 1 || r.People != 1 {
		t.Errorf("%+v", r)
	}
}

// swapped changes the first character of what is signed.
func swapped(token string) string {
	if token[0] == 'B' {
		return "C" + token[1:]
	}
	return "B" + token[1:]
}

// TestRow93 gives receipts that prove nothing for this person; row 95 are those
// that come too late, or before their time.
func TestRow93ReceiptsThatDoNotCount(t *testing.T) {
	good := receipt("warm", device.Hash(), noon)
	for name, c := range map[string]struct{ token, want string }{
		"good":              {good, "warm/exposures+1 warm/people+1"},
		"changed":           {swapped(good), "receipts/refused/forged+1"},
		"cut":               {good[:len(good)-1], "receipts/refused/forged+1"},
		"junk":              {"junk", "receipts/refused/forged+1"},
		"another secret":    {decision.Sign(decision.Keys([]byte("other")), decision.Receipt{Slot: "hero", Block: "warm", Policy: decision.Rule, Probability: 1, Strategy: "0123456789ab", Minute: noon}), "receipts/refused/forged+1"},
		"of somebody else":  {receipt("warm", user.Hash(), noon), "receipts/refused/foreign+1"},
		"of nobody":         {receipt("warm", "", noon), "receipts/refused/foreign+1"},
		"30 days old":       {receipt("warm", device.Hash(), noon.AddDate(0, 0, -30)), "warm/exposures+1 warm/people+1"},
		"older":             {receipt("warm", device.Hash(), noon.AddDate(0, 0, -30).Add(-time.Minute)), "receipts/refused/expired+1"},
		"from the future":   {receipt("warm", device.Hash(), noon.Add(3*time.Minute)), "receipts/refused/expired+1"},
		"other promotions'": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, tallies := observer.Observe(promotion("Promotion Viewed", c.token, noon), visitor(), noon)
			if got := cellsOf(tallies); got != c.want {
				t.Errorf("counts %q, want %q", got, c.want)
			}
		})
	}
}

// After a login the receipt of the device still counts, although assignments
// are drawn by an older unit.
func TestReceiptOfAnotherNode(t *testing.T) {
	s := insight.Subject{Unit: user.Hash(), Nodes: []string{user.Hash(), device.Hash()}}
	_, tallies := observer.Observe(promotion("Promotion Viewed", receipt("warm", device.Hash(), noon), noon), s, noon)
	if got := cellsOf(tallies); got != "warm/exposures+1 warm/people+1" {
		t.Errorf("counts %q", got)
	}
}

// A click whose exposure was lost counts both; the exposure that comes late
// changes nothing.
func TestClickProvesTheExposure(t *testing.T) {
	c := newCounters(newTable(t, at(noon)), noon)
	s := visitor()
	token := receipt("warm", device.Hash(), noon)
	for _, name := range []string{"Promotion Clicked", "Promotion Viewed"} {
		tell(t, c, &s, promotion(name, token, noon), noon)
		if r := warm(t, c); r.Exposures != 1 || r.Clicks != 1 || r.People != 1 {
			t.Errorf("after %s: %+v", name, r)
		}
	}
}

func TestOrdersFollowExposures(t *testing.T) {
	const day = 24 * time.Hour
	worth := `{"order_id":"o1","revenue":19.985,"total":99,"currency":"eur"}`
	for name, c := range map[string]struct {
		seen  []time.Duration // before noon
		order string
		want  string
	}{
		"the same minute":  {[]time.Duration{0}, worth, "warm/orders+1 warm/value/EUR+1999 warm/buyers+1"},
		"7 days after":     {[]time.Duration{7 * day}, worth, "warm/orders+1 warm/value/EUR+1999 warm/buyers+1"},
		"later":            {[]time.Duration{7*day + time.Minute}, worth, ""},
		"before":           {[]time.Duration{-time.Minute}, worth, ""},
		"seen again":       {[]time.Duration{8 * day, 2 * day, day}, worth, "warm/orders+1 warm/value/EUR+1999 warm/buyers+1"},
		"never":            {nil, worth, ""},
		"total only":       {[]time.Duration{day}, `{"total":"12"}`, "warm/orders+1 warm/value/XXX+1200 warm/buyers+1"},
		"worth nothing":    {[]time.Duration{day}, `{"revenue":0}`, "warm/orders+1 warm/buyers+1"},
		"below nothing":    {[]time.Duration{day}, `{"revenue":-5}`, "warm/orders+1 warm/buyers+1"},
		"no amount":        {[]time.Duration{day}, `{"revenue":"a lot","currency":"EURO"}`, "warm/orders+1 warm/buyers+1"},
		"huge":             {[]time.Duration{day}, `{"revenue":"1e99"}`, "warm/orders+1 warm/buyers+1"},
		"too much":         {[]time.Duration{day}, `{"revenue":10000000001}`, "warm/orders+1 warm/buyers+1"},
		"a fraction":       {[]time.Duration{day}, `{"revenue":"1/2"}`, "warm/orders+1 warm/buyers+1"},
		"hexadecimal":      {[]time.Duration{day}, `{"revenue":"0x10"}`, "warm/orders+1 warm/buyers+1"},
		"bottomless":       {[]time.Duration{day}, `{"revenue":"1e999999999"}`, "warm/orders+1 warm/buyers+1"},
		"small exponent":   {[]time.Duration{day}, `{"revenue":1.5e1}`, "warm/orders+1 warm/value/XXX+1500 warm/buyers+1"},
		"without anything": {[]time.Duration{day}, `{}`, "warm/orders+1 warm/buyers+1"},
	} {
		t.Run(name, func(t *testing.T) {
			counters := newCounters(newTable(t, at(noon)), noon)
			s := visitor()
			for _, ago := range c.seen {
				when := noon.Add(-ago)
				tell(t, counters, &s, promotion("Promotion Viewed", receipt("warm", device.Hash(), when), when), when)
			}
			if got := tell(t, counters, &s, track("Order Completed", c.order, noon), noon); got != c.want {
				t.Errorf("counts %q, want %q", got, c.want)
			}
		})
	}
}

// Two sides report the same order, and the customer orders once more.
func TestBuyersAndOrders(t *testing.T) {
	c := newCounters(newTable(t, at(noon)), noon)
	s := visitor()
	tell(t, c, &s, promotion("Promotion Viewed", receipt("warm", device.Hash(), noon), noon), noon)
	for _, order := range []string{"o1", "o1", "o2"} {
		tell(t, c, &s, track("Order Completed", fmt.Sprintf(`{"order_id":%q,"revenue":10,"currency":"EUR"}`, order), noon), noon)
	}
	if r := warm(t, c); r.People != 1 || r.Buyers != 1 || r.Orders != 2 || r.Value["EUR"] != 2000 {
		t.Errorf("%+v", r)
	}
}

func warmAt(seen time.Time) insight.Memory {
	return insight.Memory{Shown: map[string]person.Exposure{"hero/warm": {At: seen}}}
}

// An order on the user's node goes to what the device was shown.
func TestOrderOnAnotherNode(t *testing.T) {
	c := newCounters(newTable(t, at(noon)), noon)
	s := visitor()
	tell(t, c, &s, promotion("Promotion Viewed", receipt("warm", device.Hash(), noon), noon), noon)
	order := track("Order Completed", `{}`, noon)
	order.UserID = user.Value
	u := insight.Subject{Unit: s.Unit, Nodes: []string{device.Hash(), user.Hash()}, Others: []insight.Memory{s.Own}}
	if got := tell(t, c, &u, order, noon); got != "warm/orders+1 warm/buyers+1" {
		t.Errorf("counts %q", got)
	}
	again := track("Order Completed", `{}`, noon)
	again.UserID = user.Value
	if got := tell(t, c, &u, again, noon); got != "warm/orders+1" {
		t.Errorf("the second order counts %q", got)
	}
	// Seen on both sides of a merge: each was somebody who saw it and ordered, the order is one.
	two := insight.Subject{Unit: s.Unit, Own: warmAt(noon), Others: []insight.Memory{warmAt(noon)}}
	if got := tell(t, c, &two, track("Order Completed", `{}`, noon), noon); got != "warm/orders+1 warm/buyers+1 warm/buyers+1" {
		t.Errorf("counts %q", got)
	}
}

// Somebody who sees a block every day is one of its people once in seven days.
func TestPeople(t *testing.T) {
	c := newCounters(newTable(t, at(noon.AddDate(0, 0, 30))), noon)
	s := visitor()
	for i := range 15 {
		when := noon.AddDate(0, 0, i)
		tell(t, c, &s, promotion("Promotion Viewed", receipt("warm", device.Hash(), when), when), when)
	}
	if r := warm(t, c); r.People != 3 || r.Exposures != 15 {
		t.Errorf("%+v", r)
	}
}

// A person without a unit holds no receipt, not even one that was decided for nobody.
func TestNobodyHoldsNothing(t *testing.T) {
	_, tallies := observer.Observe(promotion("Promotion Viewed", receipt("warm", "", noon), noon), insight.Subject{}, noon)
	if got := cellsOf(tallies); got != "receipts/refused/foreign+1" {
		t.Errorf("counts %q", got)
	}
}

// An exposure that arrives late is somebody who saw the block then; orders still
// go by the latest.
func TestLateExposure(t *testing.T) {
	c := newCounters(newTable(t, at(noon)), noon)
	s := visitor()
	for _, when := range []time.Time{noon, noon.AddDate(0, 0, -10)} {
		tell(t, c, &s, promotion("Promotion Viewed", receipt("warm", device.Hash(), when), when), noon)
	}
	if r := warm(t, c); r.People != 2 || !s.Own.Shown["hero/warm"].At.Equal(noon) {
		t.Errorf("%d people, remembers %v", r.People, s.Own)
	}
}

// Memory stays small: the oldest goes first, and what is old goes anyway.
func TestMemoryIsBounded(t *testing.T) {
	c := newCounters(newTable(t, at(noon)), noon)
	s := visitor()
	for i := range 40 {
		when := noon.Add(time.Duration(i) * time.Minute)
		tell(t, c, &s, promotion("Promotion Viewed", receipt(fmt.Sprintf("b%02d", i), device.Hash(), when), when), when)
	}
	if names := slices.Sorted(maps.Keys(s.Own.Shown)); len(names) != 16 || names[0] != "hero/b24" || names[15] != "hero/b39" {
		t.Errorf("remembers %v", names)
	}
	later := noon.AddDate(0, 0, 31)
	tell(t, c, &s, promotion("Promotion Viewed", receipt("warm", device.Hash(), later), later), later)
	if len(s.Own.Shown) != 1 {
		t.Errorf("remembers %v", s.Own)
	}
}

func TestHistoryCountsNothing(t *testing.T) {
	imported := promotion("Promotion Viewed", receipt("warm", device.Hash(), noon), noon)
	imported.Imported = true
	identify := promotion("Promotion Viewed", receipt("warm", device.Hash(), noon), noon)
	identify.Type = event.Identify
	for _, e := range []*event.Event{imported, identify} {
		if own, tallies := observer.Observe(e, visitor(), noon); len(own.Shown)+len(own.Orders)+len(tallies) != 0 {
			t.Errorf("counts %q, remembers %v", cellsOf(tallies), own)
		}
	}
}
