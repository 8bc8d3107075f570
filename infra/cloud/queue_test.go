package cloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"rapport/infra/cloud"
)

// worker takes batches and fails the bodies that fail says.
type worker struct {
	mu      sync.Mutex
	batches [][]string
	fail    func(body string, receives string) bool
}

func (w *worker) handle(_ context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var bodies []string
	var out events.SQSEventResponse
	for _, m := range batch.Records {
		bodies = append(bodies, m.Body)
		if w.fail != nil && w.fail(m.Body, m.Attributes["ApproximateReceiveCount"]) {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	w.batches = append(w.batches, bodies)
	return out, nil
}

// taken returns every body in the order of delivery and forgets it.
func (w *worker) taken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := slices.Concat(w.batches...)
	w.batches = nil
	return out
}

func TestExactlyTheFailedMessagesComeAgain(t *testing.T) {
	const size = 4
	w := &worker{}
	s := play(t, t.TempDir(), workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(w.handle)})
	for subset := range 1 << size {
		w.fail = func(body, receives string) bool {
			var i int
			_, _ = fmt.Sscanf(body, "m%d", &i)
			return receives == "1" && subset&(1<<i) != 0
		}
		all := []string{"m0", "m1", "m2", "m3"}
		s.send(all...)
		s.settle()
		if diff := cmp.Diff(all, w.taken()); diff != "" {
			t.Fatalf("subset %04b, first delivery: %s", subset, diff)
		}
		var failed []string
		for i, m := range all {
			if subset&(1<<i) != 0 {
				failed = append(failed, m)
			}
		}
		if q := s.queue("Jobs"); q.Delayed != len(failed) || q.Visible+q.InFlight != 0 {
			t.Fatalf("subset %04b: %+v", subset, q)
		}
		s.pass(59 * time.Second)
		if got := w.taken(); len(got) != 0 {
			t.Fatalf("subset %04b: %v came before the visibility timeout", subset, got)
		}
		s.pass(time.Second)
		if diff := cmp.Diff(failed, w.taken()); diff != "" {
			t.Fatalf("subset %04b, second delivery: %s", subset, diff)
		}
		if q := s.queue("Jobs"); q.Delayed+q.Visible+q.InFlight != 0 {
			t.Fatalf("subset %04b: %+v is left", subset, q)
		}
	}
}

func TestPoisonEndsAsADeadLetterWhileOthersFlow(t *testing.T) {
	w := &worker{fail: func(body, _ string) bool { return body == "poison" }}
	data := t.TempDir()
	functions := map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(w.handle)}
	s := play(t, data, workshop, functions)
	s.send("a", "poison", "b")
	s.pass(10 * time.Minute)
	s.send("c")
	s.settle()
	if diff := cmp.Diff([]string{"a", "poison", "b", "poison", "poison", "c"}, w.taken()); diff != "" {
		t.Error(diff)
	}
	check := func(s *stage) {
		dead := s.queue("Jobs").Dead
		if len(dead) != 1 || dead[0].Body != "poison" || dead[0].Receives != 3 || dead[0].Reason == "" {
			t.Errorf("dead letters are %+v", dead)
		}
		if lost := s.queue("Lost"); lost.Visible != 1 {
			t.Errorf("the dead-letter queue shows %+v", lost)
		}
	}
	check(s)
	s.stop()
	check(play(t, data, workshop, functions))
}

func TestWholeBatchFails(t *testing.T) {
	for name, answer := range map[string]any{
		"error":          fmt.Errorf("no database"),
		"panic":          "panic",
		"not an object":  []int{1},
		"unknown id":     map[string]any{"batchItemFailures": []any{map[string]any{"itemIdentifier": "nobody"}}},
		"empty id":       map[string]any{"batchItemFailures": []any{map[string]any{"itemIdentifier": ""}}},
		"null id":        map[string]any{"batchItemFailures": []any{map[string]any{"itemIdentifier": nil}}},
		"misspelled key": map[string]any{"batchItemFailures": []any{map[string]any{"id": "x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, t.TempDir(), workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(
				func(context.Context, json.RawMessage) (any, error) {
					if err, ok := answer.(error); ok {
						return nil, err
					}
					if answer == "panic" {
						panic("broken")
					}
					return answer, nil
				})})
			s.send("a", "b")
			s.settle()
			if q := s.queue("Jobs"); q.Delayed != 2 {
				t.Errorf("%+v", q)
			}
		})
	}
}

func TestWholeBatchSucceeds(t *testing.T) {
	for name, answer := range map[string]any{
		"null": nil, "empty object": map[string]any{}, "empty list": map[string]any{"batchItemFailures": []any{}},
		"null list": map[string]any{"batchItemFailures": nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, t.TempDir(), workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(
				func(context.Context, json.RawMessage) (any, error) { return answer, nil })})
			s.send("a", "b")
			s.settle()
			if q := s.queue("Jobs"); q.Delayed+q.Visible+q.InFlight != 0 {
				t.Errorf("%+v", q)
			}
		})
	}
}

func TestAFunctionThatTakesTooLongFails(t *testing.T) {
	slow := strings.Replace(workshop, "Timeout: 10", "Timeout: 1", 1)
	release := make(chan struct{})
	defer close(release)
	s := play(t, t.TempDir(), slow, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(
		func(context.Context, events.SQSEvent) error { <-release; return nil })})
	s.send("a")
	s.settle()
	if q := s.queue("Jobs"); q.Delayed != 1 || q.InFlight != 0 {
		t.Errorf("%+v", q)
	}
}

func TestNothingIsLostWhenTheProcessDies(t *testing.T) {
	data := t.TempDir()
	arrived, release := make(chan struct{}), make(chan struct{})
	s := play(t, data, workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(
		func(context.Context, events.SQSEvent) error { arrived <- struct{}{}; <-release; return nil })})
	s.send("a", "b", "c", "d", "e")
	<-arrived // four are in flight, one waits
	if q := s.queue("Jobs"); q.InFlight != 4 || q.Visible != 1 {
		t.Errorf("%+v", q)
	}
	// What a crash would leave is the file as it is now.
	remains := t.TempDir()
	state, err := os.ReadFile(filepath.Join(data, "rapport.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(remains, "rapport.db"), state, 0o600); err != nil {
		t.Fatal(err)
	}
	close(release)
	go func() { <-arrived }()
	w := &worker{}
	again := play(t, remains, workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(w.handle)})
	again.settle()
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, w.taken()); diff != "" {
		t.Error(diff)
	}
}

func TestMessagesWaitForTheirDelay(t *testing.T) {
	delayed := strings.Replace(workshop, "VisibilityTimeout: 60", "VisibilityTimeout: 60\n      DelaySeconds: 90", 1)
	w := &worker{}
	s := play(t, t.TempDir(), delayed, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(w.handle)})
	s.send("a")
	s.pass(89 * time.Second)
	if got := w.taken(); len(got) != 0 {
		t.Errorf("%v came too early", got)
	}
	s.pass(time.Second)
	if got := w.taken(); len(got) != 1 {
		t.Errorf("%v came", got)
	}
}

func TestTooLargeAMessageIsRefused(t *testing.T) {
	s := play(t, t.TempDir(), workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler((&worker{}).handle)})
	r := s.ask(post("/in", strings.Repeat("x", 256<<10+1)))
	if r.StatusCode != 500 {
		t.Errorf("status is %d", r.StatusCode)
	}
	if r := s.ask(post("/in", strings.Repeat("x", 256<<10))); r.StatusCode != 202 {
		t.Errorf("status at the limit is %d", r.StatusCode)
	}
	s.settle()
}

func TestRecordsLookLikeSQS(t *testing.T) {
	var record events.SQSMessage
	s := play(t, t.TempDir(), workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(
		func(_ context.Context, batch events.SQSEvent) error { record = batch.Records[0]; return nil })})
	s.send("hello")
	s.settle()
	want := events.SQSMessage{
		MessageId: record.MessageId, ReceiptHandle: record.ReceiptHandle, Body: "hello",
		Md5OfBody: "5d41402abc4b2a76b9719d911017c592",
		Attributes: map[string]string{
			"ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": "1793534400000",
			"SentTimestamp": "1793534400000", "SenderId": "000000000000",
		},
		MessageAttributes: map[string]events.SQSMessageAttribute{},
		EventSource:       "aws:sqs", EventSourceARN: "arn:aws:sqs:local:000000000000:Jobs", AWSRegion: "local",
	}
	if diff := cmp.Diff(want, record); diff != "" || record.MessageId == "" || record.ReceiptHandle == "" {
		t.Error(diff)
	}
}
