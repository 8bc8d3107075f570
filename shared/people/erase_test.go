package people_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// What must not be found any more once the victim is erased.
const (
	victim   = "victim-3c1f"
	tablet   = "tablet-77aa01f3c9d2" // the victim's
	mailbox  = "canary@example.com"
	survivor = "survivor-91be"
)

var canaries = []string{victim, tablet, mailbox, "Canary Tea"}

// left is a victim with two identities, a cart that was left, a fired timer, a
// mail that is claimed and one that was sent long ago, and a survivor beside.
func left(t testing.TB, strat *strategy.Strategy) shelf {
	t.Helper()
	s := shelf{}
	store := newStore(s, at(noon))
	fold(t, store, strat,
		page("v1", tablet, noon.Add(-time.Hour)),
		login("v2", tablet, victim, noon.Add(-time.Minute), `{"email":"`+mailbox+`","country":"UA"}`),
		added("v3", noon),
		order("s1", survivor, noon, "5"), page("s2", laptop, noon))
	user := userNode(victim).Hash()
	wake, err := json.Marshal(people.Record{Effects: []people.Effect{{ID: "x", Node: "userId:" + victim}}})
	if err != nil {
		t.Fatal(err)
	}
	put := table.Put(table.WakeKey(user, noon.Add(-time.Hour)), wake, time.Time{}, table.Absent())
	if err := s.Commit(t.Context(), "w", put); err != nil {
		t.Fatal(err)
	}
	for i, claimed := range []time.Time{noon, noon.AddDate(-1, 0, 0)} {
		m := &message.Message{ID: fmt.Sprint(user, "_", i), Node: user, Journey: "cart-recovery", Due: claimed}
		l := message.Open(m, message.AtMostOnce)
		must(t, l.Claim("sender", claimed, time.Minute))
		if i == 1 {
			must(t, l.Begin("sender", claimed, time.Minute))
			must(t, l.Reject("sender", "rejected", "no such mailbox: "+mailbox, claimed))
		}
		must(t, message.Book{Table: s, Owner: func() string { return "b" }}.Commit(t.Context(), l))
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func added(id string, when time.Time) event.Event {
	e := base(id, event.Track, when)
	e.Name, e.UserID, e.Trusted = "Product Added", victim, true
	e.Properties = json.RawMessage(`{"cart_id":"c1","product_id":"p1","name":"Canary Tea"}`)
	return e
}

func erase(t testing.TB, s *people.Store, id person.NodeID) people.Receipt {
	t.Helper()
	r, err := s.Erase(context.Background(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// blanked reports whether the item is the place of an erased record, which stays
// taken for a day and holds nothing.
func blanked(item table.Item) bool {
	return strings.HasPrefix(item.Key.Sort, table.EventPrefix) && len(item.Body) == 0 && item.Expires.Equal(noon.Add(24*time.Hour))
}

// traces says what is left of the erased identities beside their tombstones, the
// stripped ledgers and the blanks; "" when nothing is.
func traces(s shelf, erased ...person.NodeID) string {
	hashes := map[string]bool{}
	for _, id := range erased {
		hashes[id.Hash()] = true
		item, _ := s.at(table.PersonKey(id.Hash()))
		if tomb, ok := person.DecodeTombstone(item.Body); !ok || len(tomb.Rest) > 0 {
			return fmt.Sprintf("%s has no closed tombstone: %s", id, item.Body)
		}
	}
	for item := range s.items() {
		key := item.Key
		text := plain(item)
		for _, canary := range canaries {
			if strings.Contains(text, canary) {
				return fmt.Sprintf("%s is in %s", canary, text)
			}
		}
		for hash := range hashes {
			switch {
			case !strings.Contains(text, hash), key == table.PersonKey(hash):
			case blanked(item):
			case strings.HasPrefix(key.Sort, table.LedgerPrefix) && bytes.Contains(item.Body, []byte(`"erased":true`)):
			default:
				return fmt.Sprintf("%s is in %s", hash, text)
			}
		}
	}
	return ""
}

func TestErase(t *testing.T) {
	strat := sample(t)
	s := left(t, strat)
	store := newStore(s, at(noon))
	r := erase(t, store, device(tablet))
	if want := (people.Receipt{At: noon, Nodes: 2, Events: 3, Messages: 2, Timers: 2}); r != want {
		t.Errorf("receipt %+v, want %+v", r, want)
	}
	if found := traces(s, userNode(victim), device(tablet)); found != "" {
		t.Error(found)
	}
	for _, id := range []person.NodeID{userNode(victim), device(tablet)} {
		if p := find(t, store, id); p != nil {
			t.Errorf("%s is still there", id)
		}
		if r := erase(t, store, id); r != (people.Receipt{At: noon}) {
			t.Errorf("a second time by %s: %+v", id, r)
		}
	}
	if p := find(t, store, userNode(survivor)); p == nil {
		t.Error("somebody else was erased as well")
	}
	if _, err := store.Erase(t.Context(), userNode("nobody"), nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("erasing nobody: %v", err)
	}
	if _, made := s.at(table.PersonKey(userNode("nobody").Hash())); made {
		t.Error("erasing nobody left something")
	}
}

// Rows 82 and 103: whatever names an erased identity later makes nobody, joins
// nobody and is counted.
func TestNothingBringsAnErasedPersonBack(t *testing.T) {
	strat := sample(t)
	imported := page("v9", tablet, noon.AddDate(-2, 0, 0))
	imported.Imported = true
	reused := page("v1", tablet, noon)
	reused.Digest = "another"
	for name, e := range map[string]event.Event{
		"again": page("v1", tablet, noon.Add(-time.Hour)), "late": page("v8", tablet, noon.AddDate(0, 0, -3)), "imported": imported,
		"reused id": reused, "login": login("v7", laptop, victim, noon, `{"email":"`+mailbox+`"}`),
		"alias of the living": alias("v6", laptop, victim, noon, true),
	} {
		s := left(t, strat)
		store := newStore(s, at(noon))
		erase(t, store, userNode(victim))
		before := s.size()
		for i := range 2 {
			effects := fold(t, store, strat, e)
			if len(effects) > 0 {
				t.Errorf("%s: effects %v", name, effects)
			}
			if found := traces(s, userNode(victim), device(tablet)); found != "" || s.size() != before {
				t.Errorf("%s: %d items, were %d; %s", name, s.size(), before, found)
			}
			tomb, _ := s.at(table.PersonKey(e.Node().Hash()))
			if got := tomb.Counters["refused"]; got != int64(i)+1 {
				t.Errorf("%s: the tombstone counts %d", name, got)
			}
		}
		if _, err := store.Fold(t.Context(), strat, []event.Event{e, page("s9", laptop, noon), e}); err != nil {
			t.Errorf("%s in one batch with others: %v", name, err)
		}
		if got := verdicts(t, store, device(laptop)); len(got) != 2 {
			t.Errorf("%s took another event along: %v", name, got)
		}
	}
}

// An event of somebody who lives counts, and joins nothing that was erased.
func TestAnErasedIdentityBesideALivingOne(t *testing.T) {
	strat := sample(t)
	vouched := func(id, user string) event.Event {
		e := login(id, "", user, noon, `{"city":"Lviv"}`)
		e.Email, e.ExternalIDs = "customer@example.com", []string{"card:1", "order:7"}
		return e
	}
	for name, e := range map[string]event.Event{
		"address":     vouched("s9", survivor),
		"device":      login("s9", tablet, survivor, noon, `{"city":"Lviv"}`),
		"alias":       alias("s9", victim, survivor, noon, true),
		"browser":     alias("s9", tablet, survivor, noon, false),
		"only a name": alias("s9", tablet, survivor, noon, true),
	} {
		s := left(t, strat)
		store := newStore(s, at(noon))
		fold(t, store, strat, vouched("v9", victim))
		erase(t, store, userNode(victim))
		for range 2 {
			fold(t, store, strat, e)
		}
		if got := names(find(t, store, userNode(survivor))); !slices.Equal(got, []string{"userId:" + survivor}) {
			t.Errorf("%s: joined to %v", name, got)
		}
		if got := verdicts(t, store, userNode(survivor))["s9"]; !slices.Equal(got, []string{people.ErasedID}) {
			t.Errorf("%s: verdict %v", name, got)
		}
		if found := traces(s, userNode(victim), device(tablet), emailNode("customer@example.com"), externalNode("order:7")); found != "" {
			t.Errorf("%s: %s", name, found)
		}
	}
}

func TestReopen(t *testing.T) {
	strat := sample(t)
	s := left(t, strat)
	store := newStore(s, at(noon))
	erase(t, store, userNode(victim))
	fold(t, store, strat, page("v8", tablet, noon)) // moves the tombstone's version
	must(t, store.Reopen(t.Context(), device(tablet), nil))
	fold(t, store, strat, page("v9", tablet, noon))
	p := find(t, store, device(tablet))
	if p == nil || len(p.Nodes) != 1 || string(p.View(strat.Declared, noon).Computed["pages"]) != "1" {
		t.Errorf("a reopened identity begins anew: %+v", p)
	}
	if find(t, store, userNode(victim)) != nil {
		t.Error("the others stay erased")
	}
	for _, id := range []person.NodeID{device(tablet), userNode(survivor), userNode("nobody")} {
		if err := store.Reopen(t.Context(), id, nil); fault.KindOf(err) != fault.NotFound {
			t.Errorf("reopening %s: %v", id, err)
		}
	}
}

// More identities than one commit takes; whichever commit is lost, the next
// request finishes, whether it names one that is closed or one that is not.
func TestLostCommitsOfAnErasure(t *testing.T) {
	strat := sample(t)
	start := left(t, strat)
	var all []person.NodeID
	for i := range 120 {
		id := fmt.Sprintf("%s-%03d", tablet, i)
		fold(t, newStore(start, at(noon)), strat, login(fmt.Sprint("n", i), id, victim, noon, ""))
		all = append(all, device(id))
	}
	all = append(all, userNode(victim), device(tablet))
	interrupted := 0
	for lose := 1; ; lose++ {
		commits := 0
		for _, applied := range []bool{false, true} {
			s := start.clone()
			f := &faulty{Table: s, lose: lose, applied: applied}
			_, err := newStore(f, at(noon)).Erase(t.Context(), userNode(victim), nil)
			if commits = f.calls; commits < lose {
				break
			}
			if err == nil {
				continue // the ledger's, which is asked for twice
			}
			interrupted++
			store := newStore(s, at(noon))
			if erased := find(t, store, all[7]) == nil; erased != (lose > 1 || applied) {
				t.Errorf("commit %d lost (applied=%v): erased %v: all or nothing may be", lose, applied, erased)
			}
			if refused := refusedIn(s); lose > 1 || applied {
				fold(t, store, strat, page("late", tablet, noon))
				if got := refusedIn(s); got != refused+1 {
					t.Errorf("commit %d lost (applied=%v): %d refusals, then %d", lose, applied, refused, got)
				}
			}
			refused := refusedIn(s)
			erase(t, store, userNode(victim))
			if got := refusedIn(s); got != refused {
				t.Errorf("commit %d lost (applied=%v): %d refusals, and %d when it was finished", lose, applied, refused, got)
			}
			if found := traces(s, all...); found != "" {
				t.Fatalf("commit %d lost (applied=%v): %s", lose, applied, found)
			}
		}
		if commits < lose {
			if interrupted < 8 {
				t.Errorf("only %d interruptions: this proves little", interrupted)
			}
			return
		}
	}
}

// refusedIn is how many events all tombstones refused.
func refusedIn(s shelf) (n int64) {
	for item := range s.items() {
		n += item.Counters["refused"]
	}
	return n
}

// A device that leaves a person between two reads, just before that person is
// erased, is not taken for erased.
func TestDeviceLeavesBeforeItsFormerOwnerIsErased(t *testing.T) {
	strat := sample(t)
	for name, c := range map[string]struct {
		event    event.Event
		verdicts []string
		owner    string
	}{
		"own": {page("m5", phone, noon), nil, "u1"}, "beside": {login("m5", phone, "u3", noon, ""), []string{people.MergeRefused}, "u3"},
	} {
		s := shelf{}
		other := newStore(s, at(noon))
		fold(t, other, strat, order("m1", "u2", noon, "1"), order("m2", "u1", noon, "1"), order("m0", "u3", noon, "1"))
		other = newStore(s, at(noon.Add(time.Minute))) // so that the device is younger than its user
		fold(t, other, strat, login("m3", phone, "u2", noon, ""))
		m := &moving{Table: s, meet: func() {
			fold(t, other, strat, login("m4", phone, "u1", noon.Add(-time.Hour), ""))
			erase(t, other, userNode("u2"))
		}}
		fold(t, newStore(m, at(noon)), strat, c.event)
		if m.meet != nil {
			t.Fatal("nothing moved: the test proves nothing")
		}
		if got, kept := verdicts(t, other, userNode(c.owner))["m5"]; !kept || !slices.Equal(got, c.verdicts) {
			t.Errorf("%s: kept %v, verdicts %v", name, kept, got)
		}
	}
}

// History that comes in one batch with an event that is refused stays silent.
func TestRefusedAfterHistory(t *testing.T) {
	strat := sample(t)
	s := left(t, strat)
	store := newStore(s, at(noon))
	erase(t, store, userNode(victim))
	var batch []event.Event
	for i := range 5 {
		e := order(fmt.Sprint("h", i), survivor, noon.AddDate(0, -i, 0), "500")
		e.Imported = true
		batch = append(batch, e)
	}
	effects, err := store.Fold(t.Context(), strat, append(batch, page("late", tablet, noon)))
	if err != nil || len(effects) > 0 {
		t.Errorf("history published %v, %v", effects, err)
	}
	if _, vip := find(t, store, userNode(survivor)).Audiences["vip"]; !vip {
		t.Error("the history did not count: this proves nothing")
	}
}

// What follows for somebody else from the events of a batch is published, though
// the last of them is refused.
func TestRefusedAfterADeviceMoved(t *testing.T) {
	strat := sample(t)
	s := left(t, strat)
	store := newStore(s, at(noon))
	erase(t, store, userNode(victim))
	fold(t, store, strat, order("m1", "u2", noon, "1"), login("m2", phone, "", noon, `{"country":"UA"}`), login("m3", phone, "u2", noon, ""))
	moved := []event.Event{login("m4", phone, "u1", noon.Add(-time.Hour), ""), page("late", tablet, noon)}
	effects, err := store.Fold(t.Context(), strat, moved)
	if err != nil || !slices.Contains(kinds(effects), "Audience Left from-ukraine") {
		t.Errorf("published %v, %v", kinds(effects), err)
	}
}

// Every order of the calls of an erasure and of another writer: when both are
// over, the victim is erased, with all that was joined to it before, and nothing
// of it is left.
func TestErasureAgainstOtherWriters(t *testing.T) {
	strat := sample(t)
	start := left(t, strat)
	ctx := context.Background()
	reused := added("v3", noon)
	reused.Digest = "another"
	p := find(t, newStore(start, at(noon)), userNode(victim))
	ledger := table.LedgerKey(userNode(victim).Hash(), userNode(victim).Hash()+"_9")
	allowed := func(err error) bool {
		return err == nil || fault.KindOf(err) == fault.NotFound || table.AsConflict(err) != nil
	}
	folds := func(events ...event.Event) func(*people.Store) error {
		return func(s *people.Store) error { _, err := s.Fold(ctx, strat, events); return err }
	}
	total := 0
	for name, other := range map[string]func(*people.Store) error{
		"visit": folds(page("v8", tablet, noon)), "cart": folds(added("v8", noon.Add(time.Second))),
		"order": folds(order("v8", victim, noon, "9")), "repetition": folds(page("v1", tablet, noon.Add(-time.Hour))),
		"reused id": folds(reused), "several": folds(page("v8", tablet, noon), added("v7", noon), page("s9", laptop, noon)),
		"merge with a device": folds(login("v8", laptop, victim, noon, "")),
		"merge with a person": folds(alias("s9", victim, survivor, noon, true)),
		"consent": func(s *people.Store) error {
			return s.Agree(ctx, strat, userNode(victim), "marketing", person.Consent{At: noon, By: "link"})
		},
		"timer": func(s *people.Store) error {
			_, err := s.Wake(ctx, strat, people.Timer{Node: p.Root, Due: p.Due, Minute: p.Due})
			return err
		},
		"sending": func(s *people.Store) error {
			p, err := s.Holder(ctx, userNode(victim).Hash())
			if err != nil || p == nil {
				return err
			}
			l := message.Open(&message.Message{ID: strings.TrimPrefix(ledger.Sort, "l#"), Node: userNode(victim).Hash(), Due: noon}, message.AtMostOnce)
			must(t, l.Claim("other", noon, time.Minute))
			must(t, l.Begin("other", noon, time.Minute))
			w, err := l.Write()
			if err != nil {
				return err
			}
			return s.Charge(ctx, p, userNode(victim).Hash(), person.Send{ID: l.ID, At: noon}, w)
		},
		"erasure": func(s *people.Store) error { _, err := s.Erase(ctx, device(tablet), nil); return err },
	} {
		total += interleave(start, func(s *people.Store) {
			if _, err := s.Erase(ctx, userNode(victim), nil); err != nil {
				t.Errorf("%s: the erasure fails: %v", name, err)
			}
		}, func(s *people.Store) {
			if err := other(s); !allowed(err) {
				t.Errorf("%s: %v", name, err)
			}
		}, func(s shelf, order string) {
			store := newStore(s, at(noon))
			for range 2 {
				if found := traces(s, userNode(victim), device(tablet)); found != "" {
					t.Fatalf("%s, calls in the order %s: %s", name, order, found)
				}
				if err := other(store); !allowed(err) { // again, as a queue would
					t.Errorf("%s again: %v", name, err)
				}
			}
		})
	}
	t.Logf("%d orders", total)
	if total < 1000 {
		t.Errorf("only %d orders: this proves little", total)
	}
}
