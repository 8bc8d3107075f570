package smoke_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/infra/engines"
	"rapport/shared/fault"
)

// roads are SQS, EventBridge and SES on this machine: they take what is sent and
// keep it.
type roads struct {
	url string

	mu     sync.Mutex
	queued map[string][]string // bodies, by queue URL
	events []busEvent
}

type busEvent struct{ EventBusName, Source, DetailType, Detail string }

func openRoads(t *testing.T) *roads {
	t.Helper()
	r := &roads{queued: map[string][]string{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *roads) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.URL.Path == "/v2/email/outbound-emails" {
		r.mail(w, req)
		return
	}
	switch req.Header.Get("X-Amz-Target") {
	case "AmazonSQS.SendMessageBatch":
		r.send(w, req)
	case "AWSEvents.PutEvents":
		r.put(w, req)
	default:
		http.Error(w, `{"__type":"UnknownOperationException"}`, http.StatusBadRequest)
	}
}

func (r *roads) send(w http.ResponseWriter, req *http.Request) {
	var in struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []struct{ ID, MessageBody string }
	}
	_ = json.NewDecoder(req.Body).Decode(&in)
	stored := []map[string]string{}
	for _, e := range in.Entries {
		r.queued[in.QueueURL] = append(r.queued[in.QueueURL], e.MessageBody)
		sum := md5.Sum([]byte(e.MessageBody))
		stored = append(stored, map[string]string{"Id": e.ID, "MessageId": e.ID, "MD5OfMessageBody": hex.EncodeToString(sum[:])})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"Successful": stored})
}

func (r *roads) put(w http.ResponseWriter, req *http.Request) {
	var in struct{ Entries []busEvent }
	_ = json.NewDecoder(req.Body).Decode(&in)
	results := []map[string]string{}
	for range in.Entries {
		results = append(results, map[string]string{"EventId": "e"})
	}
	r.events = append(r.events, in.Entries...)
	_ = json.NewEncoder(w).Encode(map[string]any{"FailedEntryCount": 0, "Entries": results})
}

// People to whom SES takes no mail: never, and not now.
const refused, busy = "refused", "busy"

// tagged finds the message that a sample is about.
var tagged = regexp.MustCompile(`n6ncct79rvfrrkmhb8hrom5u3o_[0-9a-v]{26}`)

func (r *roads) mail(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Destination struct{ ToAddresses []string }
	}
	_ = json.NewDecoder(req.Body).Decode(&in)
	switch to := strings.Join(in.Destination.ToAddresses, ","); {
	case strings.HasPrefix(to, refused):
		http.Error(w, `{"message":"no"}`, http.StatusBadRequest)
	case strings.HasPrefix(to, busy):
		http.Error(w, `{"message":"later"}`, http.StatusTooManyRequests)
	default:
		_ = json.NewEncoder(w).Encode(map[string]string{"MessageId": "0100"})
	}
}

// published are the events on the bus so far.
func (r *roads) published() []busEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]busEvent(nil), r.events...)
}

// sent are the bodies in a queue so far.
func (r *roads) sent(queueURL string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.queued[queueURL]...)
}

// openDynamo starts a DynamoDB engine with the table "people", or a stand-in
// where none is installed, and returns its URL and whether it is an engine.
func openDynamo(t *testing.T) (endpoint string, real bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	engine, err := engines.Start(ctx, root, "dynoxide")
	if fault.KindOf(err) == fault.NotFound {
		t.Logf("a stand-in without conditions takes the place of DynamoDB: %v", err)
		server := httptest.NewServer(&shelf{items: map[string]json.RawMessage{}})
		t.Cleanup(server.Close)
		return server.URL, false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	schema, err := engines.ReadSchema(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Create(ctx, engine.Endpoint, values["TABLE_NAME"]); err != nil {
		t.Fatal(err)
	}
	return engine.Endpoint, true
}

// shelf stands in for DynamoDB: it keeps whole items by key and looks at no
// condition, which is enough to see functions start and answer.
type shelf struct {
	mu    sync.Mutex
	items map[string]json.RawMessage
}

type itemKey struct {
	PK struct{ S string } `json:"pk"`
	SK struct{ S string } `json:"sk"`
}

func (k itemKey) String() string { return k.PK.S + "\x00" + k.SK.S }

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct {
		Key           itemKey
		Item          json.RawMessage
		RequestItems  map[string]struct{ Keys []itemKey }
		TransactItems []struct {
			Put    *struct{ Item json.RawMessage }
			Delete *struct{ Key itemKey }
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	out := map[string]any{}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch operation {
	case "GetItem":
		if item := s.items[in.Key.String()]; item != nil {
			out["Item"] = item
		}
	case "BatchGetItem":
		found := map[string][]json.RawMessage{}
		for table, want := range in.RequestItems {
			for _, key := range want.Keys {
				if item := s.items[key.String()]; item != nil {
					found[table] = append(found[table], item)
				}
			}
		}
		out["Responses"], out["UnprocessedKeys"] = found, map[string]any{}
	case "PutItem":
		s.put(in.Item)
	case "DeleteItem":
		delete(s.items, in.Key.String())
	case "TransactWriteItems":
		for _, write := range in.TransactItems {
			if write.Put != nil {
				s.put(write.Put.Item)
			}
			if write.Delete != nil {
				delete(s.items, write.Delete.Key.String())
			}
		}
	case "Query", "Scan":
		out["Items"], out["Count"], out["ScannedCount"] = []any{}, 0, 0
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

func (s *shelf) put(item json.RawMessage) {
	var key itemKey
	if json.Unmarshal(item, &key) == nil {
		s.items[key.String()] = item
	}
}
