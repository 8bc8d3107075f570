package insight_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/insight"
)

// orders calls visit with every order of 0 to n-1.
func orders(n int, visit func([]int)) {
	var rest func(done, left []int)
	rest = func(done, left []int) {
		if len(left) == 0 {
			visit(done)
		}
		for i, x := range left {
			rest(append(slices.Clone(done), x), slices.Delete(slices.Clone(left), i, i+1))
		}
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	rest(nil, all)
}

// arrival is an event, and which of the person's two nodes it belongs to.
type arrival struct {
	event *event.Event
	user  bool
}

// results plays the arrivals of one person in that order and returns what the
// block's counters come to: every tally counts once.
func results(list []arrival, in []int) map[string]int64 {
	out := map[string]int64{}
	counted := map[string]bool{}
	var memories [2]insight.Memory
	for _, i := range in {
		a := list[i]
		own, other := 0, 1
		if a.user {
			own, other = 1, 0
		}
		s := insight.Subject{
			Unit: device.Hash(), Nodes: []string{device.Hash(), user.Hash()}, Own: memories[own], Others: []insight.Memory{memories[other]},
		}
		memory, tallies := observer.Observe(a.event, s, noon)
		memories[own] = memory
		for _, tally := range tallies {
			for _, cell := range tally.Cells {
				if !counted[tally.ID] {
					out[strings.TrimPrefix(cell.Name, "block/hero/warm/")] += cell.N
				}
			}
			counted[tally.ID] = true
		}
	}
	return out
}

// A queue keeps no order: an order may come before the exposure that it followed,
// and a click before both. In whatever order they come, they count the same.
func TestOutcomesInEveryOrder(t *testing.T) {
	const day = 24 * time.Hour
	seen := func(ago time.Duration) *event.Event {
		return promotion("Promotion Viewed", receipt("warm", device.Hash(), noon.Add(-ago)), noon.Add(-ago))
	}
	bought := func(id string, ago time.Duration) *event.Event {
		return track("Order Completed", fmt.Sprintf(`{"order_id":%q,"revenue":10,"currency":"EUR"}`, id), noon.Add(-ago))
	}
	clicked := promotion("Promotion Clicked", receipt("warm", device.Hash(), noon.Add(-3*day)), noon.Add(-3*day))
	for name, c := range map[string]struct {
		list []arrival
		want map[string]int64
	}{
		"one device": {
			[]arrival{{seen(3 * day), false}, {clicked, false}, {bought("o1", 2*day), false}, {bought("o1", 2*day), false}, {bought("o2", day), false}},
			map[string]int64{"people": 1, "exposures": 1, "clicks": 1, "buyers": 1, "orders": 2, "value/EUR": 2000},
		},
		"the order at the till": {
			[]arrival{{seen(3 * day), false}, {bought("o1", 2*day), true}, {bought("o1", 2*day), false}, {bought("o2", day), true}},
			map[string]int64{"people": 1, "exposures": 1, "buyers": 1, "orders": 2, "value/EUR": 2000},
		},
		"seen three times": {
			[]arrival{{seen(5 * day), false}, {bought("o1", 4*day), true}, {seen(3 * day), false}, {bought("o2", day), false}, {seen(2 * day), true}},
			map[string]int64{"people": 1, "exposures": 3, "buyers": 1, "orders": 2, "value/EUR": 2000},
		},
		"bought before": {
			[]arrival{{bought("o1", 4*day), false}, {seen(3 * day), false}, {clicked, false}},
			map[string]int64{"people": 1, "exposures": 1, "clicks": 1},
		},
		"bought long after": {
			[]arrival{{bought("o1", 0), false}, {seen(7*day + time.Minute), false}, {seen(8 * day), false}},
			map[string]int64{"people": 1, "exposures": 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			orders(len(c.list), func(in []int) {
				if got := results(c.list, in); !maps.Equal(got, c.want) {
					t.Errorf("in the order %v: %v, want %v", in, got, c.want)
				}
			})
		})
	}
}

// Who sees a block again within the days does not get more of them.
func TestSeenAgainAfterTheOrder(t *testing.T) {
	const day = 24 * time.Hour
	list := []arrival{
		{promotion("Promotion Viewed", receipt("warm", device.Hash(), noon.Add(-8*day)), noon), false},
		{track("Order Completed", `{"order_id":"o1"}`, noon), false},
		{promotion("Promotion Viewed", receipt("warm", device.Hash(), noon.Add(-6*day)), noon), false},
	}
	if got, want := results(list, []int{0, 1, 2}), (map[string]int64{"people": 1, "exposures": 2}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Of orders that wait the latest are kept, and none for longer than a receipt may
// be shown.
func TestWaitingOrdersAreBounded(t *testing.T) {
	c := newCounters(newTable(t, at(noon)), noon)
	s := visitor()
	for i := range 20 {
		tell(t, c, &s, track("Order Completed", fmt.Sprintf(`{"order_id":"o%d"}`, i), noon.Add(time.Duration(i)*time.Minute)), noon)
	}
	if len(s.Own.Orders) != 8 || !s.Own.Orders[7].At.Equal(noon.Add(19*time.Minute)) {
		t.Errorf("%d orders wait: %v", len(s.Own.Orders), s.Own.Orders)
	}
	later := noon.AddDate(0, 0, 31)
	tell(t, c, &s, track("Order Completed", `{"order_id":"late"}`, later), later)
	if len(s.Own.Orders) != 1 {
		t.Errorf("%d orders wait a month later", len(s.Own.Orders))
	}
}
