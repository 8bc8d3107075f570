package people_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rapport/infra/publish"
	"rapport/shared/embedded"
	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// newTable returns the embedded table in a file of its own. It is not synced to
// disk at each commit: here thousands of tables live for milliseconds.
func newTable(t testing.TB, clock func() time.Time) *embedded.DB {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	db, err := embedded.Open(dir+"/rapport.db", clock)
	if err != nil {
		t.Fatal(err)
	}
	db.Bolt().NoSync, db.Bolt().NoGrowSync = true, true
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// empty takes everything out of the table.
func empty(t testing.TB, db *embedded.DB) {
	t.Helper()
	err := db.Bolt().Update(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket([]byte("table")); err != nil {
			return err
		}
		_, err := tx.CreateBucket([]byte("table"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// everything returns all items of the table.
func everything(t testing.TB, tb table.Table) []table.Item {
	t.Helper()
	var out []table.Item
	for s := (table.Segment{Of: 1}); ; {
		p, err := tb.Scan(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p.Items...)
		if s.After = p.Next; p.Next == "" {
			return out
		}
	}
}

// sample is the strategy that the project ships.
func sample(t testing.TB) *strategy.Strategy {
	t.Helper()
	doc, problems := publish.Load("../../infra/strategy")
	for _, p := range problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lasting keeps everything for as long as a strategy does that does not say.
var lasting = &strategy.Strategy{}

var owners atomic.Int64

func newStore(tb table.Table, now func() time.Time) *people.Store {
	return people.NewStore(tb, now, func() string { return fmt.Sprint("owner-", owners.Add(1)) })
}

// The parts of events. Each returns a canonical event as collect would make it.

func base(id string, kind event.Type, when time.Time) event.Event {
	return event.Event{MessageID: id, Type: kind, Timestamp: when, ReceivedAt: when, Digest: "d-" + id}
}

func page(id, device string, when time.Time) event.Event {
	e := base(id, event.Page, when)
	e.AnonymousID = device
	return e
}

func login(id, device, user string, when time.Time, traits string) event.Event {
	e := base(id, event.Identify, when)
	e.AnonymousID, e.UserID = device, user
	if traits != "" {
		e.Traits = json.RawMessage(traits)
	}
	return e
}

func order(id, user string, when time.Time, revenue string) event.Event {
	e := base(id, event.Track, when)
	e.Name, e.UserID, e.Trusted = "Order Completed", user, true
	e.Properties = json.RawMessage(`{"revenue":` + revenue + `}`)
	return e
}

func alias(id, previous, user string, when time.Time, trusted bool) event.Event {
	e := base(id, event.Alias, when)
	e.UserID, e.PreviousID, e.Trusted = user, previous, trusted
	return e
}

func userNode(id string) person.NodeID { return person.NodeID{Kind: person.UserID, Value: id} }
func device(id string) person.NodeID   { return person.NodeID{Kind: person.AnonymousID, Value: id} }

// fold folds the events as batches deliver them: grouped, each group alone.
func fold(t testing.TB, s *people.Store, strat *strategy.Strategy, events ...event.Event) []people.Effect {
	t.Helper()
	var out []people.Effect
	for _, group := range people.Together(events) {
		picked := make([]event.Event, len(group))
		for i, n := range group {
			picked[i] = events[n]
		}
		effects, err := s.Fold(context.Background(), strat, picked)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, effects...)
	}
	return out
}

func find(t testing.TB, s *people.Store, id person.NodeID) *person.Person {
	t.Helper()
	p, err := s.Find(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shown is what of a person must not depend on order: the view and the
// audiences at a moment.
func shown(t testing.TB, s *people.Store, strat *strategy.Strategy, id person.NodeID) string {
	t.Helper()
	p := find(t, s, id)
	if p == nil {
		return "nobody"
	}
	audiences := []string{}
	for a := range p.Audiences {
		audiences = append(audiences, a)
	}
	body, err := json.Marshal(struct {
		View      *person.View
		Audiences map[string]bool
		Consent   map[string]person.Consent `json:",omitempty"`
	}{p.View(strat.Declared, noon), setOf(audiences), p.Consents()})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func setOf(list []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range list {
		out[s] = true
	}
	return out
}

// stories draws events of a few customers on a few devices: some shared, some
// aliased, some claimed, with ties in time.
func stories(r *rand.Rand, count int) []event.Event {
	out := make([]event.Event, count)
	for i := range out {
		id := fmt.Sprintf("m%03d", i)
		when := noon.Add(-time.Duration(r.IntN(400)) * time.Hour)
		user := fmt.Sprint("user-", r.IntN(5))
		dev := fmt.Sprint("device-000000000", r.IntN(8))
		switch r.IntN(12) {
		case 0, 1:
			out[i] = login(id, dev, user, when, fmt.Sprintf(`{"country":%q,"n":%d}`, []string{"UA", "PL", "RO"}[r.IntN(3)], i))
		case 2:
			out[i] = login(id, dev, "", when, `{"city":"Lviv"}`)
		case 3:
			out[i] = login(id, dev, "", when, `{"country":"UA"}`)
			out[i].Claim = user
		case 4:
			if r.IntN(6) == 0 {
				out[i] = alias(id, fmt.Sprint("user-", r.IntN(5)), user, when, true)
			} else {
				out[i] = alias(id, dev, user, when, r.IntN(2) == 0)
			}
		case 5, 6, 7:
			out[i] = order(id, user, when, fmt.Sprintf("%d.%02d", r.IntN(200), r.IntN(100)))
			if r.IntN(2) == 0 {
				out[i].AnonymousID = dev
			}
		default:
			out[i] = page(id, dev, when)
		}
		vouch(r, &out[i])
		choose(r, &out[i])
	}
	return out
}

// vouch lets a server name an address and numbers of other systems in some of
// the events, in place of the ids or beside them.
func vouch(r *rand.Rand, e *event.Event) {
	if e.Claim != "" || e.Type == event.Alias && !e.Trusted || r.IntN(4) > 0 {
		return
	}
	e.Trusted = true
	if r.IntN(2) == 0 {
		e.Email = fmt.Sprintf("customer-%d@example.com", r.IntN(6))
	}
	if r.IntN(2) == 0 {
		e.ExternalIDs = append(e.ExternalIDs, fmt.Sprint("order:", r.IntN(8)))
	}
	if r.IntN(4) == 0 {
		e.ExternalIDs = append(e.ExternalIDs, fmt.Sprint("ticket:", r.IntN(4)))
	}
	if r.IntN(2) == 0 && (e.Email != "" || len(e.ExternalIDs) > 0) && e.Type != event.Alias {
		e.UserID, e.AnonymousID = "", ""
	}
}

// choose turns some events into a word of consent: to mail and sale, never to
// tracking, since what a refusal keeps out depends on when it came.
func choose(r *rand.Rand, e *event.Event) {
	e.OptOut = !e.Trusted && r.IntN(12) == 0
	if e.Type == event.Page && r.IntN(6) == 0 {
		e.Type, e.Name = event.Track, "Consent Preferences Updated"
		e.Properties = json.RawMessage(fmt.Sprintf(`{"categoryPreferences":{"marketing":%t,"sale":%t}}`, r.IntN(2) == 0, r.IntN(2) == 0))
	}
}

func everybody() []person.NodeID {
	var out []person.NodeID
	for i := range 5 {
		out = append(out, userNode(fmt.Sprint("user-", i)), device(fmt.Sprint("user-", i)))
	}
	for i := range 8 {
		out = append(out, device(fmt.Sprint("device-000000000", i)), userNode(fmt.Sprint("device-000000000", i)),
			person.NodeID{Kind: person.External, Value: fmt.Sprint("order:", i)})
	}
	for i := range 6 {
		out = append(out, person.NodeID{Kind: person.Email, Value: fmt.Sprintf("customer-%d@example.com", i)},
			person.NodeID{Kind: person.External, Value: fmt.Sprint("ticket:", i)})
	}
	return out
}
