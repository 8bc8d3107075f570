package eventbridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/google/go-cmp/cmp"

	"rapport/shared/aws/eventbridge"
	"rapport/shared/fault"
	"rapport/shared/people"
)

type entry struct{ EventBusName, Source, DetailType, Detail string }

type request struct {
	Target  string `json:"-"`
	Entries []entry
}

// service is EventBridge as far as PutEvents goes.
type service struct {
	mu       sync.Mutex
	requests []request
	out      []entry
	// refuses reports whether the nth request, from 1, refuses the entry.
	refuses func(n int, e entry) bool
	// broken is how many requests fail before one is served.
	broken int
	// short leaves the last results out of the answer.
	short int
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req := request{Target: r.Header.Get("X-Amz-Target")}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.requests = append(s.requests, req)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if s.broken > 0 {
		s.broken--
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"__type":"InternalException","message":"later"}`))
		return
	}
	results, failed := []map[string]string{}, 0
	for i, e := range req.Entries {
		switch {
		case s.refuses != nil && s.refuses(len(s.requests), e):
			failed++
			results = append(results, map[string]string{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"})
		default:
			s.out = append(s.out, e)
			results = append(results, map[string]string{"EventId": fmt.Sprintf("e%d", i)})
		}
	}
	results = results[:len(results)-min(s.short, len(results))]
	_ = json.NewEncoder(w).Encode(map[string]any{"FailedEntryCount": failed, "Entries": results})
}

// open returns a bus of the service.
func open(t *testing.T, s *service) *eventbridge.Bus {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return eventbridge.New(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}, "rapport-bus")
}

func effects(n int) []people.Effect {
	out := make([]people.Effect, n)
	for i := range out {
		out[i] = people.Effect{
			ID: fmt.Sprintf("node_%d", i), Kind: people.AudienceEntered, Node: "userId:u1", Audience: "regulars",
			Cause: "order-1", At: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		}
	}
	out[0].Kind = people.AudienceLeft
	return out
}

func ids(t *testing.T, entries []entry) []string {
	t.Helper()
	var out []string
	for _, e := range entries {
		var effect people.Effect
		if err := json.Unmarshal([]byte(e.Detail), &effect); err != nil {
			t.Fatal(err)
		}
		out = append(out, effect.ID)
	}
	return out
}

func TestEffectsGoInTensUnderOurName(t *testing.T) {
	s := &service{}
	if err := open(t, s).Publish(t.Context(), effects(23)); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, r := range s.requests {
		sizes = append(sizes, len(r.Entries))
		if r.Target != "AWSEvents.PutEvents" {
			t.Errorf("request is %s", r.Target)
		}
	}
	if diff := cmp.Diff([]int{10, 10, 3}, sizes); diff != "" {
		t.Error(diff)
	}
	if got := ids(t, s.out); len(got) != 23 || got[0] != "node_0" || got[22] != "node_22" {
		t.Errorf("out are %q", got)
	}
	want := entry{
		EventBusName: "rapport-bus", Source: "rapport", DetailType: "Audience Left",
		Detail: `{"id":"node_0","kind":"Audience Left","node":"userId:u1","audience":"regulars","cause":"order-1","at":"2026-11-24T12:00:00Z"}`,
	}
	if diff := cmp.Diff(want, s.out[0]); diff != "" {
		t.Error(diff)
	}
}

func TestNothingToPublishIsNoRequest(t *testing.T) {
	s := &service{}
	if err := open(t, s).Publish(t.Context(), nil); err != nil || len(s.requests) != 0 {
		t.Errorf("%v, %d requests", err, len(s.requests))
	}
}

func TestWhatIsRefusedIsPutOnceMore(t *testing.T) {
	s := &service{refuses: func(n int, e entry) bool {
		return n == 1 && (strings.Contains(e.Detail, `"node_1"`) || strings.Contains(e.Detail, `"node_3"`))
	}}
	if err := open(t, s).Publish(t.Context(), effects(5)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"node_0", "node_2", "node_4", "node_1", "node_3"}, ids(t, s.out)); diff != "" {
		t.Error(diff)
	}
	if len(s.requests) != 2 {
		t.Errorf("%d requests", len(s.requests))
	}
}

func TestOneEffectRefusedTwiceIsAnError(t *testing.T) {
	s := &service{refuses: func(_ int, e entry) bool { return strings.Contains(e.Detail, `"node_4"`) }}
	err := open(t, s).Publish(t.Context(), effects(12))
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "1 of 10 events (ThrottlingException: slow down)") {
		t.Errorf("error is %v", err)
	}
	if len(s.requests) != 2 {
		t.Errorf("%d requests, want 2: the second batch waits for the first", len(s.requests))
	}
}

func TestAnEffectWithoutResultIsNotOut(t *testing.T) {
	s := &service{short: 1}
	if err := open(t, s).Publish(t.Context(), effects(3)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("error is %v", err)
	}
}

func TestABusThatIsDownForAMomentIsAskedAgain(t *testing.T) {
	s := &service{broken: 2}
	if err := open(t, s).Publish(t.Context(), effects(1)); err != nil || len(s.out) != 1 {
		t.Errorf("%v, %d out", err, len(s.out))
	}
}

func TestABusThatIsDownIsUnavailable(t *testing.T) {
	s := &service{broken: 1000}
	if err := open(t, s).Publish(t.Context(), effects(1)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("error is %v", err)
	}
}
