package unify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/functions/unify"
	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/strategy"
)

type strategyFunc func() (*strategy.Strategy, error)

func (f strategyFunc) Current(context.Context) (*strategy.Strategy, error) { return f() }

func published() (*strategy.Strategy, error) { return &strategy.Strategy{}, nil }

type foldFunc func([]event.Event) ([]people.Effect, error)

func (f foldFunc) Fold(_ context.Context, _ *strategy.Strategy, e []event.Event) ([]people.Effect, error) {
	return f(e)
}

type bus struct {
	mu   sync.Mutex
	ids  []string
	fail bool
}

func (b *bus) Publish(_ context.Context, effects []people.Effect) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail {
		return errors.New("the bus is down")
	}
	for _, e := range effects {
		b.ids = append(b.ids, e.ID)
	}
	return nil
}

func function(fold foldFunc, b *bus) *unify.Function {
	return unify.New(unify.Deps{People: fold, Strategy: strategyFunc(published), Outlet: b, Log: slog.New(slog.DiscardHandler)})
}

func message(t *testing.T, id string, devices ...string) events.SQSMessage {
	t.Helper()
	var list []event.Event
	for i, d := range devices {
		list = append(list, event.Event{MessageID: fmt.Sprint(id, "-", i), Type: event.Page, AnonymousID: d, ReceivedAt: time.UnixMilli(1)})
	}
	bodies, err := event.Pack(list)
	if err != nil || len(bodies) != 1 {
		t.Fatal(bodies, err)
	}
	return events.SQSMessage{MessageId: id, Body: bodies[0]}
}

// handle gives the function a batch as Lambda does.
func handle(f *unify.Function, batch events.SQSEvent) (events.SQSEventResponse, error) {
	payload, err := json.Marshal(batch)
	if err != nil {
		return events.SQSEventResponse{}, err
	}
	out, err := f.Handle(context.Background(), payload)
	response, _ := out.(events.SQSEventResponse)
	return response, err
}

func failures(r events.SQSEventResponse) []string {
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// Whichever of ten messages fail, exactly those come again.
func TestPartialFailureOfEverySubset(t *testing.T) {
	var batch events.SQSEvent
	for i := range 10 {
		batch.Records = append(batch.Records, message(t, fmt.Sprint("m", i), fmt.Sprint("device-", i)))
	}
	for subset := range 1 << 10 {
		want := []string{}
		for i := range 10 {
			if subset>>i&1 == 1 {
				want = append(want, fmt.Sprint("m", i))
			}
		}
		f := function(func(e []event.Event) ([]people.Effect, error) {
			if slices.Contains(want, e[0].MessageID[:2]) {
				return nil, errors.New("no")
			}
			return nil, nil
		}, &bus{})
		r, err := handle(f, batch)
		if got := failures(r); err != nil || !slices.Equal(got, want) {
			t.Fatalf("failed %v, want %v, %v", got, want, err)
		}
	}
}

// A person whose events came in several messages fails all of those.
func TestFailureReachesEveryMessageOfThePerson(t *testing.T) {
	batch := events.SQSEvent{Records: []events.SQSMessage{
		message(t, "m1", "shared", "other"), message(t, "m2", "third"), message(t, "m3", "shared"),
	}}
	var sizes []int
	var mu sync.Mutex
	f := function(func(e []event.Event) ([]people.Effect, error) {
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(e))
		if e[0].AnonymousID == "shared" {
			return nil, errors.New("no")
		}
		return nil, nil
	}, &bus{})
	r, _ := handle(f, batch)
	if got := failures(r); !slices.Equal(got, []string{"m1", "m3"}) {
		t.Errorf("failed %v", got)
	}
	if slices.Sort(sizes); !slices.Equal(sizes, []int{1, 1, 2}) {
		t.Errorf("commits of %v events: one person's events must go in one", sizes)
	}
}

func TestUnreadableMessageFailsAlone(t *testing.T) {
	batch := events.SQSEvent{Records: []events.SQSMessage{message(t, "m1", "a"), {MessageId: "m2", Body: "{"}, message(t, "m3", "b")}}
	r, err := handle(function(func([]event.Event) ([]people.Effect, error) { return nil, nil }, &bus{}), batch)
	if got := failures(r); err != nil || !slices.Equal(got, []string{"m2"}) {
		t.Errorf("failed %v, %v", got, err)
	}
}

// A message is not acknowledged before its effects are out, and effects of what
// was committed go out even when the rest fails.
func TestEffectsBeforeAcknowledgement(t *testing.T) {
	batch := events.SQSEvent{Records: []events.SQSMessage{message(t, "m1", "a")}}
	one := []people.Effect{{ID: "x"}}
	down := &bus{fail: true}
	r, _ := handle(function(func([]event.Event) ([]people.Effect, error) { return one, nil }, down), batch)
	if got := failures(r); !slices.Equal(got, []string{"m1"}) {
		t.Errorf("acknowledged although the effects are not out: %v", got)
	}
	up := &bus{}
	r, _ = handle(function(func([]event.Event) ([]people.Effect, error) { return one, errors.New("half") }, up), batch)
	if got := failures(r); !slices.Equal(got, []string{"m1"}) || !slices.Equal(up.ids, []string{"x"}) {
		t.Errorf("failed %v, published %v", got, up.ids)
	}
}

func TestWithoutStrategyTheWholeBatchComesAgain(t *testing.T) {
	f := unify.New(unify.Deps{
		Strategy: strategyFunc(func() (*strategy.Strategy, error) { return nil, errors.New("none") }),
		Log:      slog.New(slog.DiscardHandler),
	})
	if _, err := handle(f, events.SQSEvent{Records: []events.SQSMessage{message(t, "m1", "a")}}); err == nil {
		t.Error("the batch was acknowledged")
	}
}
