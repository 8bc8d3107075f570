package unify_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"rapport/functions/unify"
	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/strategy"
)

// queue keeps what is sent, or fails.
type queue struct {
	messages []string
	err      error
}

func (q *queue) Send(_ context.Context, messages ...string) error {
	if q.err == nil {
		q.messages = append(q.messages, messages...)
	}
	return q.err
}

// reasons lists the codes that events were parked with.
func (q *queue) reasons(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, m := range q.messages {
		var letter struct {
			Reason struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(m), &letter); err != nil || letter.Reason.Message == "" {
			t.Fatalf("%v: %s", err, m)
		}
		out = append(out, letter.Reason.Code)
	}
	return out
}

// bridge is an event of EventBridge with another source, account or detail.
func bridge(source, account, detail string) string {
	return `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"Parcel Delivered","source":"` + source +
		`","account":"` + account + `","time":"2026-11-24T11:59:00Z","region":"eu-central-1","resources":[],"detail":` + detail + `}`
}

// listening is a function that remembers what it folds and parks.
func listening(s *strategy.Strategy, err error) (*unify.Function, *[]event.Event, *queue) {
	var folded []event.Event
	letters := &queue{err: err}
	return unify.New(unify.Deps{
		People:   foldFunc(func(list []event.Event) ([]people.Effect, error) { folded = append(folded, list...); return nil, nil }),
		Strategy: strategyFunc(func() (*strategy.Strategy, error) { return s, nil }),
		Outlet:   &bus{}, Parked: letters, Account: "123456789012", Log: slog.New(slog.DiscardHandler),
	}), &folded, letters
}

func queued(bodies ...string) events.SQSEvent {
	var batch events.SQSEvent
	for i, body := range bodies {
		batch.Records = append(batch.Records, events.SQSMessage{
			MessageId: string(rune('a' + i)), Body: body, Attributes: map[string]string{"SentTimestamp": "1795521600000"},
		})
	}
	return batch
}

const detail = `{"user_id":"u1","order":{"no":7}}`

// TestOneFactOnce: EventBridge delivers again, under the same id.
func TestOneFactOnce(t *testing.T) {
	f, folded, _ := listening(&strategy.Strategy{}, nil)
	body := bridge("com.example.courier", "123456789012", detail)
	for range 2 {
		if r, err := handle(f, queued(body)); err != nil || len(r.BatchItemFailures) > 0 {
			t.Fatal(r, err)
		}
	}
	if len(*folded) != 2 || (*folded)[0].MessageID != (*folded)[1].MessageID || (*folded)[0].Digest != (*folded)[1].Digest {
		t.Fatalf("%+v", *folded)
	}
	e := (*folded)[0]
	if e.Name != "Parcel Delivered" || e.UserID != "u1" || !e.Trusted || e.Imported || e.ReceivedAt.UnixMilli() != 1795521600000 || e.Timestamp.Format("15:04") != "11:59" || string(e.Properties) != `{"order":{"no":7}}` {
		t.Errorf("%+v", e)
	}
}

// TestParked: what no repetition could mend is acknowledged and lies in the dead
// letters with its reason. Row 96 is what comes from elsewhere than it should,
// row 98 what answers itself.
func TestParked(t *testing.T) {
	cases := map[string]string{
		"no_user_anon_id": bridge("com.example.courier", "123456789012", `{"order":7}`),
		"wrong_source":    bridge("rapport", "123456789012", detail),
		"wrong_account":   bridge("com.example.courier", "999999999999", detail),
		"event_loop":      bridge("com.example.courier", "123456789012", `{"user_id":"u1","hops":6}`),
		"bad_envelope":    bridge("com.example.courier", "123456789012", `7`),
		"event_too_large": bridge("com.example.courier", "123456789012", `{"user_id":"u1","x":"`+string(slices.Repeat([]byte("x"), 40<<10))+`"}`),
		"bad_timestamp":   bridge("com.example.courier", "123456789012", `{"user_id":"u1","timestamp":"soon"}`),
	}
	for code, body := range cases {
		t.Run(code, func(t *testing.T) {
			f, folded, letters := listening(&strategy.Strategy{}, nil)
			good := bridge("com.example.courier", "123456789012", detail)
			r, err := handle(f, queued(body, good))
			if got := letters.reasons(t); err != nil || len(r.BatchItemFailures) > 0 || !slices.Equal(got, []string{code}) || len(*folded) != 1 {
				t.Errorf("%v %v: parked %v, folded %v", r, err, got, *folded)
			}
		})
	}
}

// TestParkedComesBack: a message of the dead letters is judged anew by the
// strategy of the day.
func TestParkedComesBack(t *testing.T) {
	first, _, letters := listening(&strategy.Strategy{}, nil)
	if _, err := handle(first, queued(bridge("com.example.courier", "123456789012", `{"parcel":"p","order":7}`))); err != nil || len(letters.messages) != 1 {
		t.Fatal(err, letters.messages)
	}
	mended := &strategy.Strategy{Document: strategy.Document{Sources: []event.Source{
		{ID: "courier", From: "com.example.*", External: map[string]string{"order": "order"}},
	}}}
	f, folded, again := listening(mended, nil)
	if _, err := handle(f, queued(letters.messages...)); err != nil || len(again.messages) > 0 || len(*folded) != 1 || (*folded)[0].ExternalIDs[0] != "order:7" {
		t.Errorf("%v %v %+v", err, again.messages, *folded)
	}
}

// TestNotParkedComesAgain: nothing is acknowledged before it lies safe.
func TestNotParkedComesAgain(t *testing.T) {
	f, _, _ := listening(&strategy.Strategy{}, errors.New("the queue is down"))
	r, err := handle(f, queued(bridge("rapport", "123456789012", detail), bridge("com.example.x", "123456789012", detail)))
	if got := failures(r); err != nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("failed %v, %v", got, err)
	}
}

func TestDirectInvocation(t *testing.T) {
	f, folded, _ := listening(&strategy.Strategy{}, nil)
	for payload, fine := range map[string]bool{bridge("com.example.x", "123456789012", detail): true, `{}`: false, `[`: false} {
		if _, err := f.Handle(context.Background(), json.RawMessage(payload)); (err == nil) != fine {
			t.Errorf("%s: %v", payload, err)
		}
	}
	if len(*folded) != 1 || (*folded)[0].ReceivedAt.Minute() != 59 {
		t.Errorf("%+v", *folded)
	}
}
