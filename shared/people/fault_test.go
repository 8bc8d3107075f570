package people_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/table"
)

func hops(t testing.TB, tb table.Table, id person.NodeID) int {
	t.Helper()
	reads := 0
	ctx := table.WithMeter(context.Background(), func(u table.Usage) { reads += u.Items })
	if _, err := people.NewStore(tb, at(noon), nil).Find(ctx, id); err != nil {
		t.Fatal(err)
	}
	return reads
}

var errLost = errors.New("the connection was lost")

// faulty loses the n-th commit: before it has an effect, or its reply after.
type faulty struct {
	table.Table
	lose    int
	applied bool
	calls   int
}

func (f *faulty) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	f.calls++
	if f.calls != f.lose {
		return f.Table.Commit(ctx, owner, writes...)
	}
	if f.applied {
		if err := f.Table.Commit(ctx, owner, writes...); err != nil {
			return err
		}
	}
	return errLost
}

// Whichever commit is lost, before or after its effect: after redelivery the
// people are the same, and every effect came out.
func TestLostCommits(t *testing.T) {
	strat := sample(t)
	events := stories(rand.New(rand.NewPCG(7, 7)), 60)
	batches := slices.Collect(slices.Chunk(events, 13))
	run := func(lose int, applied bool) (people []string, effects []string, commits int) {
		f := &faulty{Table: newTable(t, at(noon)), lose: lose, applied: applied}
		s := newStore(f, at(noon))
		out := map[string]bool{}
		for _, batch := range batches {
			for tries := 0; ; tries++ {
				list, err := s.Fold(context.Background(), strat, batch)
				if err == nil {
					for _, e := range list {
						out[e.ID] = true
					}
					break
				}
				if tries == 3 {
					t.Fatal(err)
				}
			}
		}
		for _, id := range everybody() {
			people = append(people, shown(t, s, strat, id))
		}
		return people, slices.Sorted(maps.Keys(out)), f.calls
	}
	want, effects, commits := run(0, false)
	if len(effects) == 0 {
		t.Fatal("the story has no effects: it proves nothing")
	}
	for lose := 1; lose <= commits; lose++ {
		for _, applied := range []bool{false, true} {
			got, out, _ := run(lose, applied)
			if !slices.Equal(got, want) {
				t.Errorf("commit %d lost (applied=%v): other people", lose, applied)
			}
			if !slices.Equal(out, effects) {
				t.Errorf("commit %d lost (applied=%v): effects %v, want %v", lose, applied, out, effects)
			}
		}
	}
}

func TestRow54ReusedMessageID(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	first, second := order("m1", "u1", noon, "10"), order("m1", "u1", noon, "99")
	second.Digest = "another"
	for range 2 {
		fold(t, s, strat, first)
		fold(t, s, strat, second)
	}
	if v := find(t, s, userNode("u1")).View(strat.Declared, noon); string(v.Computed["revenue"]) != "10" {
		t.Errorf("revenue = %s: the first content must stay", v.Computed["revenue"])
	}
	records, _, err := s.Timeline(context.Background(), lasting, find(t, s, userNode("u1")), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		got = append(got, r.Event.Digest+fmt.Sprint(r.Verdicts))
	}
	slices.Sort(got)
	if want := []string{"another[id_reused]", "d-m1[]"}; !slices.Equal(got, want) {
		t.Errorf("timeline = %v, want %v", got, want)
	}
}

// Inside one batch too, the first to arrive stays.
func TestReusedMessageIDInOneBatch(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	first, second := order("m1", "u1", noon, "10"), order("m1", "u1", noon, "99")
	second.Digest = "another"
	fold(t, s, strat, first, second, first)
	if v := find(t, s, userNode("u1")).View(strat.Declared, noon); string(v.Computed["revenue"]) != "10" {
		t.Errorf("revenue = %s", v.Computed["revenue"])
	}
}

// moving lets somebody else commit between two reads of one attempt.
type moving struct {
	table.Table
	reads int
	meet  func()
}

func (m *moving) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	if m.reads++; m.reads == 2 && m.meet != nil {
		meet := m.meet
		m.meet = nil
		meet()
	}
	return m.Table.Get(ctx, keys...)
}

// A device that moves to another person between the read of its pointer and the
// read of the person it led to is not folded into that person.
func TestDeviceMovesBetweenTwoReads(t *testing.T) {
	strat := sample(t)
	db := newTable(t, at(noon))
	other := newStore(db, at(noon))
	fold(t, other, strat, order("m1", "u2", noon, "1"), order("m2", "u1", noon, "1"))
	other = newStore(db, at(noon.Add(time.Minute))) // so that the device is younger than its user
	fold(t, other, strat, login("m3", phone, "u2", noon, ""))
	m := &moving{Table: db, meet: func() {
		fold(t, other, strat, login("m4", phone, "u1", noon.Add(-time.Hour), ""))
	}}
	fold(t, newStore(m, at(noon)), strat, page("m5", phone, noon))
	if m.meet != nil {
		t.Fatal("nothing moved: the test proves nothing")
	}
	for user, pages := range map[string]string{"u1": "1", "u2": "0"} {
		p := find(t, other, userNode(user))
		if got := string(p.View(strat.Declared, noon).Computed["pages"]); got != pages || (p.Node(device(phone)) != nil) != (user == "u1") {
			t.Errorf("%s has %s pages and the nodes %v", user, got, names(p))
		}
	}
}

func TestRow49ProfileFull(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	big := make([]byte, 30_000)
	for i := range big {
		big[i] = 'x'
	}
	for i := range 16 {
		fold(t, s, strat, login(fmt.Sprint("m", i), phone, "u1", noon, fmt.Sprintf(`{"t%d":%q}`, i, big)))
	}
	fold(t, s, strat, order("last", "u1", noon, "1"))
	got := verdicts(t, s, userNode("u1"))
	if !slices.Equal(got["m15"], []string{people.ProfileFull}) || len(got["m0"]) != 0 || len(got) != 17 {
		t.Errorf("verdicts = %v", got)
	}
	if v := find(t, s, userNode("u1")).View(strat.Declared, noon); string(v.Computed["orders"]) != "1" {
		t.Error("a full profile must go on counting what fits")
	}
}

func TestImportTriggersNothing(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	var events []event.Event
	for i := range 90 {
		e := order(fmt.Sprint("m", i), "u1", noon.AddDate(-3, 0, i), "100")
		e.Imported = true
		events = append(events, e)
	}
	for range 2 {
		if effects := fold(t, s, strat, events...); len(effects) != 0 {
			t.Errorf("history published %v", effects)
		}
	}
	p := find(t, s, userNode("u1"))
	if v := p.View(strat.Declared, noon); string(v.Computed["revenue"]) != "9000" {
		t.Errorf("revenue = %s", v.Computed["revenue"])
	}
	if _, vip := p.Audiences["vip"]; !vip {
		t.Error("membership must be known without being announced")
	}
	live := order("live", "u1", noon, "1")
	live.Name = "Order Viewed"
	if effects := fold(t, s, strat, live); len(effects) != 0 {
		t.Errorf("the first live event announced history: %v", effects)
	}
}

func TestTimelinePages(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	for i := range 25 {
		fold(t, s, strat, page(fmt.Sprintf("m%02d", i), phone, noon.Add(time.Duration(i/3)*time.Minute)))
	}
	fold(t, s, strat, login("login", phone, "u1", noon, ""))
	p := find(t, s, userNode("u1"))
	var got []event.Event
	for after := ""; ; {
		records, next, err := s.Timeline(context.Background(), lasting, p, after, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			got = append(got, r.Event)
		}
		if after = next; next == "" {
			break
		}
	}
	if len(got) != 26 {
		t.Errorf("%d of 26 events", len(got))
	}
	sorted := slices.IsSortedFunc(got, func(a, b event.Event) int {
		return cmp.Or(b.Timestamp.Compare(a.Timestamp), cmp.Compare(a.MessageID, b.MessageID))
	})
	if !sorted {
		t.Error("not newest first")
	}
	if _, _, err := s.Timeline(context.Background(), lasting, p, "junk", 4); err == nil {
		t.Error("a junk cursor was taken")
	}
}
