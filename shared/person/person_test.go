package person_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/person"
)

// declared is one trait of every kind.
var declared = &person.Declared{
	Computed: []person.ComputedTrait{
		{Name: "orders", Op: person.Count, Event: "Order Completed"},
		{Name: "revenue", Op: person.Sum, Event: "Order Completed", Of: []string{"revenue"}},
		{Name: "average", Op: person.Average, Event: "Order Completed", Of: []string{"revenue"}},
		{Name: "lowest", Op: person.Min, Event: "Order Completed", Of: []string{"revenue"}},
		{Name: "highest", Op: person.Max, Event: "Order Completed", Of: []string{"revenue"}},
		{Name: "first_price", Op: person.First, Event: "Order Completed", Of: []string{"revenue"}},
		{Name: "last_price", Op: person.Last, Event: "Order Completed", Of: []string{"revenue"}},
		{Name: "prices", Op: person.Unique, Event: "Order Completed", Of: []string{"revenue"}},
		{Name: "usual_price", Op: person.Most, Event: "Order Completed", Of: []string{"revenue"}},
		{Name: "days_ago", Op: person.Recency, Event: "Order Completed"},
		{Name: "likes", Op: person.Affinity, Event: "Order Completed", Of: []string{"revenue"}, HalfLife: 20},
		{Name: "orders_3d", Op: person.Count, Event: "Order Completed", Window: 3},
		{Name: "revenue_3d", Op: person.Sum, Event: "Order Completed", Of: []string{"revenue"}, Window: 3},
		{Name: "average_3d", Op: person.Average, Event: "Order Completed", Of: []string{"revenue"}, Window: 3},
		{Name: "lowest_3d", Op: person.Min, Event: "Order Completed", Of: []string{"revenue"}, Window: 3},
		{Name: "highest_3d", Op: person.Max, Event: "Order Completed", Of: []string{"revenue"}, Window: 3},
		{Name: "prices_3d", Op: person.Unique, Event: "Order Completed", Of: []string{"revenue"}, Window: 3},
		{Name: "usual_3d", Op: person.Most, Event: "Order Completed", Of: []string{"revenue"}, Window: 3},
	},
	Lifecycle: &person.Lifecycle{Goal: "Order Completed", Cooling: 2, Lapsed: 4},
	Days:      person.NewCalendar([][2]int64{{0, 7200}, {1_700_000_000, 10800}}),
}

// evening is the moment that views of the drawn events are of.
var evening = time.UnixMilli(1_700_000_000_000).AddDate(0, 0, 6).UTC()

// observation is one thing that a node learns.
type observation struct {
	node  person.NodeID
	at    time.Time
	by    string
	trait string
	value json.RawMessage
}

func (o observation) apply(p *person.Person) {
	n := p.Node(o.node)
	if n == nil {
		n = &person.Node{ID: o.node}
		p.Adopt(n)
	}
	n.Named = true
	n.See(o.at)
	n.Declare(o.trait, person.Trait{Value: o.value, At: o.at, By: o.by})
	for _, c := range declared.Computed {
		n.Fold(c.Name).Add(c, o.at, declared.Days.Day(o.at), o.by, o.value)
	}
	n.Life.Buy(person.Purchase{At: o.at, By: o.by})
}

func observations(t *rapid.T) []observation {
	count := rapid.IntRange(1, 30).Draw(t, "count")
	out := make([]observation, count)
	for i := range out {
		out[i] = observation{
			node: person.NodeID{Kind: person.AnonymousID, Value: fmt.Sprint("device-", rapid.IntRange(1, 4).Draw(t, "node"))},
			at: time.UnixMilli(1_700_000_000_000+rapid.Int64Range(0, 5).Draw(t, "ms")). // few instants: ties matter
													AddDate(0, 0, rapid.IntRange(0, 6).Draw(t, "day")).UTC(),
			by:    fmt.Sprint("m", i),
			trait: rapid.SampledFrom([]string{"country", "city", "plan"}).Draw(t, "trait"),
			value: json.RawMessage(rapid.SampledFrom([]string{`1.10`, `0.1`, `-3`, `"2.25"`, `"<b>&"`, `null`}).Draw(t, "value")),
		}
	}
	return out
}

// build spreads the observations over people by their nodes, in the order
// given, and joins those people in the order given.
func build(list []observation, join []int) *person.Person {
	people := map[string]*person.Person{}
	var order []string
	for _, o := range list {
		key := o.node.String()
		if people[key] == nil {
			people[key] = person.New(o.node, o.at)
			order = append(order, key)
		}
		o.apply(people[key])
	}
	var whole *person.Person
	for _, i := range join {
		if i >= len(order) {
			continue
		}
		p := people[order[i]]
		if whole == nil {
			whole = p
			continue
		}
		whole.Absorb(p)
	}
	return whole
}

func TestJoinIsOrderFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := observations(t)
		want := build(list, []int{0, 1, 2, 3}).View(declared, evening)
		shuffled := rapid.Permutation(list).Draw(t, "order")
		join := rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "join")
		got := build(shuffled, join).View(declared, evening)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the view depends on the order (-first +shuffled):\n%s", diff)
		}
		for _, o := range list {
			have := got.Traits[o.trait]
			if string(o.value) != "null" && (have.At.Before(o.at) || have.At.Equal(o.at) && have.By < o.by) && latest(list, o) {
				t.Fatalf("%s is %s by %s, although %s set it later", o.trait, have.Value, have.By, o.by)
			}
		}
	})
}

// latest reports whether nobody set the observation's trait later.
func latest(list []observation, o observation) bool {
	return !slices.ContainsFunc(list, func(x observation) bool {
		return x.trait == o.trait && (x.at.After(o.at) || x.at.Equal(o.at) && x.by > o.by)
	})
}

func TestReleaseUndoesAdopt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := build(observations(t), []int{0, 1, 2, 3})
		before, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		id := rapid.SampledFrom(p.Nodes).Draw(t, "node").ID
		p.Adopt(p.Release(id))
		after, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if string(before) != string(after) {
			t.Fatalf("moving %s out and in changed the person:\n%s\n%s", id, before, after)
		}
	})
}

func TestEncodeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := build(observations(t), []int{0, 1, 2, 3})
		p.Enter("vip", p.Created)
		p.Due = p.Created.Add(time.Hour)
		n := p.Nodes[0]
		n.Own(person.Link{To: person.NodeID{Kind: person.UserID, Value: "u1"}, Rule: "identify", At: p.Created, By: "m1"})
		body, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := person.Decode(p.Root, 7, body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p.View(declared, evening), back.View(declared, evening)); diff != "" {
			t.Fatalf("the view changed on its way through the table:\n%s", diff)
		}
		again, err := back.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if string(body) != string(again) {
			t.Fatalf("encoding is not stable:\n%s\n%s", body, again)
		}
	})
}

func TestCloneSharesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := observations(t)
		p := build(list, []int{0, 1, 2, 3})
		before, _ := p.Encode()
		c := p.Clone()
		for _, o := range list {
			o.by += "x"
			o.apply(c)
		}
		c.Enter("vip", p.Created)
		c.Nodes[0].Own(person.Link{By: "x"})
		if after, _ := p.Encode(); string(before) != string(after) {
			t.Fatal("changing the clone changed the original")
		}
	})
}

func TestSumIsExact(t *testing.T) {
	var f person.Fold
	for range 1000 {
		f.Add(person.ComputedTrait{Op: person.Sum}, time.Time{}, 0, "", json.RawMessage("0.1"))
	}
	f.Add(person.ComputedTrait{Op: person.Sum}, time.Time{}, 0, "", json.RawMessage("100000000000000000000.01"))
	n := &person.Node{ID: person.NodeID{Kind: person.UserID, Value: "u"}, Computed: map[string]*person.Fold{"revenue": &f}}
	v := (&person.Person{Nodes: []*person.Node{n}}).View(declared, evening)
	if got := string(v.Computed["revenue"]); got != "100000000000000000100.01" {
		t.Errorf("sum = %s", got)
	}
}

func TestSumLeavesOutWhatIsNoNumber(t *testing.T) {
	for _, value := range []string{`"abc"`, `true`, `{}`, `"NaN"`, `"Infinity"`, `1e999`, `""`} {
		var f person.Fold
		if f.Add(person.ComputedTrait{Op: person.Sum}, time.Time{}, 0, "", json.RawMessage(value)) || !f.Sum.IsZero() {
			t.Errorf("%s was added: %s", value, f.Sum.String())
		}
	}
}

func TestViewOfNobody(t *testing.T) {
	v := (&person.Person{}).View(declared, evening)
	if got := string(v.Computed["orders"]) + string(v.Computed["revenue"]); got != "00" {
		t.Errorf("count and sum of nothing = %q", got)
	}
	if _, ok := v.Computed["last_price"]; ok || v.ID != "" || v.Known {
		t.Errorf("nobody has %+v", v)
	}
}

func TestNullRemovesATrait(t *testing.T) {
	n := &person.Node{ID: person.NodeID{Kind: person.UserID, Value: "u"}}
	at := time.UnixMilli(1).UTC()
	n.Declare("plan", person.Trait{Value: json.RawMessage(`"pro"`), At: at, By: "a"})
	n.Declare("plan", person.Trait{Value: json.RawMessage(`null`), At: at, By: "b"})
	if v := (&person.Person{Nodes: []*person.Node{n}}).View(nil, evening); len(v.Traits) != 0 {
		t.Errorf("traits = %v", v.Traits)
	}
}

func TestOwnerIsTheEarliest(t *testing.T) {
	links := []person.Link{
		{To: person.NodeID{Kind: person.UserID, Value: "u1"}, At: time.UnixMilli(2), By: "b"},
		{To: person.NodeID{Kind: person.UserID, Value: "u2"}, At: time.UnixMilli(2), By: "a"},
		{To: person.NodeID{Kind: person.UserID, Value: "u3"}, At: time.UnixMilli(3), By: "0"},
	}
	rapid.Check(t, func(t *rapid.T) {
		n := &person.Node{}
		for _, l := range rapid.Permutation(links).Draw(t, "order") {
			n.Own(l)
		}
		if n.Owner.To.Value != "u2" {
			t.Fatalf("owner = %v", n.Owner)
		}
	})
}

func TestParseNode(t *testing.T) {
	for text, ok := range map[string]bool{
		"userId:u1": true, "anonymousId:a:b": true, "email:a@b.c": true, "external:crm#7": true,
		"userId:": false, "u1": false, "userid:u1": false, "": false, ":x": false,
	} {
		id, err := person.ParseNode(text)
		if (err == nil) != ok {
			t.Errorf("ParseNode(%q) = %v, %v", text, id, err)
		}
		if ok && id.String() != text {
			t.Errorf("%q became %q", text, id)
		}
	}
}

func TestHashIsFixed(t *testing.T) {
	// Hashes are keys in tables and tags in mail: they must never change.
	id := person.NodeID{Kind: person.UserID, Value: "u1"}
	if got := id.Hash(); len(got) != 26 || got != "n6ncct79rvfrrkmhb8hrom5u3o" {
		t.Errorf("hash of %s = %q", id, got)
	}
}

func TestNodesAreSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := build(observations(t), rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "join"))
		if !slices.IsSortedFunc(p.Nodes, func(a, b *person.Node) int { return a.ID.Compare(b.ID) }) {
			t.Fatal("nodes are not sorted")
		}
	})
}
