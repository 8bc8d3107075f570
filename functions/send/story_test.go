package send_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

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

func track(id, name, anonymous, user string, at time.Time, properties string) event.Event {
	e := event.Event{
		MessageID: id, Type: event.Track, Name: name, AnonymousID: anonymous, UserID: user,
		Timestamp: at, ReceivedAt: at, Digest: "d-" + id, Properties: json.RawMessage(properties),
	}
	return e
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
	strategy *strategy.Strategy
	table    *memory
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
	s := &story{strategy: cartStrategy(t, g), table: newMemory(clock)}
	store := people.NewStore(s.table, clock, tokens("base"))
	identify := track("m2", "", "device-1", "u1", noon, "")
	identify.Type, identify.Name, identify.Traits = event.Identify, "", json.RawMessage(`{"email":"`+address+`"}`)
	for _, e := range []event.Event{
		track("m1", "Viewed", "device-0", "", noon.Add(-24*time.Hour), ""), // an older device: a merge moves the person there
		identify,
		track("m3", "Product Added", "device-1", "u1", noon, `{"cart_id":"c1","product_id":"p1","name":"Green tea","price":4.5,"quantity":2}`),
	} {
		now = e.Timestamp
		if _, err := store.Fold(context.Background(), s.strategy, []event.Event{e}); err != nil {
			t.Fatal(err)
		}
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

// stored returns the ledger of the story's message, nil when there is none.
func (s *story) stored(t testing.TB, tb table.Table) *message.Ledger {
	t.Helper()
	l, err := message.Book{Table: tb}.Read(context.Background(), s.message.Node, s.message.ID)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
