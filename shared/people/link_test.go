package people_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"rapport/shared/people"
	"rapport/shared/person"
)

// These devices have ids as browsers make them: long enough to be a secret.
const (
	phone  = "phone-4f0c2d9ae1b7"
	laptop = "laptop-8d11c0a35e2"
)

func names(p *person.Person) []string {
	var out []string
	if p != nil {
		for _, id := range p.View(nil, noon).Nodes {
			out = append(out, id.String())
		}
	}
	return out
}

func verdicts(t testing.TB, s *people.Store, id person.NodeID) map[string][]string {
	t.Helper()
	records, _, err := s.Timeline(context.Background(), lasting, find(t, s, id), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, r := range records {
		out[r.Event.MessageID] = append(out[r.Event.MessageID], r.Verdicts...)
	}
	return out
}

func TestIdentifyJoinsTheVisitorsHistory(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	fold(t, s, strat, page("m1", phone, noon.Add(-time.Hour)))
	fold(t, s, strat, page("m2", laptop, noon.Add(-time.Minute)))
	fold(t, s, strat, login("m3", phone, "u1", noon, `{"country":"UA"}`))
	fold(t, s, strat, login("m4", laptop, "u1", noon, ""))

	p := find(t, s, userNode("u1"))
	want := []string{"anonymousId:" + laptop, "anonymousId:" + phone, "userId:u1"}
	if got := names(p); !slices.Equal(got, want) {
		t.Errorf("nodes = %v, want %v", got, want)
	}
	v := p.View(strat.Declared, noon)
	if string(v.Computed["pages"]) != "2" || !v.FirstSeen.Equal(noon.Add(-time.Hour)) {
		t.Errorf("history was lost: %+v", v)
	}
	for _, id := range []person.NodeID{device(phone), device(laptop)} {
		if other := find(t, s, id); other == nil || other.Root != p.Root {
			t.Errorf("%s leads elsewhere", id)
		}
	}
	if p.Unit != device(phone).Hash() {
		t.Error("the unit is not the first node: an experiment's variant would flip at login")
	}
}

func TestClaimJoinsNothing(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	fold(t, s, strat, order("m1", "u1", noon, "900"))
	e := login("m2", phone, "", noon, `{"country":"UA","email":"x@example.com"}`)
	e.Claim = "u1"
	fold(t, s, strat, e)

	p := find(t, s, device(phone))
	if v := p.View(strat.Declared, noon); len(v.Traits) > 0 || v.Known || string(v.Computed["orders"]) != "0" {
		t.Errorf("a claim taught the stranger or the visitor something: %+v", v)
	}
	if owner := find(t, s, userNode("u1")); len(owner.Nodes) != 1 {
		t.Errorf("nodes = %v", names(owner))
	}
}

// A device that two customers prove to use belongs to the earlier one, in
// whichever order the proofs arrive; nobody's people are merged.
func TestSharedDevice(t *testing.T) {
	strat := sample(t)
	first := login("m1", phone, "u1", noon.Add(-2*time.Hour), `{"name":"one"}`)
	second := login("m2", phone, "u2", noon.Add(-time.Hour), `{"name":"two"}`)
	for _, late := range []bool{false, true} {
		s := newStore(newTable(t, at(noon)), at(noon))
		fold(t, s, strat, page("m0", phone, noon.Add(-3*time.Hour)))
		if late {
			fold(t, s, strat, second)
			fold(t, s, strat, first)
		} else {
			fold(t, s, strat, first)
			fold(t, s, strat, second)
		}
		one, two := find(t, s, userNode("u1")), find(t, s, userNode("u2"))
		if got := names(one); !slices.Equal(got, []string{"anonymousId:" + phone, "userId:u1"}) {
			t.Errorf("late=%v: u1 = %v", late, got)
		}
		if got := names(two); !slices.Equal(got, []string{"userId:u2"}) {
			t.Errorf("late=%v: u2 = %v", late, got)
		}
		if got := find(t, s, device(phone)); got.Root != one.Root {
			t.Errorf("late=%v: the device leads to somebody else", late)
		}
		if got := verdicts(t, s, userNode("u2"))["m2"]; !late && !slices.Equal(got, []string{people.MergeRefused}) {
			t.Errorf("verdict = %v", got)
		}
		// Both sides live on.
		fold(t, s, strat, page("m3", phone, noon), order("m4", "u2", noon, "5"))
		if v := find(t, s, userNode("u1")).View(strat.Declared, noon); string(v.Computed["pages"]) != "2" {
			t.Errorf("late=%v: u1's pages = %s", late, v.Computed["pages"])
		}
		if v := find(t, s, userNode("u2")).View(strat.Declared, noon); string(v.Computed["orders"]) != "1" || v.Known == false {
			t.Errorf("late=%v: u2's orders = %s", late, v.Computed["orders"])
		}
	}
}

func TestAlias(t *testing.T) {
	strat := sample(t)
	for name, c := range map[string]struct {
		previous string
		trusted  bool
		joined   bool
		verdict  string
	}{
		"server joins two user ids":                       {"u0", true, true, ""},
		"row 22 browser may not merge two identified ids": {"u0", false, false, people.MergeRefused},
		"row 25 alias to itself":                          {"u1", true, true, ""},
		"browser joins its own device":                    {phone, false, true, ""},
		"server joins a device":                           {phone, true, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(newTable(t, at(noon)), at(noon))
			fold(t, s, strat, order("m1", "u0", noon, "1"), page("m2", phone, noon), order("m3", "u1", noon, "2"))
			fold(t, s, strat, alias("m4", c.previous, "u1", noon, c.trusted))
			id := userNode(c.previous)
			if c.previous == phone {
				id = device(phone)
			}
			joined := find(t, s, id).Root == find(t, s, userNode("u1")).Root
			if joined != c.joined {
				t.Errorf("joined = %v: %v", joined, names(find(t, s, userNode("u1"))))
			}
			if got := verdicts(t, s, userNode("u1"))["m4"]; (c.verdict == "") != (len(got) == 0) || (c.verdict != "" && got[0] != c.verdict) {
				t.Errorf("verdict = %v, want %q", got, c.verdict)
			}
		})
	}
}

func TestRow26AliasCycle(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	fold(t, s, strat, order("m1", "a", noon, "1"), order("m2", "b", noon, "2"))
	fold(t, s, strat, alias("m3", "a", "b", noon, true))
	fold(t, s, strat, alias("m4", "b", "a", noon, true))
	p := find(t, s, userNode("a"))
	if got := names(p); !slices.Equal(got, []string{"userId:a", "userId:b"}) || find(t, s, userNode("b")).Root != p.Root {
		t.Errorf("nodes = %v", got)
	}
	if v := p.View(strat.Declared, noon); string(v.Computed["revenue"]) != "3" {
		t.Errorf("revenue = %s", v.Computed["revenue"])
	}
}

func TestRow24TooManyIDs(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	for i := range person.MaxNodes {
		fold(t, s, strat, login(fmt.Sprint("m", i), fmt.Sprintf("device-%013d", i), "u1", noon, ""))
	}
	p := find(t, s, userNode("u1"))
	if len(p.Nodes) != person.MaxNodes {
		t.Errorf("nodes = %d", len(p.Nodes))
	}
	last := fmt.Sprint("m", person.MaxNodes-1)
	if got := verdicts(t, s, userNode("u1"))[last]; !slices.Equal(got, []string{people.TooManyIDs}) {
		t.Errorf("verdict = %v", got)
	}
}

// Large people merge too: what one commit cannot repoint is repointed when met.
func TestMergeOfLargePeople(t *testing.T) {
	strat := sample(t)
	tb := newTable(t, at(noon))
	s := newStore(tb, at(noon))
	for u, user := range []string{"u1", "u2"} {
		for i := range 95 {
			fold(t, s, strat, login(fmt.Sprintf("m%d-%d", u, i), fmt.Sprintf("device-%d-%013d", u, i), user, noon, ""))
		}
	}
	fold(t, s, strat, alias("m", "u2", "u1", noon, true))
	root := find(t, s, userNode("u1")).Root
	for u := range 2 {
		for i := range 95 {
			id := device(fmt.Sprintf("device-%d-%013d", u, i))
			if p := find(t, s, id); p.Root != root {
				t.Fatalf("%s leads to %s, not %s", id, p.Root, root)
			}
			fold(t, s, strat, page(fmt.Sprintf("p%d-%d", u, i), id.Value, noon))
			if got := hops(t, tb, id); got > 2 {
				t.Errorf("%s takes %d reads after it was met", id, got)
			}
		}
	}
	if v := find(t, s, userNode("u2")).View(strat.Declared, noon); string(v.Computed["pages"]) != "190" {
		t.Errorf("pages = %s", v.Computed["pages"])
	}
}
