// Command analyticsgo tells a story of events through Segment's client for Go,
// for the person userId:go-1. Its only argument is the address to send to; the
// key is in RAPPORT_SECRET_KEY. It has a module of its own, so that Rapport does
// not depend on the client.
package main

import (
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"strings"
	"time"

	"github.com/segmentio/analytics-go/v3"
)

const (
	user = "go-1"
	many = 30 // events that are counted
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("analyticsgo: name the address to send to")
	}
	if err := tell(os.Args[1], os.Getenv("RAPPORT_SECRET_KEY")); err != nil {
		log.Fatal("analyticsgo: ", err)
	}
}

// tell sends the story and returns when every event was delivered or given up.
// It closes the client only then, for a client that is closing sends nothing again.
func tell(endpoint, key string) error {
	messages := story(time.Now())
	outcome := &delivery{done: make(chan error, len(messages))}
	client, err := analytics.NewWithConfig(key, analytics.Config{
		Endpoint: endpoint, BatchSize: 15, Interval: 200 * time.Millisecond, Callback: outcome, Logger: outcome,
	})
	if err != nil {
		return err
	}
	for _, m := range messages {
		if err := client.Enqueue(m); err != nil {
			return err
		}
	}
	for range messages {
		err = errors.Join(err, <-outcome.done)
	}
	return errors.Join(err, client.Close())
}

func story(now time.Time) []analytics.Message {
	out := []analytics.Message{
		analytics.Identify{UserId: user, AnonymousId: "visitor-1", Traits: analytics.NewTraits().SetName("Леся").Set("age", 42)},
		analytics.Track{UserId: user, Event: "Odd Values", Properties: analytics.Properties{
			"text": "Крамниця 🫖 <b> \u2028", "largest": int64(math.MaxInt64), "unsigned": uint64(math.MaxUint64), "small": 5e-7, "nothing": nil,
		}},
		analytics.Track{UserId: user, Event: "Order Completed", Timestamp: now.AddDate(-1, 0, 0), Properties: analytics.NewProperties().
			SetRevenue(1999.9).SetCurrency("UAH").SetOrderId("o-1").SetProducts(
			analytics.Product{ID: "p-1", SKU: "S-1", Price: 10}, analytics.Product{ID: "p-2", Name: "Чай", Price: 0.5})},
		analytics.Track{UserId: user, Event: "Large", Properties: analytics.NewProperties().Set("text", strings.Repeat("ж", 15_000))},
		analytics.Page{UserId: user, Name: "Home", Properties: analytics.NewProperties().SetURL("https://shop.example.com/?q=чай")},
		analytics.Screen{UserId: user, Name: "Basket"},
		analytics.Group{UserId: user, GroupId: "g-1", Traits: analytics.NewTraits().Set("plan", "pro")},
		analytics.Alias{UserId: user, PreviousId: "visitor-2"},
	}
	for n := range many {
		out = append(out, analytics.Track{UserId: user, Event: "Counted", Properties: analytics.NewProperties().Set("n", n)})
	}
	return out
}

// delivery says of each event what became of it.
type delivery struct{ done chan error }

// Success implements analytics.Callback.
func (d *delivery) Success(analytics.Message) { d.done <- nil }

// Failure implements analytics.Callback.
func (d *delivery) Failure(m analytics.Message, err error) {
	d.done <- fmt.Errorf("%T was not delivered: %w", m, err)
}

// Logf implements analytics.Logger: what the client does is seen by its requests.
func (*delivery) Logf(string, ...any) {}

// Errorf implements analytics.Logger.
func (*delivery) Errorf(format string, args ...any) { log.Printf(format, args...) }
