package event_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/event"
)

var received = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func named(kind event.Type, name string) *event.Event {
	return &event.Event{Type: kind, Name: name, ReceivedAt: received}
}

func TestRetention(t *testing.T) {
	r := event.Retention{Default: 100, Visitors: 50, Events: map[string]int{"page": 90, "Order Completed": 3660, "track": 40}}
	for _, c := range []struct {
		name string
		r    event.Retention
		e    *event.Event
		days int
	}{
		{"nothing said", event.Retention{}, named(event.Page, ""), event.DefaultDays},
		{"by type", r, named(event.Page, "Home"), 90},
		{"by name", r, named(event.Track, "Order Completed"), 3660},
		{"any track event", r, named(event.Track, "Product Viewed"), 40},
		{"the rest", r, named(event.Identify, ""), 100},
		{"a page with the name of a track event", r, named(event.Page, "Order Completed"), 90},
		{"no track event is named", event.Retention{Default: 33}, named(event.Track, "Product Viewed"), 33},
	} {
		if got, want := c.r.Until(c.e), received.AddDate(0, 0, c.days); !got.Equal(want) {
			t.Errorf("%s: until %s, want %s", c.name, got, want)
		}
	}
	if got := r.Visit(received); !got.Equal(received.AddDate(0, 0, 50)) {
		t.Errorf("a visitor goes at %s", got)
	}
	if got := (event.Retention{}).Visit(received); !got.Equal(received.AddDate(0, 0, event.DefaultDays)) {
		t.Errorf("without a word a visitor goes at %s", got)
	}
}

// However often the times change: what was gone once stays gone, and nothing
// goes before all that was ever said of it allows.
func TestSucceed(t *testing.T) {
	keys := []string{"page", "track", "Order Completed", "Product Viewed"}
	samples := []*event.Event{named(event.Page, ""), named(event.Screen, ""), named(event.Track, "Order Completed"), named(event.Track, "Product Viewed"), named(event.Track, "Else")}
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(event.MinDays, 200)
		draw := func() event.Retention {
			r := event.Retention{Default: days.Draw(t, "default"), Events: map[string]int{}}
			for _, key := range rapid.SliceOfDistinct(rapid.SampledFrom(keys), rapid.ID[string]).Draw(t, "keys") {
				r.Events[key] = days.Draw(t, key)
			}
			return r
		}
		now, current := received, draw()
		gone := make([]bool, len(samples))
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			now = now.AddDate(0, 0, rapid.IntRange(0, 90).Draw(t, "days"))
			next := draw().Succeed(current, now)
			for i, e := range samples {
				was, is := current, next
				was.Lost, is.Lost = nil, nil
				gone[i] = gone[i] || !was.Until(e).After(now)
				if want := gone[i] || !is.Until(e).After(now); want != !next.Until(e).After(now) {
					t.Fatalf("%s %s: gone %v, want %v, after %+v took the place of %+v at %s", e.Type, e.Name, !want, want, next, current, now)
				}
			}
			if again := next.Succeed(next, now.AddDate(0, 0, 7)); len(again.Lost) != len(next.Lost) {
				t.Fatalf("the same again loses more: %+v, then %+v", next.Lost, again.Lost)
			}
			current = next
		}
	})
}
