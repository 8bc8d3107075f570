package people_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// mortal is a table whose user dies after some commits.
type mortal struct {
	table.Table
	left int
}

func (m *mortal) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if m.left--; m.left < 0 {
		return errLost
	}
	return m.Table.Commit(ctx, owner, writes...)
}

// dies lets the writer of an event die when the person is committed and the
// record is not yet in its place.
func dies(t testing.TB, tb table.Table, strat *strategy.Strategy, e event.Event) {
	t.Helper()
	_, err := newStore(&mortal{tb, 1}, at(noon)).Fold(context.Background(), strat, []event.Event{e})
	items, missing := tb.Get(context.Background(), table.EventKey(e.Node().Hash(), e.MessageID))
	p := find(t, newStore(tb, at(noon)), e.Node())
	if err == nil || missing != nil || items[0] != nil || p == nil || p.Pending == nil {
		t.Fatalf("%s is not pending: %v, %v", e.MessageID, err, missing)
	}
}

// regular is a customer whom nothing but an event of its own will change.
func regular(t testing.TB, s *people.Store, strat *strategy.Strategy) {
	t.Helper()
	fold(t, s, strat, order("m1", "u1", noon.Add(-time.Hour), "20"), login("m2", laptop, "u1", noon.Add(-time.Hour), ""))
	fold(t, s, strat, page("m3", laptop, noon.Add(-time.Minute)), page("m4", laptop, noon.Add(-time.Minute)))
}

// What is pending is an event like any other to those who read the person: it is
// in the timeline, in an export, in what an erasure took.
func TestPendingIsARecord(t *testing.T) {
	strat := sample(t)
	tb := shelf{}
	s := newStore(tb, at(noon))
	regular(t, s, strat)
	dies(t, tb, strat, page("m5", laptop, noon))
	var got []int
	for range 2 {
		p := find(t, s, userNode("u1"))
		shown, _, err := s.Timeline(t.Context(), lasting, p, "", 100)
		must(t, err)
		kept, err := s.Export(t.Context(), lasting, p, "") // puts it in its place
		must(t, err)
		got = append(got, len(shown), len(kept.Records))
	}
	if want := []int{5, 5, 5, 5}; !slices.Equal(got, want) {
		t.Errorf("%v events, want %v", got, want)
	}
	fresh := shelf{}
	regular(t, newStore(fresh, at(noon)), strat)
	dies(t, fresh, strat, page("m5", laptop, noon))
	if r := erase(t, newStore(fresh, at(noon)), userNode("u1")); r.Events != 5 {
		t.Errorf("%d events erased, want 5", r.Events)
	}
}

// An edge that an event names and that does not hold is seen while it is pending.
func TestWhyKnowsWhatIsPending(t *testing.T) {
	strat := sample(t)
	tb := shelf{}
	s := newStore(tb, at(noon))
	fold(t, s, strat, order("m1", "u1", noon.Add(-time.Hour), "20"), login("m2", laptop, "u1", noon.Add(-time.Hour), ""))
	fold(t, s, strat, order("m3", "u2", noon.Add(-time.Hour), "20"))
	late := order("m4", "u2", noon, "1")
	late.AnonymousID = laptop
	_, _ = newStore(&mortal{tb, 1}, at(noon)).Fold(t.Context(), strat, []event.Event{late})
	why, err := s.Why(t.Context(), lasting, find(t, s, userNode("u2")), userNode("u2"))
	if err != nil || len(why.Refused) != 1 || why.Refused[0].By != "m4" {
		t.Errorf("%+v, %v", why, err)
	}
}

// Who died after the person was committed is followed by the same delivery, which
// changes nothing and has the same effects.
func TestEffectsOfWhatIsPending(t *testing.T) {
	strat := sample(t)
	whole, broken := shelf{}, shelf{}
	vip := order("m5", "u1", noon, "980")
	regular(t, newStore(whole, at(noon)), strat)
	want := fold(t, newStore(whole, at(noon)), strat, vip)
	s := newStore(broken, at(noon))
	regular(t, s, strat)
	dies(t, broken, strat, vip)
	before := shown(t, s, strat, userNode("u1"))
	for range 2 {
		if got := fold(t, s, strat, vip); len(want) == 0 || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("effects %v, want %v", got, want)
		}
	}
	if after := shown(t, s, strat, userNode("u1")); after != before {
		t.Errorf("%s became %s", before, after)
	}
	again := vip
	again.Digest = "another"
	fold(t, s, strat, again)
	if got := verdicts(t, s, userNode("u1")); len(got) != 5 || shown(t, s, strat, userNode("u1")) != before {
		t.Errorf("a reused id counts: %v", got)
	}
}

// Which commits make do without a transaction.
func TestWhatPends(t *testing.T) {
	strat := sample(t)
	history := page("m5", laptop, noon.AddDate(-1, 0, 0))
	history.Imported = true
	noise := func(n int) string { // that nothing makes shorter
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			b.WriteString(userNode(fmt.Sprint(i)).Hash())
		}
		return b.String()[:n]
	}
	large := order("m5", "u1", noon, "5")
	large.Context = []byte(`"` + noise(700) + `"`)
	traits := login("m0", laptop, "u1", noon.Add(-2*time.Hour), `{"about":"`+noise(3400)+`"}`)
	for name, c := range map[string]struct {
		before *event.Event
		events []event.Event
		want   bool
	}{
		"one":                    {nil, []event.Event{page("m5", laptop, noon)}, true},
		"one of a user":          {nil, []event.Event{order("m5", "u1", noon, "5")}, true},
		"somebody new, to wake":  {nil, []event.Event{order("m5", "u9", noon, "5")}, false},
		"one that makes known":   {nil, []event.Event{login("m5", phone, "u1", noon, "")}, false},
		"two":                    {nil, []event.Event{page("m5", laptop, noon), page("m6", laptop, noon)}, false},
		"history":                {nil, []event.Event{history}, false},
		"one with much to say":   {nil, []event.Event{large}, false},
		"one of a large person":  {&traits, []event.Event{page("m5", laptop, noon)}, false},
		"one that was reused":    {nil, []event.Event{func() event.Event { e := page("m4", laptop, noon); e.Digest = "x"; return e }()}, false},
		"one that arms a timer":  {nil, []event.Event{page("m5", phone, noon)}, false},
		"one that comes for two": {nil, []event.Event{order("m5", "u1", noon, "5"), order("m5", "u1", noon, "5")}, true},
	} {
		tb := shelf{}
		s := newStore(tb, at(noon))
		if c.before != nil {
			fold(t, s, strat, *c.before)
		}
		regular(t, s, strat)
		var commits []int
		_, err := newStore(counted{tb, &commits}, at(noon)).Fold(t.Context(), strat, c.events)
		if alone := len(commits) == 2 && commits[0] == 1 && commits[1] == 1; err != nil || alone != c.want {
			t.Errorf("%s: commits of %v writes, %v", name, commits, err)
		}
	}
}

// counted counts the writes of each commit.
type counted struct {
	table.Table
	writes *[]int
}

func (c counted) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	err := c.Table.Commit(ctx, owner, writes...)
	if err == nil {
		*c.writes = append(*c.writes, len(writes))
	}
	return err
}

// held is a table in which another transaction holds every record.
type held struct{ table.Table }

func (h held) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if len(writes) == 1 && strings.HasPrefix(writes[0].Key.Sort, table.EventPrefix) {
		return &table.Conflict{Reasons: []table.Reason{table.Busy}}
	}
	return h.Table.Commit(ctx, owner, writes...)
}

// A record that could not be put is not taken for one that is there.
func TestRecordIsHeld(t *testing.T) {
	strat := sample(t)
	tb := shelf{}
	s := newStore(tb, at(noon))
	regular(t, s, strat)
	for i := range 2 { // committing it, and settling it
		_, err := newStore(held{tb}, at(noon)).Fold(t.Context(), strat, []event.Event{page(fmt.Sprint("m", 5+i), laptop, noon)})
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%d: %v", i, err)
		}
	}
	if p := find(t, s, userNode("u1")); p.Pending == nil || len(verdicts(t, s, userNode("u1"))) != 5 {
		t.Errorf("%d events are known", len(verdicts(t, s, userNode("u1"))))
	}
}

// late keeps back the lone puts of records, as a network may.
type late struct {
	table.Table
	puts [][]table.Write
}

func (l *late) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if len(writes) == 1 && strings.HasPrefix(writes[0].Key.Sort, table.EventPrefix) {
		l.puts = append(l.puts, writes)
		return errLost
	}
	return l.Table.Commit(ctx, owner, writes...)
}

// A record that comes when its person was erased finds its place taken, for the
// event that was pending then and for those before. A day later the blank is
// gone. Whose node was reopened may be told the event anew.
func TestLateRecordOfSomebodyErased(t *testing.T) {
	strat := sample(t)
	now := noon
	tb := newTable(t, func() time.Time { return now })
	s := newStore(tb, func() time.Time { return now })
	regular(t, s, strat)
	slow := &late{Table: tb}
	events := []event.Event{page("m5", laptop, noon), page("m6", laptop, noon)}
	for _, e := range events {
		_, _ = newStore(slow, at(noon)).Fold(t.Context(), strat, []event.Event{e})
		fold(t, s, strat, e) // the queue delivers it again
	}
	erase(t, s, userNode("u1"))
	for i, writes := range slow.puts {
		if err := tb.Commit(t.Context(), fmt.Sprint("late", i), writes...); table.AsConflict(err) == nil {
			t.Errorf("%s comes back: %v", writes[0].Key.Sort, err)
		}
	}
	must(t, s.Reopen(t.Context(), device(laptop), nil))
	fold(t, s, strat, page("m7", laptop, noon)) // arms its timer
	for range 2 {
		fold(t, s, strat, events[1])
	}
	p := find(t, s, device(laptop))
	if got := verdicts(t, s, device(laptop)); len(got) != 2 || string(p.View(strat.Declared, noon).Computed["pages"]) != "2" {
		t.Errorf("anew there are %v, %s pages", got, p.View(strat.Declared, noon).Computed["pages"])
	}
	kept, err := s.Export(t.Context(), lasting, p, "")
	if err != nil || len(kept.Records) != 2 {
		t.Errorf("%d records are exported, %v", len(kept.Records), err)
	}
	if r := erase(t, s, device(laptop)); r.Events != 2 {
		t.Errorf("%d events erased anew, want 2", r.Events)
	}
	for after, want := range map[time.Duration]int{23 * time.Hour: 5, 25 * time.Hour: 0} {
		now = noon.Add(after)
		page, err := tb.Query(t.Context(), table.NodePartition(device(laptop).Hash()), table.EventRange())
		if err != nil || len(page.Items) != want {
			t.Errorf("%s later %d items, %v", after, len(page.Items), err)
		}
	}
}

// sudden is a table in which a blank is gone just before it is replaced.
type sudden struct {
	table.Table
	gone func()
}

func (s sudden) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if writes[0].If.Version > 0 && strings.HasPrefix(writes[0].Key.Sort, table.EventPrefix) {
		s.gone()
	}
	return s.Table.Commit(ctx, owner, writes...)
}

// An event finds a blank that is gone when it is to be replaced.
func TestBlankExpiresMeanwhile(t *testing.T) {
	strat := sample(t)
	now := noon
	tb := newTable(t, func() time.Time { return now })
	s := newStore(sudden{tb, func() { now = noon.Add(25 * time.Hour) }}, at(noon))
	regular(t, s, strat)
	erase(t, newStore(tb, at(noon)), userNode("u1"))
	must(t, s.Reopen(t.Context(), device(laptop), nil))
	fold(t, s, strat, page("m4", laptop, noon))
	if got := verdicts(t, s, device(laptop)); len(got) != 1 || now.Equal(noon) {
		t.Errorf("kept are %v", got)
	}
}

// Who finishes an erasure that died counts no blank, and history leaves none.
func TestErasureGoesOnAfterBlanks(t *testing.T) {
	strat := sample(t)
	tb := shelf{}
	s := newStore(tb, at(noon))
	regular(t, s, strat)
	history := page("m0", laptop, noon.AddDate(-1, 0, 0))
	history.Imported = true
	fold(t, s, strat, history)
	if _, err := newStore(&mortal{tb, 2}, at(noon)).Erase(t.Context(), userNode("u1"), nil); err == nil {
		t.Fatal("it did not die: this proves nothing")
	}
	blanks := 0
	for item := range tb.items() {
		if blanked(item) {
			blanks++
		}
	}
	if r := erase(t, s, userNode("u1")); blanks != 2 || r.Events != 2 {
		t.Errorf("%d events erased after %d and one of history, want 2 after 2", r.Events, blanks)
	}
	if _, there := tb.at(table.EventKey(device(laptop).Hash(), "m0")); there {
		t.Error("history left a blank")
	}
}

// What is pending is forgotten when its record would be.
func TestPendingExpires(t *testing.T) {
	strat := sample(t)
	tb := shelf{}
	regular(t, newStore(tb, at(noon)), strat)
	dies(t, tb, strat, page("m5", laptop, noon))
	for at, want := range map[time.Time]bool{noon.Add(people.RecordLife - time.Second): true, noon.Add(people.RecordLife): false} {
		s := people.NewStore(tb, func() time.Time { return at }, nil)
		records, _, err := s.Timeline(t.Context(), lasting, find(t, s, userNode("u1")), "", 10)
		if shown := slices.ContainsFunc(records, func(r people.Record) bool { return r.Event.MessageID == "m5" }); err != nil || shown != want {
			t.Errorf("%s: shown %v, %v", at, shown, err)
		}
	}
}

// A person comes back with what is pending in it, byte for byte.
func TestPendingComesBack(t *testing.T) {
	p := person.New(device(phone), noon)
	bare, err := p.Encode()
	must(t, err)
	for _, record := range [][]byte{nil, []byte(`{"e":{}}`), {1, 0, 255, 0, 7}} {
		p.Pending = record
		body, err := p.Encode()
		must(t, err)
		back, err := person.Decode(p.Root, 1, body)
		must(t, err)
		again, err := back.Clone().Encode()
		must(t, err)
		if !bytes.Equal(back.Pending, record) || !bytes.Equal(again, body) || !bytes.HasPrefix(body, bare) {
			t.Errorf("%q came back as %q", record, back.Pending)
		}
	}
}
