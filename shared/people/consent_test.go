package people_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// asking is the sample strategy, which asks for tracking on that basis.
func asking(t testing.TB, basis message.Basis) *strategy.Strategy {
	t.Helper()
	s := *sample(t)
	s.Purposes = []message.Purpose{
		{ID: "marketing", Basis: message.OptIn, Categories: []string{"Marketing", "News"}, Lasts: 30},
		{ID: "analytics", Basis: basis, Allows: []message.Use{message.Tracking}},
		{ID: "sale", Basis: message.OptOut, GPC: true},
	}
	return &s
}

func banner(e event.Event, categories string) event.Event {
	e.Context = json.RawMessage(`{"consent":{"categoryPreferences":` + categories + `}}`)
	return e
}

// chose is the event by which a banner tells what somebody chose.
func chose(id, device string, when time.Time, categories string) event.Event {
	e := page(id, device, when)
	e.Type, e.Name = event.Track, "Consent Preferences Updated"
	return banner(e, categories)
}

func pages(t testing.TB, s *people.Store, strat *strategy.Strategy, id person.NodeID) string {
	t.Helper()
	return string(find(t, s, id).View(strat.Declared, noon).Computed["pages"])
}

func TestRefusedTrackingKeepsNothingBehavioural(t *testing.T) {
	strat := asking(t, message.OptOut)
	s := newStore(newTable(t, at(noon)), at(noon))
	fold(t, s, strat, page("m1", phone, noon.Add(-3*time.Hour)), chose("m2", phone, noon.Add(-2*time.Hour), `{"analytics":false,"News":true,"Marketing":true}`))
	seen := find(t, s, device(phone)).Node(device(phone)).LastSeen
	looked := page("m3", phone, noon.Add(-time.Hour))
	looked.Name, looked.Properties = "Secret plans", json.RawMessage(`{"path":"/secret"}`)
	fold(t, s, strat, looked, looked)
	p := find(t, s, device(phone))
	if got := pages(t, s, strat, device(phone)); got != "1" || !p.Node(device(phone)).LastSeen.Equal(seen) {
		t.Errorf("%s pages, last seen %s", got, p.Node(device(phone)).LastSeen)
	}
	want := person.Consent{Given: true, At: noon.Add(-2 * time.Hour), By: "m2", Expires: noon.Add(-2*time.Hour).AddDate(0, 0, 30)}
	if got := p.Consents()["marketing"]; got != want {
		t.Errorf("marketing: %+v", got)
	}
	records, _, err := s.Timeline(context.Background(), lasting, p, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	r := records[0]
	if r.Event.MessageID != "m3" || !slices.Equal(r.Verdicts, []string{people.NoConsent}) || r.Event.Name != "" || r.Event.Properties != nil {
		t.Errorf("kept %+v", r)
	}
	login := login("m4", phone, "u1", noon.Add(-time.Minute), `{"country":"UA"}`)
	fold(t, s, strat, login, page("m5", phone, noon))
	if v := find(t, s, userNode("u1")).View(strat.Declared, noon); string(v.Traits["country"].Value) != `"UA"` || string(v.Computed["pages"]) != "1" {
		t.Errorf("what somebody says of themselves counts, what they do does not: %+v", v)
	}
}

// Whoever browses anonymously leaves nothing: no person, no record.
func TestAnonymousBrowsing(t *testing.T) {
	refused := banner(page("m1", phone, noon), `{"analytics":false}`)
	for _, c := range []struct {
		name  string
		basis message.Basis
		event event.Event
		kept  bool
	}{
		{"the banner says no", message.OptOut, refused, false},
		{"a login that the banner says no to", message.OptOut, banner(login("m1", phone, "", noon, `{"country":"UA"}`), `{"analytics":false}`), false},
		{"nobody was asked", message.OptOut, page("m1", phone, noon), true},
		{"nobody agreed", message.OptIn, page("m1", phone, noon), false},
		{"the banner says yes", message.OptIn, banner(page("m1", phone, noon), `{"analytics":true}`), true},
		{"a refusal is remembered", message.OptIn, chose("m1", phone, noon, `{"analytics":false}`), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tb := newTable(t, at(noon))
			fold(t, newStore(tb, at(noon)), asking(t, c.basis), c.event)
			if got := len(everything(t, tb)) > 0; got != c.kept {
				t.Errorf("%d items", len(everything(t, tb)))
			}
		})
	}
}

// A banner's state is repeated by every event, and must not outdo a later no.
func TestABannersStateOutdoesNoRefusal(t *testing.T) {
	strat := asking(t, message.OptOut)
	s := newStore(newTable(t, at(noon)), at(noon))
	fold(t, s, strat, chose("m1", phone, noon.Add(-time.Hour), `{"analytics":false,"Marketing":false}`))
	fold(t, s, strat, banner(page("m2", phone, noon), `{"analytics":true,"Marketing":true}`))
	if said := find(t, s, device(phone)).Consents(); said["marketing"].Given || said["analytics"].Given || pages(t, s, strat, device(phone)) != "0" {
		t.Errorf("said %v", said)
	}
}

// Row 84: a browser that claims to be somebody says no for itself, and yes for
// nobody. Row 86: its Global Privacy Control stands.
func TestWhatBrowsersMaySay(t *testing.T) {
	strat := asking(t, message.OptOut)
	s := newStore(newTable(t, at(noon)), at(noon))
	claim := chose("m1", phone, noon, `{"Marketing":true,"analytics":true}`)
	claim.Claim = "u1"
	private := chose("m2", phone, noon.Add(1), `{"sale":true,"Marketing":true}`)
	private.OptOut = true
	quiet := page("m3", laptop, noon)
	quiet.OptOut = true
	fold(t, s, strat, claim, quiet)
	if said := find(t, s, device(phone)).Consents(); len(said) > 0 || find(t, s, userNode("u1")) != nil {
		t.Errorf("said %v", said)
	}
	if c, ok := find(t, s, device(laptop)).Consents()["sale"]; !ok || c.Given || c.By != "m3" {
		t.Errorf("sale: %+v", c)
	}
	fold(t, s, strat, private)
	if said := find(t, s, device(phone)).Consents(); said["sale"].Given || said["sale"].At.IsZero() || !said["marketing"].Given {
		t.Errorf("said %v", said)
	}
	got := verdicts(t, s, device(phone))
	if !slices.Equal(got["m1"], []string{people.ConsentIgnored}) || !slices.Equal(got["m2"], []string{people.OptOutStands}) {
		t.Errorf("verdicts %v", got)
	}
}

// An order ends its journey also of somebody who is not observed: nobody is
// reminded of what they did.
func TestGoalsAreReachedUnobserved(t *testing.T) {
	strat := cartStrategy(t)
	strat.Purposes = asking(t, message.OptOut).Purposes
	s := newStore(newTable(t, at(noon)), at(noon))
	put := shopping{0, "Product Added", "u1", "A"}.build(0)
	no := chose("m-no", "", put.Timestamp.Add(time.Minute), `{"analytics":false}`)
	no.AnonymousID, no.UserID, no.Trusted = "", "u1", true
	buy := shopping{2 * time.Minute, "Order Completed", "u1", "A"}.build(1)
	again := shopping{3 * time.Minute, "Product Added", "u1", "B"}.build(2)
	fold(t, s, strat, put, no, buy, again)
	p := find(t, s, userNode("u1"))
	if w, ok := p.Walk(strat.Journeys[0].ID, "A"); !ok || !w.Over() {
		t.Errorf("the walk is %+v", w)
	}
	if _, ok := p.Walk(strat.Journeys[0].ID, "B"); ok {
		t.Error("a journey began")
	}
}

// What was erased is not made anew by what somebody says for it.
func TestNothingIsSaidForTheErased(t *testing.T) {
	strat := asking(t, message.OptOut)
	tb := newTable(t, at(noon))
	s := newStore(tb, at(noon))
	if err := tb.Commit(context.Background(), "o", table.Put(table.PersonKey(device(phone).Hash()), person.Tombstone{At: noon}.Encode(), time.Time{}, table.Absent())); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Say(context.Background(), strat, device(phone), people.Statement{Consent: map[string]person.Consent{"sale": {At: noon}}}); err == nil {
		t.Error("said")
	}
}
