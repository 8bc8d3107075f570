package people_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/event"
	"rapport/shared/person"
	"rapport/shared/table"
)

// Six identities, each of which an event names at the beginning.
var six = []person.NodeID{
	userNode("user-0"), userNode("user-1"), userNode("user-2"),
	device("device-0000000000"), device("device-0000000001"), device("device-0000000002"),
}

func beginning() []event.Event {
	var out []event.Event
	for i, id := range six {
		e := page(fmt.Sprint("a", i), id.Value, noon.Add(-time.Duration(i)*time.Hour))
		if id.Kind == person.UserID {
			e.AnonymousID, e.UserID = "", id.Value
		}
		out = append(out, e)
	}
	return out
}

// drawn is a short story of the six; ids of events begin with the prefix, and
// times may be equal.
func drawn(t *rapid.T, prefix string) []event.Event {
	out := make([]event.Event, rapid.IntRange(0, 10).Draw(t, "events"))
	for i := range out {
		id := fmt.Sprintf("%s%02d", prefix, i)
		when := noon.Add(-time.Duration(rapid.IntRange(0, 6).Draw(t, "hours")) * time.Hour)
		user, other := six[rapid.IntRange(0, 2).Draw(t, "user")].Value, rapid.SampledFrom(six).Draw(t, "other")
		dev := six[rapid.IntRange(3, 5).Draw(t, "device")].Value
		switch rapid.IntRange(0, 6).Draw(t, "call") {
		case 0, 1, 2:
			out[i] = login(id, dev, user, when, fmt.Sprintf(`{"country":%q}`, rapid.SampledFrom([]string{"UA", "PL"}).Draw(t, "country")))
		case 3:
			out[i] = alias(id, other.Value, user, when, rapid.Bool().Draw(t, "trusted"))
		case 5:
			out[i] = alias(id, six[rapid.IntRange(0, 2).Draw(t, "earlier")].Value, user, when, true)
		case 4:
			out[i] = order(id, user, when, "250.10")
		default:
			out[i] = page(id, dev, when)
		}
	}
	return out
}

// without drops the evidence of an event that refused says, and nothing else.
func without(events []event.Event, refused func(from, to person.NodeID) bool) []event.Event {
	out := slices.Clone(events)
	for i := range out {
		e := &out[i]
		user := userNode(e.UserID)
		if e.UserID == "" {
			continue
		}
		if e.AnonymousID != "" && refused(device(e.AnonymousID), user) {
			e.AnonymousID = ""
		}
		if e.Type == event.Alias && (refused(device(e.PreviousID), user) || refused(userNode(e.PreviousID), user)) {
			e.PreviousID = e.UserID
		}
	}
	return out
}

// After a split each side is what it would be if no evidence of the identities
// that it freed had come by then, neither that which held them nor that which
// named them in vain: a split joins nothing. What is repeated of the former keeps
// them apart, what is repeated of the latter counts; lifting the split gives what
// would be without it (infra/adr/0012).
func TestSplitIsAsIfNeverJoined(t *testing.T) {
	strat := sample(t)
	db, other := newTable(t, at(noon)), newTable(t, at(noon))
	s, world := newStore(db, at(noon)), newStore(other, at(noon))
	cut := 0
	rapid.Check(t, func(r *rapid.T) {
		empty(t, db)
		before := append(beginning(), drawn(r, "b")...)
		fold(t, s, strat, before...)
		owners := map[person.NodeID]*person.Link{}
		for _, id := range six {
			owners[id] = find(t, s, id).Node(id).Owner
		}
		node := rapid.SampledFrom(six).Draw(r, "node")
		split(t, s, strat, node)

		freed := map[person.NodeID]bool{}
		for id, l := range owners {
			if l != nil && find(t, s, id).Node(id).Owner == nil {
				freed[id] = true
			}
		}
		if len(freed) > 0 {
			cut++
		}
		apart := map[person.NodeID]bool{}
		for _, id := range find(t, s, node).Node(node).Out() {
			apart[id] = true
		}
		never := without(before, func(from, _ person.NodeID) bool { return freed[from] })
		empty(t, other)
		fold(t, world, strat, never...)
		same(r, "split", all(t, s, strat, six), all(t, world, strat, six))
		sound(t, db, "split")

		items := everything(t, db)
		split(t, s, strat, node)
		fold(t, s, strat, before...)
		if !slices.EqualFunc(items, everything(t, db), equalItems) {
			r.Fatal("repeating the split and the events changed something")
		}

		later := append(drawn(r, "c"), again(before)...)
		fold(t, s, strat, later...)
		fold(t, world, strat, without(later, func(from, to person.NodeID) bool {
			return from == node && apart[to] || to == node && apart[from]
		})...)
		same(r, "later", all(t, s, strat, six), all(t, world, strat, six))
		sound(t, db, "later")

		lift(t, s, strat, node)
		empty(t, other)
		fold(t, world, strat, append(before, later...)...)
		same(r, "lifted", all(t, s, strat, six), all(t, world, strat, six))
		sound(t, db, "lifted")
	})
	if cut == 0 {
		t.Error("no story was cut: the test proves nothing")
	}
}

// again is the same calls sent once more by a client that makes new ids.
func again(events []event.Event) []event.Event {
	out := slices.Clone(events)
	for i := range out {
		out[i].MessageID = "z" + out[i].MessageID
		out[i].Digest = "z" + out[i].Digest
	}
	return out
}

func equalItems(a, b table.Item) bool {
	return a.Key == b.Key && a.Version == b.Version && string(a.Body) == string(b.Body)
}

func same(t *rapid.T, when string, got, want []string) {
	for i, id := range six {
		if got[i] != want[i] {
			t.Fatalf("%s: %s is\n%s\nwant\n%s", when, id, got[i], want[i])
		}
	}
}
