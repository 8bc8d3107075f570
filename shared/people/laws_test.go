package people_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rapport/shared/event"
	"rapport/shared/person"
	"rapport/shared/table"
)

// All orders of up to six merges end in one result.
func TestAllPermutationsOfSixMerges(t *testing.T) {
	strat := sample(t)
	merges := []event.Event{
		alias("m1", "a", "b", noon, true), alias("m2", "b", "c", noon, true), alias("m3", "c", "a", noon, true),
		alias("m4", "d", "a", noon, true), login("m5", phone, "d", noon, ""), login("m6", phone, "b", noon.Add(1), ""),
	}
	people := []person.NodeID{userNode("a"), userNode("b"), userNode("c"), userNode("d"), device(phone)}
	var want []string
	permute(merges, func(order []event.Event) {
		s := newStore(shelf{}, at(noon))
		for _, e := range order {
			fold(t, s, strat, e)
		}
		var got []string
		for _, id := range people {
			got = append(got, shown(t, s, strat, id))
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Fatalf("order %v:\n%v\n%v", order, got, want)
		}
	})
}

func permute[T any](list []T, visit func([]T)) {
	if len(list) <= 1 {
		visit(list)
		return
	}
	for i := range list {
		rest := slices.Delete(slices.Clone(list), i, i+1)
		permute(rest, func(tail []T) { visit(append([]T{list[i]}, tail...)) })
	}
}

// However people were joined and parted, the table stays sound: every node
// leads in at most two reads to the one person that lists it.
func TestPointersStaySound(t *testing.T) {
	strat := sample(t)
	for seed := range uint64(seedsByDefault / 5) {
		r, tb := rand.New(rand.NewPCG(seed, 2)), shelf{}
		s := newStore(tb, at(noon))
		for _, e := range stories(r, 120) {
			fold(t, s, strat, e)
		}
		sound(t, tb, fmt.Sprint("seed ", seed))
	}
}

// sound holds that every node leads, in at most two reads, to the one person
// that lists it, and that a timer is armed for whoever waits for one.
func sound(t testing.TB, tb table.Table, story string) {
	t.Helper()
	s := newStore(tb, at(noon))
	owners, timers := map[string]string{}, map[string]bool{}
	items := everything(t, tb)
	for _, item := range items {
		timers[item.Key.Sort] = true
	}
	for _, item := range items {
		key := item.Key
		if key.Sort != "person" {
			continue
		}
		if _, pointer := person.DecodePointer(item.Body); pointer {
			continue
		}
		p, err := person.Decode(key.Partition[2:], item.Version, item.Body)
		if err != nil {
			t.Fatal(err)
		}
		if armed := table.TimerKey(noon, 0, p.Root, p.Due).Sort[10:]; !p.Due.IsZero() && !hasSuffix(timers, armed) {
			t.Fatalf("%s: nobody wakes %s at %s", story, p.Root, p.Due)
		}
		for _, n := range p.Nodes {
			if other, twice := owners[n.ID.String()]; twice {
				t.Fatalf("%s: %s is in %s and %s", story, n.ID, other, p.Root)
			}
			owners[n.ID.String()] = p.Root
			if found := find(t, s, n.ID); found == nil || found.Root != p.Root {
				t.Fatalf("%s: %s is in %s but leads to %v", story, n.ID, p.Root, found)
			}
			if reads := hops(t, tb, n.ID); reads > 2 {
				t.Fatalf("%s: %s takes %d reads", story, n.ID, reads)
			}
		}
	}
}

func hasSuffix(set map[string]bool, suffix string) bool {
	for s := range set {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}

// Every event of a story is in exactly one timeline.
func TestEveryEventIsInOneTimeline(t *testing.T) {
	strat := sample(t)
	r := rand.New(rand.NewPCG(3, 3))
	events := stories(r, 200)
	s := newStore(newTable(t, at(noon)), at(noon))
	fold(t, s, strat, events...)
	seen := map[string]int{}
	roots := map[string]bool{}
	for _, id := range everybody() {
		p := find(t, s, id)
		if p == nil || roots[p.Root] {
			continue
		}
		roots[p.Root] = true
		records, _, err := s.Timeline(context.Background(), lasting, p, "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			seen[record.Event.MessageID]++
		}
	}
	for _, e := range events {
		if seen[e.MessageID] != 1 {
			t.Errorf("%s is in %d timelines", e.MessageID, seen[e.MessageID])
		}
	}
}

// A returning visitor's event costs three reads and two writes: the person, the
// record of the event before and its own.
func TestFoldWritesTwice(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	fold(t, s, strat, page("m0", phone, noon))
	fold(t, s, strat, page("m1", phone, noon))
	var calls []string
	ctx := table.WithMeter(context.Background(), func(u table.Usage) { calls = append(calls, fmt.Sprint(u.Call, " ", u.Items)) })
	if _, err := s.Fold(ctx, strat, []event.Event{page("m2", phone, noon)}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Get 1", "Get 1", "Get 1", "Commit 1", "Commit 1"}; !slices.Equal(calls, want) {
		t.Errorf("calls = %v, want %v", calls, want)
	}
}
