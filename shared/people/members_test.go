package people_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/audience"
	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// withPurposes is the sample strategy with one purpose of each kind, and with an
// audience that whoever is nobody would be in.
func withPurposes(t testing.TB) *strategy.Strategy {
	t.Helper()
	doc := sample(t).Document
	doc.Purposes = []message.Purpose{
		{ID: "marketing", Name: "News", Basis: message.OptOut},
		{ID: "newsletter", Name: "Newsletter", Basis: message.OptIn, Channels: []string{message.Email, "sms"}},
		{ID: "sale", Name: "Passing on", Basis: message.OptOut, GPC: true},
	}
	doc.Audiences = append(doc.Audiences, audience.Audience{
		ID: "unknown", When: audience.Program{Op: audience.OpNot, Args: []audience.Program{{Op: audience.OpGet, Path: []string{audience.Known}}}},
	})
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// members reads all pages of an audience.
func members(t testing.TB, s *people.Store, strat *strategy.Strategy, asked people.Asked) (out people.Members, pages int) {
	t.Helper()
	for after := ""; ; after = out.Next {
		page, err := s.Members(context.Background(), strat, asked, after)
		if err != nil {
			t.Fatal(err)
		}
		out.People = append(out.People, page.People...)
		out.Withheld += page.Withheld
		out.Next = page.Next
		if pages++; page.Next == "" {
			slices.SortFunc(out.People, func(a, b people.Member) int {
				return slices.Compare([]string{a.UserID, a.AnonymousID}, []string{b.UserID, b.AnonymousID})
			})
			return out, pages
		}
	}
}

// customers fills a table: rita agreed to the newsletter, paul said nothing, nora
// refused everything, bounce's address gets no mail; lena bought too little, and a
// device is in Ukraine. Mia had two devices, and gone was erased.
func customers(t testing.TB, strat *strategy.Strategy) *people.Store {
	t.Helper()
	tb := newTable(t, at(noon))
	s := newStore(tb, at(noon))
	day := noon.AddDate(0, 0, -1)
	var events []event.Event
	for i, user := range []string{"rita", "paul", "nora", "bounce", "mia", "gone"} {
		events = append(events,
			login(fmt.Sprint("l", i), fmt.Sprint("device-of-", user, "-5f2a9c71"), user, day, `{"email":"`+user+`@example.com"}`),
			order(fmt.Sprint("o", i), user, day, "700"))
	}
	events = append(events, login("l9", phone, "mia", day, ""), order("o9", "lena", day, "7"))
	device := page("p1", "browser-77aa01f3c9d2", day)
	there := login("i1", "browser-77aa01f3c9d2", "", day, `{"country":"UA"}`)
	fold(t, s, strat, append(events, device, there)...)
	for _, c := range []struct {
		user, purpose string
		given         bool
	}{{"rita", "newsletter", true}, {"bounce", "newsletter", true}, {"gone", "newsletter", true}, {"nora", "newsletter", false}, {"nora", "marketing", false}} {
		must(t, s.Agree(t.Context(), strat, userNode(c.user), c.purpose, person.Consent{Given: c.given, At: noon}))
	}
	_, err := s.Erase(t.Context(), userNode("gone"), nil)
	must(t, err)
	stop := table.Put(table.SuppressionKey(message.AddressHash("bounce@example.com")), nil, time.Time{}, table.Absent())
	must(t, tb.Commit(t.Context(), "s", stop))
	return s
}

func TestMembers(t *testing.T) {
	strat := withPurposes(t)
	s := customers(t, strat)
	for name, c := range map[string]struct {
		asked    people.Asked
		want     []string // user id or device, and address
		withheld int
	}{
		"everybody, without addresses": {people.Asked{Audience: "vip"}, []string{"bounce ", "mia ", "nora ", "paul ", "rita "}, 0},
		"who did not refuse":           {people.Asked{Audience: "vip", Purpose: "marketing"}, []string{"bounce ", "mia mia@example.com", "paul paul@example.com", "rita rita@example.com"}, 1},
		"who agreed":                   {people.Asked{Audience: "vip", Purpose: "newsletter"}, []string{"bounce ", "rita rita@example.com"}, 3},
		"somebody without a user id":   {people.Asked{Audience: "from-ukraine", Purpose: "marketing"}, []string{"browser-77aa01f3c9d2 "}, 0},
		"neither pointer nor grave":    {people.Asked{Audience: "unknown"}, []string{"browser-77aa01f3c9d2 "}, 0},
		"an undecided rule":            {people.Asked{Audience: "best-and-quiet"}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			found, _ := members(t, s, strat, c.asked)
			var got []string
			for _, m := range found.People {
				got = append(got, m.UserID+m.AnonymousID+" "+m.Email)
				if node := find(t, s, nodeOf(m)); node == nil || node.View(strat.Declared, noon).ID != m.ID {
					t.Errorf("%+v has another id than the person", m)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" || found.Withheld != c.withheld {
				t.Errorf("%d withheld, want %d; %s", found.Withheld, c.withheld, diff)
			}
		})
	}
}

func nodeOf(m people.Member) person.NodeID {
	if m.UserID != "" {
		return userNode(m.UserID)
	}
	return device(m.AnonymousID)
}

// Membership is that of this moment, not what was announced.
func TestMembersOfThisMoment(t *testing.T) {
	strat := withPurposes(t)
	tb := newTable(t, at(noon))
	fold(t, newStore(tb, at(noon)), strat, page("p1", "browser-77aa01f3c9d2", noon))
	for days, want := range map[int]int{0: 1, 6: 1, 8: 0} {
		later := newStore(tb, at(noon.AddDate(0, 0, days)))
		if found, _ := members(t, later, strat, people.Asked{Audience: "new-visitor"}); len(found.People) != want {
			t.Errorf("after %d days %+v, want %d", days, found, want)
		}
	}
}

func TestMembersRefuses(t *testing.T) {
	strat := withPurposes(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	for name, c := range map[string]struct {
		asked       people.Asked
		after       string
		kind        fault.Kind
		code, field string
	}{
		"an audience that is none": {people.Asked{Audience: "vp"}, "", fault.NotFound, "no_audience", "id"},
		"a purpose that is none":   {people.Asked{Audience: "vip", Purpose: "news"}, "", fault.Invalid, "unknown_purpose", "purpose"},
		"a cursor that is none":    {people.Asked{Audience: "vip"}, "?", fault.Invalid, "bad_cursor", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Members(t.Context(), strat, c.asked, c.after)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != c.kind || f.Code != c.code || f.Field != c.field {
				t.Errorf("%#v", err)
			}
		})
	}
}

// A table of many pages: every member comes once, and no page holds too many.
func TestMembersPages(t *testing.T) {
	strat := withPurposes(t)
	tb := newTable(t, at(noon))
	const crowd = 2500
	var writes []table.Write
	for i := range crowd {
		p := person.New(userNode(fmt.Sprintf("u%04d", i)), noon)
		p.Nodes[0].Named = true
		if i%2 == 0 {
			p.Nodes[0].Declare("country", person.Trait{Value: []byte(`"UA"`), At: noon, By: "m"})
		}
		body, err := p.Encode()
		must(t, err)
		if writes = append(writes, table.Put(table.PersonKey(p.Root), body, time.Time{}, table.Absent())); len(writes) == table.MaxCommitWrites {
			must(t, tb.Commit(t.Context(), fmt.Sprint(i), writes...))
			writes = nil
		}
	}
	s := newStore(tb, at(noon))
	found, pages := members(t, s, strat, people.Asked{Audience: "from-ukraine"})
	ids := map[string]bool{}
	for _, m := range found.People {
		ids[m.UserID] = true
	}
	if len(ids) != crowd/2 || len(found.People) != crowd/2 || pages != 2 {
		t.Errorf("%d people, %d different, on %d pages", len(found.People), len(ids), pages)
	}
	if none, pages := members(t, s, strat, people.Asked{Audience: "vip"}); len(none.People) != 0 || pages != 1 {
		t.Errorf("%d people on %d pages", len(none.People), pages)
	}
}

// Whatever people said, over whichever channel: an address is handed out where
// send would write to it, and who refused every channel is withheld.
func TestMembersAreWhoMayBeWrittenTo(t *testing.T) {
	strat := withPurposes(t)
	db := newTable(t, at(noon))
	keys := []string{"marketing", "newsletter", "sale", "marketing/email", "newsletter/email", "newsletter/sms"}
	rapid.Check(t, func(rt *rapid.T) {
		empty(t, db)
		s := newStore(db, at(noon))
		fold(t, s, strat, login("l", phone, "u", noon, `{"email":"u@example.com"}`), order("o", "u", noon, "700"))
		for i := range rapid.IntRange(0, 5).Draw(rt, "words") {
			c := person.Consent{Given: rapid.Bool().Draw(rt, "given"), At: noon.Add(time.Duration(rapid.IntRange(-3, 0).Draw(rt, "when")) * time.Hour), By: fmt.Sprint(i)}
			if c.Given && rapid.Bool().Draw(rt, "expires") {
				c.Expires = noon.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "until")) * time.Hour)
			}
			must(t, s.Agree(t.Context(), strat, userNode("u"), rapid.SampledFrom(keys).Draw(rt, "key"), c))
		}
		if channels := rapid.SampledFrom([]string{"", `["email"]`, `["sms"]`}).Draw(rt, "channels"); channels != "" {
			choice := map[string]person.Trait{person.Channels: {Value: json.RawMessage(channels), At: noon, By: "p"}}
			_, err := s.Say(t.Context(), strat, userNode("u"), people.Statement{Preferences: choice})
			must(t, err)
		}
		p := find(t, s, userNode("u"))
		for i := range strat.Purposes {
			purpose := &strat.Purposes[i]
			look := message.Look{
				Template: &message.Template{}, Purpose: purpose, Address: p.Address(), Consent: p.Consents(), Channels: p.Preferences()[person.Channels].Value,
			}
			open := message.Gate(&message.Message{Due: noon}, look, noon) == ""
			over := map[string][]string{"marketing": {message.Email}, "newsletter": {message.Email, "sms"}, "sale": {""}}[purpose.ID]
			listed := slices.ContainsFunc(over, func(channel string) bool { return purpose.Refuses(p.Consents(), channel, noon) == "" })
			found, _ := members(t, s, strat, people.Asked{Audience: "vip", Purpose: purpose.ID})
			if (len(found.People) == 1) != listed || (found.Withheld == 1) == listed {
				rt.Fatalf("%s: may be reached: %v, but %+v", purpose.ID, listed, found)
			}
			if mailed := listed && found.People[0].Email == "u@example.com"; mailed != (open && listed) {
				rt.Fatalf("%s: send writes: %v, but %+v", purpose.ID, open, found)
			}
		}
	})
}
