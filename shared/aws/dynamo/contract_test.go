package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"rapport/infra/engines"
	"rapport/shared/aws/dynamo"
	"rapport/shared/table"
	"rapport/shared/table/tabletest"
)

const root = "../../.."

// engine is where the contract runs.
type engine struct {
	endpoint string
	schema   *engines.Schema
	serial   bool              // one request at a time
	misses   map[string]string // parts of the contract that it cannot keep, and why
}

// mistaken lists what engines do differently from DynamoDB.
var mistaken = map[string]map[string]string{
	"moto": {"usage": "moto invents what a call consumed: 1 for a put of any size, nothing for a transaction"},
}

// eachEngine runs a test on every engine that the environment names.
func eachEngine(t *testing.T, test func(t *testing.T, e engine)) {
	schema, err := engines.ReadSchema(root)
	if err != nil {
		t.Fatal(err)
	}
	names, endpoint := strings.Fields(os.Getenv("DYNAMODB_ENGINES")), os.Getenv("DYNAMODB_ENDPOINT")
	if len(names) == 0 && endpoint == "" {
		t.Skip("no engine to run on: set DYNAMODB_ENGINES to names out of infra/engines, or DYNAMODB_ENDPOINT to an address")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			e, err := engines.Start(t.Context(), root, name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, engine{endpoint: e.Endpoint, schema: schema, serial: name == "moto", misses: mistaken[name]})
		})
	}
	if endpoint != "" {
		t.Run("endpoint", func(t *testing.T) { test(t, engine{endpoint: endpoint, schema: schema}) })
	}
}

// lastTable makes the names of tables differ.
var lastTable atomic.Int64

// open makes a table on the engine. What goes there goes by way of wrap.
func (e engine) open(t *testing.T, clock func() time.Time, wrap func(http.RoundTripper) http.RoundTripper) *dynamo.Table {
	t.Helper()
	if why, ok := e.misses[path.Base(t.Name())]; ok {
		t.Skip(why)
	}
	name := fmt.Sprintf("contract-%d-%d", os.Getpid(), lastTable.Add(1))
	if err := e.schema.Create(t.Context(), e.endpoint, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engines.Drop(context.WithoutCancel(t.Context()), e.endpoint, name); err != nil {
			t.Error(err)
		}
	})
	var transport http.RoundTripper = &http.Transport{MaxIdleConnsPerHost: 100}
	if e.serial {
		transport = &serial{next: transport}
	}
	cfg := config()
	cfg.HTTPClient = &http.Client{Transport: wrap(transport)}
	return dynamo.New(dynamo.NewClient(cfg, e.endpoint), name, clock, dynamo.WithSleep(noSleep))
}

// config is that of a client which no one checks.
func config() aws.Config {
	return aws.Config{
		Region: engines.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	}
}

func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func asItIs(next http.RoundTripper) http.RoundTripper { return next }

func TestContract(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		tabletest.Run(t, func(t *testing.T, clock func() time.Time) table.Table { return e.open(t, clock, asItIs) })
	})
}

// The contract holds even when the first two replies to each write are lost.
func TestContractWithLostReplies(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.serial {
			t.Skip("this engine ignores the token that makes a transaction apply once")
		}
		tabletest.Run(t, func(t *testing.T, clock func() time.Time) table.Table {
			if path.Base(t.Name()) == "one_counter_for_many" {
				t.Skip("a bare add that others follow at once is not protected, as table.Table says")
			}
			return e.open(t, clock, func(next http.RoundTripper) http.RoundTripper { return &lossy{next: next, sent: map[string]int{}} })
		})
	})
}

// decoded returns what a body says, nil when it is no JSON.
func decoded(body []byte) any {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	return v
}

// serial lets one request through at a time.
type serial struct {
	mu   sync.Mutex
	next http.RoundTripper
}

func (s *serial) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	response, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(strings.NewReader(string(body)))
	return response, err
}

var errReplyLost = errors.New("the reply was lost")

// lossy loses the replies to the first two of every three times that a write
// is sent. The writes themselves are applied.
type lossy struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent map[string]int // by what was sent
}

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	if operation := r.Header.Get("X-Amz-Target"); !strings.HasSuffix(operation, "teItem") && !strings.HasSuffix(operation, "PutItem") && !strings.HasSuffix(operation, "WriteItems") {
		return l.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	response, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	same, err := json.Marshal(decoded(body)) // the SDK writes maps in any order
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent[string(same)]++; l.sent[string(same)]%3 == 0 {
		return response, nil
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return nil, errReplyLost
}
