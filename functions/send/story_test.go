package send_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rapport/shared/embedded"
	"rapport/shared/event"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	address = "customer@example.com"
	lease   = 90 * time.Second
)

var errNetwork = errors.New("the connection was lost")

// cartStrategy is a journey that sends one mail an hour after the cart was left.
func cartStrategy(t testing.TB, g message.Guarantee) *strategy.Strategy {
	t.Helper()
	s, err := strategy.Ready(strategy.Document{
		Zone:     "Europe/Berlin",
		Purposes: []message.Purpose{{ID: "marketing", Name: "Offers", Basis: message.OptOut}},
		Messages: []message.Template{{ID: "reminder", Purpose: "marketing", Guarantee: g, Subject: "Your cart", HTML: "<p>Your cart</p>"}},
		Journeys: []journey.Journey{{
			ID: "cart", Version: "v1", Start: "Product Added", Goal: []string{"Order Completed"}, Key: "cart_id",
			Steps: []journey.Step{{Wait: time.Hour, Send: "reminder"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func happened(id string, kind event.Type, name string, properties, traits string) event.Event {
	return event.Event{
		MessageID: id, Type: kind, Name: name, AnonymousID: "device-1", UserID: "u1", Timestamp: noon, ReceivedAt: noon,
		Digest: "d-" + id, Properties: json.RawMessage(properties), Traits: json.RawMessage(traits),
	}
}

// tokens gives every commit another owner.
func tokens(prefix string) func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprint(prefix, "-", n)
	}
}

// story is a customer who left a cart, and the message that the journey made of
// it an hour later.
type story struct {
	t        testing.TB
	strategy *strategy.Strategy
	table    *embedded.DB
	message  *message.Message
	body     string
	at       time.Time // when the message was due
}

var customer = person.NodeID{Kind: person.UserID, Value: "u1"}

// newStory lets the real people make it.
func newStory(t testing.TB, g message.Guarantee) *story {
	t.Helper()
	now := noon
	clock := func() time.Time { return now }
	s := &story{t: t, strategy: cartStrategy(t, g), table: newTable(t, clock)}
	store := people.NewStore(s.table, clock, tokens("base"))
	_, err := store.Fold(context.Background(), s.strategy, []event.Event{
		happened("m2", event.Identify, "", "", `{"email":"`+address+`"}`),
		happened("m3", event.Track, "Product Added", `{"cart_id":"c1","product_id":"p1","name":"Green tea","price":4.5,"quantity":2}`, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := store.Find(context.Background(), customer)
	if err != nil {
		t.Fatal(err)
	}
	now = noon.Add(time.Hour)
	effects, err := store.Wake(context.Background(), s.strategy, people.Timer{Node: p.Root, Due: p.Due, Minute: now})
	if err != nil || len(effects) != 1 || effects[0].Message == nil {
		t.Fatalf("the journey asks for %+v, %v", effects, err)
	}
	s.message, s.at = effects[0].Message, now
	body, err := json.Marshal(s.message)
	if err != nil {
		t.Fatal(err)
	}
	s.body = string(body)
	return s
}

// newTable returns the embedded table in a file of its own, which no power cut
// meets.
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
	db.Bolt().NoSync = true
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// copyOf is a table that holds what the story's does.
func (s *story) copyOf(clock func() time.Time) *embedded.DB {
	s.t.Helper()
	db := newTable(s.t, clock)
	name := []byte("table") // of shared/embedded
	err := s.table.Bolt().View(func(from *bbolt.Tx) error {
		return db.Bolt().Update(func(to *bbolt.Tx) error {
			return from.Bucket(name).ForEach(func(k, v []byte) error { return to.Bucket(name).Put(bytes.Clone(k), bytes.Clone(v)) })
		})
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}

// stored returns the ledger of the story's message, nil when there is none.
func (s *story) stored(t testing.TB, tb table.Table) *message.Ledger {
	t.Helper()
	l, err := message.Book{Table: tb}.Read(context.Background(), s.message.Node, s.message.ID)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
