package people_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/embedded"
	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// calendar is a store whose days can be turned.
type calendar struct {
	t  testing.TB
	db *embedded.DB
	s  *people.Store

	now time.Time
}

func newCalendar(t testing.TB) *calendar {
	c := &calendar{t: t, now: noon}
	clock := func() time.Time { return c.now }
	c.db = newTable(t, clock)
	c.s = newStore(c.db, clock)
	return c
}

// day turns to so many days after the first noon.
func (c *calendar) day(n int) { c.now = noon.AddDate(0, 0, n) }

// timeline lists the message ids that are shown of a node's person.
func (c *calendar) timeline(strat *strategy.Strategy, id person.NodeID) string {
	c.t.Helper()
	records, _, err := c.s.Timeline(context.Background(), strat, find(c.t, c.s, id), "", 100)
	if err != nil {
		c.t.Fatal(err)
	}
	var ids []string
	for _, r := range records {
		ids = append(ids, r.Event.MessageID)
	}
	return strings.Join(ids, " ")
}

func (c *calendar) export(strat *strategy.Strategy, id person.NodeID) people.Belongings {
	c.t.Helper()
	kept, err := c.s.Export(context.Background(), strat, find(c.t, c.s, id), "")
	if err != nil {
		c.t.Fatal(err)
	}
	return kept
}

func (c *calendar) pages(strat *strategy.Strategy, id person.NodeID) string {
	return string(find(c.t, c.s, id).View(strat.Declared, c.now).Computed["pages"])
}

// keeping is the sample with other times.
func keeping(t testing.TB, r event.Retention) *strategy.Strategy {
	s := *sample(t)
	s.Retention = r
	return &s
}

func browsed(id string, when time.Time) event.Event {
	e := page(id, phone, when)
	e.AnonymousID, e.UserID, e.Trusted = "", "u1", true
	return e
}

func TestContentGoesBeforeTheMark(t *testing.T) {
	c := newCalendar(t)
	strat := keeping(t, event.Retention{Events: map[string]int{"page": 30}})
	user := userNode("u1")
	looked := browsed("m1", noon)
	looked.Properties = []byte(`{"path":"/secret"}`)
	effects := fold(t, c.s, strat, looked, order("m2", "u1", noon, "600"))

	c.day(30)
	c.now = c.now.Add(-time.Second)
	if got := c.timeline(strat, user); got != "m1 m2" {
		t.Errorf("on the last day: %q", got)
	}
	if again := fold(t, c.s, strat, looked); len(effects) == 0 || len(again) == 0 || again[0].ID != effects[0].ID {
		t.Errorf("a repetition gives %v, not %v", again, effects)
	}
	c.day(30)
	if got := c.timeline(strat, user); got != "m2" {
		t.Errorf("from then on: %q", got)
	}
	for _, item := range everything(t, c.db) {
		if strings.Contains(plain(item), "/secret") {
			t.Errorf("%v still says so", item.Key)
		}
	}
	kept := c.export(strat, user)
	if len(kept.Records) != 1 || !kept.Records[0].Until.Equal(noon.AddDate(0, 0, 395)) {
		t.Errorf("the export has %+v", kept.Records)
	}
	if want := (people.Mark{Node: user.Hash(), MessageID: "m1", Until: noon.AddDate(0, 0, 395)}); len(kept.Marks) != 1 || kept.Marks[0] != want {
		t.Errorf("the marks are %+v, want %+v", kept.Marks, want)
	}
	if again := fold(t, c.s, strat, looked); len(again) > 0 || c.pages(strat, user) != "1" {
		t.Errorf("a repetition counts: %v, %s pages", again, c.pages(strat, user))
	}
	other := looked
	other.Digest = "another"
	other.ReceivedAt = c.now
	fold(t, c.s, strat, other)
	if got := c.export(strat, user); len(got.Records) != 2 || got.Records[1].Verdicts[0] != people.IDReused || c.pages(strat, user) != "1" {
		t.Errorf("other content under that id: %+v, %s pages", got.Records, c.pages(strat, user))
	}
}

// However the times change between them, repetitions count once.
func TestRepetitionsAcrossRetentions(t *testing.T) {
	ready := sample(t)
	rapid.Check(t, func(rt *rapid.T) {
		c := newCalendar(t)
		looked := browsed("m1", noon)
		looked.Imported = rapid.Bool().Draw(rt, "imported")
		for day := 0; day < 395; day += rapid.IntRange(1, 200).Draw(rt, "days") {
			c.day(day)
			strat := *ready
			strat.Retention = event.Retention{Default: rapid.SampledFrom([]int{30, 394, 395, 396, 3660}).Draw(rt, "kept")}
			fold(t, c.s, &strat, looked)
			if got := c.pages(&strat, userNode("u1")); got != "1" {
				rt.Fatalf("on day %d: %s pages", day, got)
			}
		}
	})
}

func TestImportedContentGoesAndStaysKnown(t *testing.T) {
	c := newCalendar(t)
	strat, user := sample(t), userNode("u1")
	sold := order("m1", "u1", noon.AddDate(-3, 0, 0), "600")
	sold.ReceivedAt, sold.Imported = noon, true
	fold(t, c.s, strat, sold)
	if kept := c.export(strat, user); len(kept.Records) != 1 || len(kept.Marks) != 1 || !kept.Marks[0].Until.IsZero() {
		t.Errorf("at first: %+v", kept)
	}
	c.day(395)
	if kept := c.export(strat, user); len(kept.Records) != 0 || len(kept.Marks) != 1 {
		t.Errorf("after 395 days: %+v", kept)
	}
	c.day(4000)
	fold(t, c.s, strat, sold)
	if got := string(find(t, c.s, user).View(strat.Declared, c.now).Computed["orders"]); got != "1" {
		t.Errorf("imported again it makes %s orders", got)
	}
}

// A strategy with a shorter time binds what is stored, at once and everywhere;
// a longer one brings nothing back.
func TestOtherTimesForWhatIsStored(t *testing.T) {
	c := newCalendar(t)
	user := userNode("u1")
	fold(t, c.s, sample(t), login("m1", phone, "u1", noon, `{"country":"UA"}`), login("m2", phone, "u2", noon, ""))
	short := keeping(t, event.Retention{Default: 60})
	denied := func(strat *strategy.Strategy) int {
		w, err := c.s.Why(context.Background(), strat, find(t, c.s, userNode("u2")), userNode("u2"))
		if err != nil {
			t.Fatal(err)
		}
		return len(w.Refused)
	}
	if kept := c.export(keeping(t, event.Retention{Default: 3000}), user); !kept.Records[0].Until.Equal(noon.AddDate(0, 0, 395)) {
		t.Errorf("a longer time holds for what is stored: %s", kept.Records[0].Until)
	}
	c.day(59)
	if got := c.timeline(short, user); got != "m1" || denied(short) != 1 {
		t.Errorf("a day before: %q, %d", got, denied(short))
	}
	if kept := c.export(short, user); len(kept.Records) != 1 || !kept.Records[0].Until.Equal(noon.AddDate(0, 0, 60)) {
		t.Errorf("a day before: %+v", kept)
	}
	c.day(60)
	if got := c.timeline(short, user); got != "" || denied(short) != 0 {
		t.Errorf("on the day: %q, %d", got, denied(short))
	}
	if kept := c.export(short, user); len(kept.Records) != 0 || len(kept.Marks) != 1 {
		t.Errorf("on the day: %+v", kept)
	}
	again := keeping(t, event.Retention{Default: 3000}.Succeed(short.Retention, c.now))
	if got := c.timeline(again, user); got != "" {
		t.Errorf("longer again brings back %q", got)
	}
	fold(t, c.s, again, browsed("m3", c.now))
	c.day(1000)
	if got := c.timeline(again, user); got != "m3" {
		t.Errorf("what came after that: %q", got)
	}
	c.day(395)
	if got := c.timeline(keeping(t, event.Retention{Default: 3000}), user); got != "m3" {
		t.Errorf("it was stored to be gone by now: %q", got)
	}
}

// gone reports whether nobody has the node.
func (c *calendar) gone(id person.NodeID) bool { return find(c.t, c.s, id) == nil }

func TestVisitorsAreForgotten(t *testing.T) {
	c := newCalendar(t)
	strat := keeping(t, event.Retention{Default: 300, Visitors: 40, Events: map[string]int{"Order Completed": 3660}})
	visitor := device(phone)
	bought := order("m1", "", noon, "600")
	bought.UserID, bought.AnonymousID = "", phone
	fold(t, c.s, strat, bought)
	first := find(t, c.s, visitor)
	if due := first.Due; !due.IsZero() {
		t.Errorf("a timer for %s, when nobody is there", due)
	}
	if got := timers(t, c.db); got != 0 {
		t.Errorf("%d timers", got)
	}
	c.day(39)
	fold(t, c.s, strat, page("m2", phone, c.now))
	if kept := c.export(strat, visitor); !kept.Records[0].Until.Equal(noon.AddDate(0, 0, 40)) {
		t.Errorf("the order outlives a visitor: %s", kept.Records[0].Until)
	}
	c.now = find(t, c.s, visitor).Due
	if _, err := c.s.Wake(context.Background(), strat, people.Timer{Node: visitor.Hash(), Due: c.now, Minute: c.now}); err != nil {
		t.Fatal(err)
	}
	c.day(78)
	if c.gone(visitor) || c.timeline(strat, visitor) != "m2" {
		t.Errorf("on the last day: %q", c.timeline(strat, visitor))
	}
	c.day(79)
	if !c.gone(visitor) {
		t.Fatal("still there")
	}
	for _, item := range everything(t, c.db) {
		fired := strings.HasPrefix(item.Key.Sort, table.WakePrefix) // and gone in a month
		if !fired && !strings.HasPrefix(item.Key.Sort, table.EventPrefix) || strings.Contains(plain(item), phone) {
			t.Errorf("what is left of them: %v %s", item.Key, plain(item))
		}
	}
	fold(t, c.s, strat, bought)
	if !c.gone(visitor) {
		t.Error("a repetition brings them back")
	}
	fold(t, c.s, strat, page("m3", phone, c.now))
	back := find(t, c.s, visitor)
	if back.Version != 1 || !back.Created.Equal(c.now) || c.pages(strat, visitor) != "1" || c.timeline(strat, visitor) != "m3" {
		t.Errorf("whoever comes back is %+v", back)
	}
}

// Who is known stays, by whatever way they became it.
func TestWhoIsKnownStays(t *testing.T) {
	strat := keeping(t, event.Retention{Visitors: 40})
	become := map[string]event.Event{
		"who signs in": login("m2", phone, "u1", noon, ""),
		"who has an address": func() event.Event {
			e := login("m2", phone, "", noon, "")
			e.Email, e.Trusted = "a@example.com", true
			return e
		}(),
	}
	for name, e := range become {
		c := newCalendar(t)
		fold(t, c.s, strat, page("m1", phone, noon))
		if p := find(t, c.s, device(phone)); !p.Expires.Equal(noon.AddDate(0, 0, 40)) {
			t.Errorf("%s: a visitor goes at %s", name, p.Expires)
		}
		fold(t, c.s, strat, e)
		c.day(4000)
		if c.gone(device(phone)) || c.pages(strat, device(phone)) != "1" {
			t.Errorf("%s is gone", name)
		}
	}
}

// Only what visitors do keeps them: what time does, or a mail, does not.
func TestWhatKeepsAVisitor(t *testing.T) {
	ctx := context.Background()
	strat := keeping(t, event.Retention{Visitors: 40})
	for _, c := range []struct {
		name string
		days int
		do   func(c *calendar, p *person.Person) error
	}{
		{"a word", 50, func(c *calendar, p *person.Person) error {
			return c.s.Agree(ctx, strat, device(phone), "marketing", person.Consent{At: c.now})
		}},
		{"a timer", 40, func(c *calendar, p *person.Person) error {
			c.now = p.Due
			_, err := c.s.Wake(ctx, strat, people.Timer{Node: p.Root, Due: p.Due, Minute: p.Due})
			return err
		}},
		{"a timer, of who was stored without an expiry", 47, func(c *calendar, p *person.Person) error {
			items, err := c.db.Get(ctx, table.PersonKey(p.Root))
			if err == nil {
				err = c.db.Commit(ctx, "before", table.Put(items[0].Key, items[0].Body, time.Time{}, table.VersionIs(p.Version)))
			}
			if c.now = p.Due; err == nil {
				_, err = c.s.Wake(ctx, strat, people.Timer{Node: p.Root, Due: p.Due, Minute: p.Due})
			}
			return err
		}},
		{"a send", 40, func(c *calendar, p *person.Person) error {
			return c.s.Charge(ctx, p, p.Root, person.Send{ID: "s1", At: c.now})
		}},
	} {
		cal := newCalendar(t)
		fold(t, cal.s, strat, page("m1", phone, noon))
		p := find(t, cal.s, device(phone))
		cal.day(10)
		if err := c.do(cal, p); err != nil {
			t.Fatal(err)
		}
		if after := find(t, cal.s, device(phone)); after.Version == p.Version || !after.Expires.Equal(noon.AddDate(0, 0, c.days)) {
			t.Errorf("%s: version %d, until %s", c.name, after.Version, after.Expires)
		}
	}
}

// An erasure takes content along that stands beside its mark.
func TestErasureTakesContentAndMark(t *testing.T) {
	c := newCalendar(t)
	strat := keeping(t, event.Retention{Default: 30})
	fold(t, c.s, strat, browsed("m1", noon))
	got, err := c.s.Erase(context.Background(), userNode("u1"), nil)
	if err != nil || got.Events != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, item := range everything(t, c.db) {
		if item.Key != table.PersonKey(userNode("u1").Hash()) && len(item.Body) > 0 { // a blank says nothing
			t.Errorf("%v is left", item.Key)
		}
	}
}
