package cloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/infra/cloud"
	"rapport/shared/people"
	"rapport/shared/person"
)

// written keeps what several goroutines log.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// cartReport is what the report says of the sample's journey.
func (s *stage) cartReport() string {
	s.t.Helper()
	return s.must(http.MethodGet, "/v1/reports/journeys", "demo-secret", "")
}

// A basket was left, and the customer is erased a minute before the mail about it
// falls due: there is no mail, and nothing is left of the customer.
func TestErasedBeforeTheMailFallsDue(t *testing.T) {
	const address, name, visitor = "canary-7f3a@example.com", "Canary Castafiore", "canary-9c1b2d3e4f506172"
	var log written
	s := shop(t, func(c *cloud.Config) {
		c.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s.must(http.MethodPost, "/v1/identify", "demo-secret",
		`{"messageId":"in-u1","userId":"u1","anonymousId":"`+visitor+`","traits":{"email":"`+address+`","name":"`+name+`"}}`)
	s.does("u1", "add-1", "Product Added", assam)
	s.pass(59 * time.Minute)
	if export := s.must(http.MethodGet, "/v1/people/userId:u1/export", "demo-secret", ""); !strings.Contains(export, address) || !strings.Contains(export, "Morning Assam") {
		t.Fatalf("the export says %s", export)
	}
	if status, body := s.call(http.MethodDelete, "/v1/people/userId:u1", "demo-write", ""); status != http.StatusForbidden {
		t.Errorf("erasing with a write key: %d %s", status, body)
	}
	var receipt struct {
		Erased                         bool
		Nodes, Events, Timers, Letters int
	}
	if err := json.Unmarshal([]byte(s.must(http.MethodDelete, "/v1/people/anonymousId:"+visitor, "demo-secret", "")), &receipt); err != nil {
		t.Fatal(err)
	}
	if !receipt.Erased || receipt.Nodes != 3 || receipt.Events != 2 || receipt.Timers != 1 {
		t.Errorf("receipt %+v", receipt)
	}
	s.pass(48 * time.Hour)
	// A device that was off line for two days, and an import, tell of the customer again.
	s.must(http.MethodPost, "/v1/page", "demo-write", `{"messageId":"late","anonymousId":"`+visitor+`","name":"Home"}`)
	s.must(http.MethodPost, "/v1/import", "demo-secret",
		`{"batch":[{"type":"identify","messageId":"old","userId":"u1","timestamp":"2025-01-01T00:00:00Z","traits":{"email":"`+address+`"}}]}`)
	s.pass(2 * time.Hour)
	if got := s.outbox(); len(got) != 0 {
		t.Errorf("%d mails after the erasure", len(got))
	}
	for _, path := range []string{"/v1/people/userId:u1", "/v1/people/anonymousId:" + visitor + "/timeline", "/v1/people/userId:u1/export"} {
		if status, body := s.call(http.MethodGet, path, "demo-secret", ""); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if got := s.cartReport(); !strings.Contains(got, `"planned":0`) {
		t.Errorf("the report says %s", got)
	}
	s.alive()
	s.nowhere(log.String(), address, name, visitor)
}

// nowhere fails when the log or anything in the data file holds one of the texts.
func (s *stage) nowhere(log string, canaries ...string) {
	s.t.Helper()
	s.settle()
	for _, canary := range canaries {
		if strings.Contains(log, canary) {
			s.t.Errorf("%s is in the log", canary)
		}
	}
	err := s.EachItem(func(bucket, key, value string) {
		for _, canary := range canaries {
			if strings.Contains(key+value, canary) {
				s.t.Errorf("%s is in %s: %q %s", canary, bucket, key, value)
			}
		}
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// before lets something happen ahead of the first invocation of a function.
func before(c *cloud.Config, function string, happens func(cloud.Env)) {
	c.Functions = cloud.Functions()
	build := c.Functions[function]
	var once sync.Once
	c.Functions[function] = func(env cloud.Env) (lambda.Handler, error) {
		handler, err := build(env)
		return invoked(func(ctx context.Context, payload []byte) ([]byte, error) {
			once.Do(func() { happens(env) })
			return handler.Invoke(ctx, payload)
		}), err
	}
}

type invoked func(context.Context, []byte) ([]byte, error)

func (f invoked) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

// The mail was due, its message waits, and the customer is erased: send skips
// it, says why, and the report balances.
func TestErasedWhileTheMessageWaits(t *testing.T) {
	s := shop(t, func(c *cloud.Config) {
		before(c, "SendFunction", func(env cloud.Env) {
			owners := 0
			store := people.NewStore(env.Table, env.Now, func() string { owners++; return fmt.Sprint("test-", owners) })
			if _, err := store.Erase(context.Background(), person.NodeID{Kind: person.UserID, Value: "u1"}, nil); err != nil {
				t.Error(err)
			}
		})
	})
	s.customer("canary-7f3a@example.com")
	s.does("u1", "add-1", "Product Added", assam)
	s.pass(2 * time.Hour)
	if got := s.outbox(); len(got) != 0 {
		t.Errorf("%d mails after the erasure", len(got))
	}
	if got := s.cartReport(); !strings.Contains(got, `"planned":1,"sent":0`) || !strings.Contains(got, `"erased"`) || !strings.Contains(got, `"pending":0`) {
		t.Errorf("the report says %s", got)
	}
	s.alive()
	s.nowhere("", "canary-7f3a@example.com", "Morning Assam")
}

// Events that were never unified are taken out of the queues and the dead
// letters; those of somebody else in the same message stay.
func TestErasureReachesTheDeadLetters(t *testing.T) {
	var broken atomic.Bool
	s := shop(t, func(c *cloud.Config) {
		c.Functions = cloud.Functions()
		build := c.Functions["UnifyFunction"]
		c.Functions["UnifyFunction"] = func(env cloud.Env) (lambda.Handler, error) {
			handler, err := build(env)
			return invoked(func(ctx context.Context, payload []byte) ([]byte, error) {
				if broken.Load() {
					return nil, errors.New("unify is broken")
				}
				return handler.Invoke(ctx, payload)
			}), err
		}
	})
	s.customer("customer@example.com")
	s.settle()
	both := func(id string) {
		s.must(http.MethodPost, "/v1/batch", "demo-secret", `{"batch":[
			{"type":"identify","messageId":"`+id+`-1","userId":"u1","traits":{"name":"Canary `+id+`"}},
			{"type":"identify","messageId":"`+id+`-2","userId":"u2","traits":{"name":"Somebody `+id+`"}}]}`)
	}
	broken.Store(true)
	both("dead")
	s.pass(2 * time.Hour)
	if got := s.queue("IngestQueue"); len(got.Dead) != 1 {
		t.Fatalf("dead letters %+v", got.Dead)
	}
	both("waiting")
	s.settle() // it failed once, and waits
	answer := s.must(http.MethodDelete, "/v1/people/userId:u1", "demo-secret", "")
	if !strings.Contains(answer, `"letters":2`) {
		t.Errorf("the receipt says %s", answer)
	}
	if got := s.queue("IngestQueue"); len(got.Dead) != 1 || !strings.Contains(got.Dead[0].Body, "Somebody dead") {
		t.Errorf("dead letters of somebody else: %+v", got.Dead)
	}
	s.nowhere("", "Canary")
	broken.Store(false)
	s.pass(time.Hour)
	if got := s.must(http.MethodGet, "/v1/people/userId:u2", "demo-secret", ""); !strings.Contains(got, "Somebody waiting") {
		t.Errorf("what waited for somebody else: %s", got)
	}
}
