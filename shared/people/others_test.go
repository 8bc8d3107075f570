package people_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/table"
)

// naming is one event of each kind that names others beside its own identity.
func naming() []event.Event {
	vouched := login("n1", tablet, survivor, noon, `{"city":"Lviv"}`)
	vouched.Email, vouched.ExternalIDs = mailbox, []string{"card:1", "order:7"}
	vouched.Context = json.RawMessage(`{"externalIds":[{"id":"1","type":"card"}],"locale":"uk","traits":{"email":"` + mailbox + `","plan":"pro"}}`)
	card := base("n2", event.Track, noon)
	card.Name, card.Trusted, card.ExternalIDs = "Order Completed", true, []string{"card:1", "order:7"}
	mail := base("n3", event.Track, noon)
	mail.Name, mail.Trusted, mail.Email, mail.AnonymousID = "Order Completed", true, mailbox, laptop
	claim := page("n4", laptop, noon)
	claim.Claim = survivor
	return []event.Event{vouched, card, mail, claim, alias("n5", victim, survivor, noon, true), alias("n6", phone, survivor, noon, false), alias("n7", "till-7", survivor, noon, false)}
}

// Records name nobody beside their own identity, and are shown, handed out and
// explained as if they did.
func TestRecordsNameNobodyElse(t *testing.T) {
	strat := sample(t)
	s := shelf{}
	store := newStore(s, at(noon))
	sent := naming()
	fold(t, store, strat, order("m1", "till-7", noon, "1")) // so that the last one names a user, and no device
	fold(t, store, strat, sent...)
	for item := range s.items() {
		if !strings.HasPrefix(item.Key.Sort, table.EventPrefix) {
			continue
		}
		i := slices.IndexFunc(sent, func(e event.Event) bool { return table.EventPrefix+e.MessageID == item.Key.Sort })
		if i < 0 {
			continue
		}
		own := sent[i].Node().Value
		for _, value := range []string{survivor, victim, tablet, mailbox, laptop, phone, "till-7", "card:1", "order:7", `"1"`} {
			if value != own && strings.Contains(plain(item), value) {
				t.Errorf("%s names %s: %s", sent[i].MessageID, value, plain(item))
			}
		}
	}
	p := find(t, store, userNode(survivor))
	shown, _, err := store.Timeline(t.Context(), lasting, p, "", 100)
	must(t, err)
	kept, err := store.Export(t.Context(), lasting, p, "")
	must(t, err)
	for _, records := range [][]people.Record{shown, kept.Records} {
		if len(records) != len(sent) {
			t.Fatalf("%d records", len(records))
		}
		for _, r := range records {
			e := sent[slices.IndexFunc(sent, func(e event.Event) bool { return e.MessageID == r.Event.MessageID })]
			got, want := r.Event, e
			want.Context, want.Digest, want.Verdicts = got.Context, got.Digest, got.Verdicts
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s is shown as\n%+v\nwant\n%+v", e.MessageID, got, want)
			}
			if e.MessageID == "n1" && string(got.Context) != `{"locale":"uk","traits":{"plan":"pro"}}` {
				t.Errorf("the context is %s", got.Context)
			}
		}
	}
}

// Whom nobody knows is not named, and that there was somebody is still said.
func TestWhoIsNotKnownIsNotNamed(t *testing.T) {
	strat := sample(t)
	store := newStore(shelf{}, at(noon))
	claim := page("n4", laptop, noon)
	claim.Claim = "u9"
	fold(t, store, strat, claim)
	shown, _, err := store.Timeline(t.Context(), lasting, find(t, store, device(laptop)), "", 10)
	if err != nil || len(shown) != 1 || shown[0].Event.Claim != "" || shown[0].Others.Claim != userNode("u9").Hash() {
		t.Errorf("%+v, %v", shown, err)
	}
}

// What an event changed for somebody who was erased since is not published again,
// nor when somebody begins anew under the same identity.
func TestReopenedHearsNothingOfBefore(t *testing.T) {
	strat := sample(t)
	s := shelf{}
	store := newStore(s, at(noon))
	fold(t, store, strat, order("m1", "u2", noon, "1"), login("m2", phone, "", noon, `{"country":"UA"}`), login("m3", phone, "u2", noon, ""))
	moved := login("m4", phone, "u1", noon.Add(-time.Hour), "")
	concerns := func(effects []people.Effect) bool {
		return slices.ContainsFunc(effects, func(e people.Effect) bool { return e.Node == "userId:u2" })
	}
	for range 2 {
		if !concerns(fold(t, store, strat, moved)) {
			t.Fatal("nothing concerned who lost the device: the test proves nothing")
		}
	}
	erase(t, store, userNode("u2"))
	store = newStore(s, at(noon.Add(time.Minute)))
	must(t, store.Reopen(t.Context(), userNode("u2"), nil))
	fold(t, store, strat, order("m5", "u2", noon, "2"))
	if effects := fold(t, store, strat, moved); concerns(effects) {
		t.Errorf("again %+v", effects)
	}
}

// An alias implies both a user and a device. When one is taken out and erased, the
// other is kept by nobody, whether its person hangs on it or is nobody else; one
// that somebody stated is somebody's.
func TestErasureOfOneReadingOfAnAlias(t *testing.T) {
	strat := sample(t)
	roots := map[bool]int{}
	for i := range 3 {
		for name, c := range map[string]struct {
			devices int
			stated  bool
			lost    int // commits of the erasure
		}{"few": {2, false, 0}, "many": {100, false, 0}, "stated": {2, true, 0}, "lost": {100, false, 1 + 2*i}} {
			s := shelf{}
			store := newStore(s, at(noon))
			earlier := fmt.Sprintf("earlier-%02d-0123456789", i)
			fold(t, store, strat, alias("m1", earlier, survivor, noon, true))
			store = newStore(s, at(noon.Add(time.Minute)))
			for j := range c.devices {
				fold(t, store, strat, login(fmt.Sprint("d", j), fmt.Sprintf("device-%03d-0123456789", j), survivor, noon, `{"country":"UA"}`))
			}
			fold(t, store, strat, order("m2", earlier, noon, "5"), order("m4", survivor, noon, "5"))
			if c.stated {
				fold(t, store, strat, page("m3", earlier, noon))
			}
			split(t, store, strat, userNode(earlier))
			p := find(t, store, device(earlier))
			roots[p.Root == device(earlier).Hash()]++
			due, before := p.Due, identities(find(t, store, userNode(survivor)))
			f := &faulty{Table: s, lose: c.lost, applied: i%2 == 0}
			if _, err := newStore(f, at(noon)).Erase(t.Context(), userNode(earlier), nil); err != nil {
				erase(t, store, userNode(earlier))
			}
			after := find(t, store, userNode(survivor))
			if c.stated {
				if got := identities(after); !slices.Equal(got, before) {
					t.Errorf("%s: they are %v, were %v", name, got, before)
				}
				continue
			}
			if found := s.names(earlier); len(found) > 0 {
				t.Errorf("%s: %v name the erased", name, found)
			}
			want := slices.DeleteFunc(before, func(id person.NodeID) bool { return id == device(earlier) })
			if got := identities(after); !slices.Equal(got, want) || !after.Due.Equal(due) {
				t.Errorf("%s: they are %v, due %s, want %v, due %s", name, got, after.Due, want, due)
			}
			if erased, err := store.Erased(t.Context(), device(earlier).Hash()); err != nil || !erased {
				t.Errorf("%s: the other reading is not closed: %v", name, err)
			}
			armed := 0
			for item := range s.items() {
				if _, node, _, ok := table.ParseTimerSort(item.Key.Sort); ok && strings.HasPrefix(item.Key.Partition, "t#") {
					if armed++; node != after.Root {
						t.Errorf("%s: a timer of another root", name)
					}
				}
			}
			if armed != 1 {
				t.Errorf("%s: %d timers", name, armed)
			}
			fold(t, store, strat, alias("m5", earlier, survivor, noon, true))
			if found := s.names(earlier); len(found) > 0 {
				t.Errorf("%s: %v name the erased again", name, found)
			}
		}
	}
	if roots[true] == 0 || roots[false] == 0 {
		t.Errorf("roots %v: this proves little", roots)
	}
}

// Who was kept apart from that other reading forgets it as well, and can be split
// from others as if there had been none.
func TestErasureOfAReadingThatIsKeptApart(t *testing.T) {
	strat := sample(t)
	s := shelf{}
	store := newStore(s, at(noon))
	earlier := "earlier-0123456789"
	fold(t, store, strat, page("m1", earlier, noon), login("m2", phone, survivor, noon, ""), alias("m3", earlier, survivor, noon, true))
	split(t, store, strat, device(phone))
	split(t, store, strat, userNode(earlier))
	split(t, store, strat, device(earlier))
	if len(s.names("userId:"+earlier)) < 2 {
		t.Fatal("nobody was kept apart from it: this proves nothing")
	}
	for lose := range 8 {
		s := s.clone()
		f := &faulty{Table: s, lose: lose, applied: lose%2 == 0}
		if _, err := newStore(f, at(noon)).Erase(t.Context(), device(earlier), nil); err != nil {
			erase(t, newStore(s, at(noon)), device(earlier))
		}
		if found := s.names(earlier); len(found) > 0 {
			t.Errorf("commit %d lost: %v name the erased", lose, found)
		}
	}
}
