package sqs_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/aws/sqs"
	"rapport/shared/fault"
)

const queueURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/ingest"

type entry struct{ ID, MessageBody string }

type request struct {
	Target   string `json:"-"`
	Auth     string `json:"-"`
	QueueURL string `json:"QueueUrl"`
	Entries  []entry
}

// service is SQS as far as SendMessageBatch goes.
type service struct {
	mu       sync.Mutex
	requests []request
	stored   []string
	// verdict says what becomes of a message at the nth request, from 1.
	verdict func(n int, message string) string
	// status is what the nth request is answered with instead, unless 0.
	status func(n int) int
}

// The verdicts. The zero value stores.
const (
	refuse = "refuse" // lists the message as failed
	forget = "forget" // does not mention it
)

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req := request{Target: r.Header.Get("X-Amz-Target"), Auth: r.Header.Get("Authorization")}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.requests = append(s.requests, req)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if s.status != nil {
		if status := s.status(len(s.requests)); status != 0 {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"__type":"com.amazonaws.sqs#ServiceUnavailable","message":"later"}`))
			return
		}
	}
	_ = json.NewEncoder(w).Encode(s.answer(req))
}

func (s *service) answer(req request) map[string][]map[string]any {
	out := map[string][]map[string]any{}
	for _, e := range req.Entries {
		verdict := ""
		if s.verdict != nil {
			verdict = s.verdict(len(s.requests), e.MessageBody)
		}
		switch verdict {
		case refuse:
			out["Failed"] = append(out["Failed"], map[string]any{"Id": e.ID, "Code": "InternalError", "Message": "try later", "SenderFault": false})
		case forget:
		default:
			// SQS stores what it cannot hold as U+FFFD and says nothing.
			body := strings.NewReplacer("\ufffe", "\ufffd", "\uffff", "\ufffd").Replace(e.MessageBody)
			s.stored = append(s.stored, body)
			sum := md5.Sum([]byte(body))
			out["Successful"] = append(out["Successful"], map[string]any{"Id": e.ID, "MessageId": "m" + e.ID, "MD5OfMessageBody": hex.EncodeToString(sum[:])})
		}
	}
	return out
}

// open returns a queue of the service.
func open(t *testing.T, s *service) *sqs.Queue {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return sqs.New(config(server.URL), queueURL)
}

func config(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}

func messages(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = `{"n":` + strings.Repeat("1", i+1) + `}`
	}
	return out
}

func TestMessagesGoInTensAndInOrder(t *testing.T) {
	s := &service{}
	want := messages(23)
	if err := open(t, s).Send(t.Context(), want...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, s.stored); diff != "" {
		t.Error(diff)
	}
	var sizes []int
	for _, r := range s.requests {
		sizes = append(sizes, len(r.Entries))
		if r.Target != "AmazonSQS.SendMessageBatch" || r.QueueURL != queueURL {
			t.Errorf("request goes to %s of %s", r.Target, r.QueueURL)
		}
		if !strings.Contains(r.Auth, "AKIDEXAMPLE/") || !strings.Contains(r.Auth, "/eu-central-1/sqs/") {
			t.Errorf("request is signed %q", r.Auth)
		}
	}
	if diff := cmp.Diff([]int{10, 10, 3}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestNothingToSendIsNoRequest(t *testing.T) {
	s := &service{}
	if err := open(t, s).Send(t.Context()); err != nil || len(s.requests) != 0 {
		t.Errorf("%v, %d requests", err, len(s.requests))
	}
}

func TestRequestsStayWithinWhatSQSTakes(t *testing.T) {
	s := &service{}
	q := open(t, s)
	rapid.Check(t, func(t *rapid.T) {
		s.requests, s.stored = nil, nil
		sizes := rapid.SliceOfN(rapid.IntRange(1, 200_000), 0, 25).Draw(t, "sizes")
		sent := make([]string, len(sizes))
		for i, size := range sizes {
			sent[i] = strings.Repeat(string(rune('a'+i)), size)
		}
		if err := q.Send(context.Background(), sent...); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sent, s.stored) {
			t.Error("other messages are stored than were sent")
		}
		for i, r := range s.requests {
			if n := len(r.Entries); n == 0 || n > 10 || total(r) > 1<<20 {
				t.Errorf("request %d has %d messages of %d bytes", i, n, total(r))
			}
			if i > 0 && len(s.requests[i-1].Entries) < 10 && total(s.requests[i-1])+len(r.Entries[0].MessageBody) <= 1<<20 {
				t.Errorf("request %d could have taken one message more", i-1)
			}
		}
	})
}

func total(r request) int {
	n := 0
	for _, e := range r.Entries {
		n += len(e.MessageBody)
	}
	return n
}

func TestAMessageAtTheLimitIsSentAndOneOverItSendsNothing(t *testing.T) {
	s := &service{}
	q := open(t, s)
	if err := q.Send(t.Context(), "{}", strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	if len(s.requests) != 2 || len(s.stored) != 2 {
		t.Errorf("%d requests store %d messages", len(s.requests), len(s.stored))
	}
	err := q.Send(t.Context(), "{}", strings.Repeat("x", 1<<20+1))
	if fault.KindOf(err) != fault.TooLarge || len(s.requests) != 2 {
		t.Errorf("error %v after %d requests", err, len(s.requests))
	}
}

func TestWhatIsRefusedIsSentOnceMore(t *testing.T) {
	for _, verdict := range []string{refuse, forget} {
		t.Run(verdict, func(t *testing.T) {
			list := messages(5)
			s := &service{verdict: func(n int, message string) string {
				if n == 1 && (message == list[1] || message == list[3]) {
					return verdict
				}
				return ""
			}}
			if err := open(t, s).Send(t.Context(), list...); err != nil {
				t.Fatal(err)
			}
			want := []string{list[0], list[2], list[4], list[1], list[3]}
			if diff := cmp.Diff(want, s.stored); diff != "" {
				t.Error(diff)
			}
			if len(s.requests) != 2 {
				t.Errorf("%d requests", len(s.requests))
			}
		})
	}
}

func TestOneMessageRefusedTwiceIsAnError(t *testing.T) {
	for _, verdict := range []string{refuse, forget} {
		t.Run(verdict, func(t *testing.T) {
			list := messages(12)
			s := &service{verdict: func(_ int, message string) string {
				if message == list[4] {
					return verdict
				}
				return ""
			}}
			err := open(t, s).Send(t.Context(), list...)
			if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "1 of 10") {
				t.Errorf("error is %v", err)
			}
			if len(s.requests) != 2 {
				t.Errorf("%d requests, want 2: the second batch waits for the first", len(s.requests))
			}
		})
	}
}

func TestAServiceThatIsDownForAMomentIsAskedAgain(t *testing.T) {
	s := &service{status: func(n int) int {
		if n == 1 {
			return http.StatusServiceUnavailable
		}
		return 0
	}}
	if err := open(t, s).Send(t.Context(), "{}"); err != nil || len(s.stored) != 1 {
		t.Errorf("%v, stored %q", err, s.stored)
	}
}

func TestAServiceThatIsDownIsUnavailable(t *testing.T) {
	s := &service{status: func(int) int { return http.StatusServiceUnavailable }}
	if err := open(t, s).Send(t.Context(), "{}"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("error is %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, &service{}).Send(ended, "{}"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("error after the caller gave up is %v", err)
	}
}

// TestEveryJSONTextArrives sends the characters that SQS would replace.
func TestEveryJSONTextArrives(t *testing.T) {
	s := &service{}
	name := "tea \uffff and \ufffe, чай 😀 \u007f"
	sent, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, s).Send(t.Context(), string(sent)); err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(s.stored[0]), &got); err != nil || got["name"] != name {
		t.Errorf("%q arrives as %q, %v", name, got["name"], err)
	}
}
