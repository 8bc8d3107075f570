package advance_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"rapport/functions/advance"
	"rapport/infra/goldentest"
	"rapport/shared/people"
	"rapport/shared/strategy"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world plays everything around the function.
type world struct {
	due     []people.Timer
	queued  []string
	woken   []people.Timer
	bus     []people.Effect
	queueUp error
	wakeUp  error
	busUp   error
}

func (w *world) Current(context.Context) (*strategy.Strategy, error) {
	return &strategy.Strategy{}, nil
}

func (w *world) Sweep(_ context.Context, visit func([]people.Timer) error) error { return visit(w.due) }

func (w *world) Wake(_ context.Context, _ *strategy.Strategy, t people.Timer) ([]people.Effect, error) {
	w.woken = append(w.woken, t)
	return []people.Effect{{ID: t.Node + "_x", Kind: people.AudienceLeft, Audience: "new-visitor", At: noon}}, w.wakeUp
}

func (w *world) Send(_ context.Context, messages ...string) error {
	w.queued = append(w.queued, messages...)
	return w.queueUp
}

func (w *world) Publish(_ context.Context, effects []people.Effect) error {
	w.bus = append(w.bus, effects...)
	return w.busUp
}

func (w *world) function() *advance.Function {
	return advance.New(advance.Deps{Timers: w, Strategy: w, Queue: w, Outlet: w, Log: slog.New(slog.DiscardHandler)})
}

func TestSamples(t *testing.T) {
	goldentest.Samples(t, "advance", func(t *testing.T, payload []byte) any {
		w := &world{due: []people.Timer{{Node: "n6ncct79rvfrrkmhb8hrom5u3o", Due: noon, Minute: noon}}}
		answer, err := w.function().Handle(context.Background(), payload)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"answer": answer, "queued": w.queued, "woken": w.woken, "published": w.bus}
	})
}

func TestTickFailsWhenTheQueueDoes(t *testing.T) {
	w := &world{due: []people.Timer{{Node: "n"}}, queueUp: errors.New("down")}
	if _, err := w.function().Handle(context.Background(), json.RawMessage(`{}`)); err == nil {
		t.Error("the cursor would move over timers that were lost")
	}
}

func TestTimersThatFailComeAgain(t *testing.T) {
	batch := `{"Records":[{"messageId":"m1","body":"{\"node\":\"n\",\"due\":\"2026-11-24T12:00:00Z\"}"},{"messageId":"m2","body":"junk"}]}`
	for name, w := range map[string]*world{"wake": {wakeUp: errors.New("down")}, "bus": {busUp: errors.New("down")}, "neither": {}} {
		answer, err := w.function().Handle(context.Background(), json.RawMessage(batch))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := json.Marshal(answer)
		var response struct {
			BatchItemFailures []struct{ ItemIdentifier string }
		}
		if err := json.Unmarshal(raw, &response); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range response.BatchItemFailures {
			got = append(got, f.ItemIdentifier)
		}
		want := []string{"m1", "m2"}
		if name == "neither" {
			want = want[1:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is down: %v come again, want %v", name, got, want)
		}
	}
}

func TestJunkIsRefused(t *testing.T) {
	if _, err := (&world{}).function().Handle(context.Background(), json.RawMessage(`[]`)); err == nil {
		t.Error("taken")
	}
}
