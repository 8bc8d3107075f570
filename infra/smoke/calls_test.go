package smoke_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"rapport/infra/policy"
	"rapport/infra/publish"
	"rapport/infra/smoke"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// stage is an account in which every function runs at once, and all that each
// asks of AWS is kept.
type stage struct {
	world
	strategy  *strategy.Strategy
	functions map[string]*smoke.Function
	seen      map[string][]*smoke.Recorder
}

func openStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{world: open(t), functions: map[string]*smoke.Function{}, seen: map[string][]*smoke.Recorder{}}
	if !s.real {
		t.Skip("a stand-in for DynamoDB refuses no condition: install Dynoxide by make tools")
	}
	s.publishLarge(t)
	names, variables := functions(t)
	engine, err := url.Parse(s.Dynamo)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		behind := smoke.Endpoints{
			Dynamo: s.record(t, name, httputil.NewSingleHostReverseProxy(engine)),
			Roads:  s.record(t, name, reluctant{t, s.roads}),
		}
		f, err := smoke.Start(t.Context(), bootstrap(t, name, runtime.GOARCH), behind.Environment(variables[name])...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Stop)
		s.functions[name] = f
	}
	return s
}

func (s *stage) record(t *testing.T, function string, next http.Handler) string {
	t.Helper()
	recorder := smoke.NewRecorder(next)
	server := httptest.NewServer(recorder)
	t.Cleanup(server.Close)
	s.seen[function] = append(s.seen[function], recorder)
	return server.URL
}

// publishLarge publishes the sample strategy with so long a text that it takes
// two items, which are read in one batch.
func (s *stage) publishLarge(t *testing.T) {
	t.Helper()
	doc, _ := publish.Load(filepath.Join(root, "infra", "strategy"))
	doc.Audiences[0].Description = strings.Repeat("long ", 70_000)
	if err := strategy.Publish(t.Context(), s.table(), doc, time.Now()); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.strategy, err = strategy.NewReader(s.table(), time.Now).Current(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// table is the account's table, reached past the recorders.
func (s *stage) table() table.Table {
	var env boot.Env
	return dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), tableName, time.Now)
}

// invoke hands a function an event. What the function makes of it is another
// test's business.
func (s *stage) invoke(t *testing.T, function string, event []byte) string {
	t.Helper()
	out, err := s.functions[function].Invoke(t.Context(), event)
	if err != nil && !strings.Contains(err.Error(), "the function failed") {
		t.Fatalf("%s: %v", function, err)
	}
	return string(out)
}

// batch hands a function messages as SQS would.
func (s *stage) batch(t *testing.T, function string, bodies ...string) {
	t.Helper()
	records := []map[string]string{}
	for i, body := range bodies {
		records = append(records, map[string]string{"messageId": fmt.Sprint("m", i), "body": body, "eventSource": "aws:sqs"})
	}
	event, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	if out := s.invoke(t, function, event); !strings.Contains(out, `"batchItemFailures":[]`) {
		t.Errorf("%s: answer %s; its log:\n%s", function, out, s.functions[function].Log())
	}
}

// request hands a function what a server posts.
func (s *stage) request(t *testing.T, function, route, body string) {
	t.Helper()
	s.ask(t, function, http.MethodPost, route, body)
}

// ask hands a function an HTTP request of a server.
func (s *stage) ask(t *testing.T, function, method, route, body string) {
	t.Helper()
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": route, "body": body, "headers": map[string]string{"authorization": "Bearer demo-secret", "content-type": "application/json"},
		"requestContext": map[string]any{"stage": "$default", "http": map[string]string{"method": method, "path": route, "sourceIp": "192.0.2.1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := s.invoke(t, function, event); !strings.Contains(out, `"statusCode":200`) {
		t.Errorf("%s: answer %s", function, out)
	}
}

// cart is a customer who left a basket two hours ago.
const cart = `{"batch":[
	{"type":"page","name":"Home","anonymousId":"visitor-%[1]s-5f2a9c71e04b","messageId":"page-%[1]s","timestamp":"%[2]s"},
	{"type":"identify","userId":"%[1]s","messageId":"id-%[1]s","timestamp":"%[2]s","traits":{"email":"%[1]s@example.com"}},
	{"type":"identify","userId":"%[1]s","anonymousId":"visitor-%[1]s-5f2a9c71e04b","messageId":"login-%[1]s","timestamp":"%[2]s"},
	{"type":"track","userId":"%[1]s","event":"Product Added","messageId":"add-%[1]s","timestamp":"%[2]s",
	 "properties":{"cart_id":"c-%[1]s","product_id":"p1","name":"Green tea","price":4.5,"quantity":1}}]}`

// story plays the loop: carts are left, timers fall due, mails go out or are
// refused, SES reports, everything is counted.
func (s *stage) story(t *testing.T) {
	t.Helper()
	left := time.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339)
	for _, who := range []string{"ann", refused, busy} {
		s.request(t, "collect", "/v1/batch", fmt.Sprintf(cart, who, left))
	}
	s.batch(t, "unify", s.drain("IngestQueue")...)
	s.timers(t)
	messages := s.drain("MessagesQueue")
	if len(messages) != 4 {
		t.Fatalf("%d messages, want 4; advance says:\n%s", len(messages), s.functions["advance"].Log())
	}
	for _, m := range messages {
		event, _ := json.Marshal(map[string]any{"Records": []map[string]string{{"messageId": "m", "body": m}}})
		s.invoke(t, "send", event)
		s.reports(t, m)
	}
	s.batch(t, "unify", s.drain("IngestQueue")...)
	s.batch(t, "tally", s.drain("TalliesQueue")...)
	s.request(t, "decide", "/v1/decide", `{"userId":"ann","slots":["hero"]}`)
	s.hurry(t)
	s.part(t)
	s.sleep(t)
	s.leave(t, left)
}

// hurry brings a visitor's timer forward: seven days until no longer new, then an
// hour until the basket is asked about.
func (s *stage) hurry(t *testing.T) {
	t.Helper()
	for _, e := range []string{
		`"type":"page","name":"Home"`,
		`"type":"track","event":"Product Added","properties":{"cart_id":"c1","product_id":"p1","name":"Green tea","price":4.5,"quantity":1}`,
	} {
		s.request(t, "collect", "/v1/batch", `{"batch":[{"anonymousId":"visitor-dan-5f2a9c71e04b",`+e+`}]}`)
		s.batch(t, "unify", s.drain("IngestQueue")...)
	}
}

// part takes a device from a customer, who was to be written to by now, and gives
// it back.
func (s *stage) part(t *testing.T) {
	t.Helper()
	const device = "visitor-gus-5f2a9c71e04b"
	then := time.Now().UTC().Add(-2 * time.Hour)
	s.happened(t, then, event.Event{Type: event.Page, Name: "Home", AnonymousID: device})
	s.happened(t, then, event.Event{Type: event.Identify, UserID: "gus", AnonymousID: device, Traits: json.RawMessage(`{"email":"gus@example.com"}`)})
	basket := json.RawMessage(`{"cart_id":"c1","product_id":"p1","name":"Green tea","price":4.5,"quantity":1}`)
	s.happened(t, then, event.Event{Type: event.Track, Name: "Product Added", UserID: "gus", Properties: basket})
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		s.ask(t, "report", method, "/v1/people/anonymousId:"+device+"/split", "")
	}
	s.ask(t, "report", http.MethodGet, "/v1/audiences/vip/people", "")
}

// sleep asks for a mail in quiet hours that the customer chose, with a timer armed
// for later, and erases the customer while the mail waits.
func (s *stage) sleep(t *testing.T) {
	t.Helper()
	now := time.Now().UTC()
	ida := person.NodeID{Kind: person.UserID, Value: "ida"}
	s.happened(t, now.Add(-2*time.Hour), event.Event{Type: event.Identify, UserID: ida.Value, Traits: json.RawMessage(`{"email":"ida@example.com"}`)})
	for _, ago := range []time.Duration{90 * time.Minute, 45 * time.Minute} {
		basket := json.RawMessage(`{"cart_id":"` + ago.String() + `","product_id":"p1","name":"Green tea","price":4.5,"quantity":1}`)
		s.happened(t, now.Add(-ago), event.Event{Type: event.Track, Name: "Product Added", UserID: ida.Value, Properties: basket})
	}
	store := people.NewStore(s.table(), time.Now, boot.NewID)
	night := fmt.Sprintf(`{"from":%q,"to":%q,"zone":"Etc/UTC"}`, now.Add(-time.Hour).Format("15:04"), now.Add(5*time.Minute).Format("15:04"))
	chosen := map[string]person.Trait{person.Quiet: {Value: json.RawMessage(night), At: now, By: "choice"}}
	p, err := store.Say(t.Context(), s.strategy, ida, people.Statement{Preferences: chosen})
	if err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(people.Timer{Node: p.Root, Due: p.Due, Minute: p.Due.Truncate(time.Minute)})
	s.batch(t, "advance", string(body))
	s.batch(t, "send", s.drain("MessagesQueue")...)
	s.ask(t, "forget", http.MethodDelete, "/v1/people/userId:ida", "")
	s.batch(t, "tally", s.drain("TalliesQueue")...)
}

// leave erases a customer with mails, events and a timer; what comes late is
// refused, until one of the identities is let in again.
func (s *stage) leave(t *testing.T, late string) {
	t.Helper()
	s.ask(t, "forget", http.MethodGet, "/v1/people/userId:ann/export", "")
	s.ask(t, "forget", http.MethodDelete, "/v1/people/userId:ann", "")
	s.request(t, "collect", "/v1/batch", fmt.Sprintf(cart, "ann", late))
	s.batch(t, "unify", s.drain("IngestQueue")...)
	s.request(t, "collect", "/v1/identify", `{"userId":"eve","anonymousId":"visitor-ann-5f2a9c71e04b"}`)
	s.batch(t, "unify", s.drain("IngestQueue")...)
	s.ask(t, "forget", http.MethodPost, "/v1/people/userId:ann/reopen", "")
}

// timers fires what waited for advance alone: a visitor of nine days ago is no
// longer new, and ben left a basket an hour and a half ago and another one later. One
// more timer, of nobody, has fallen due by advance's own clock.
func (s *stage) timers(t *testing.T) {
	t.Helper()
	now := time.Now().UTC()
	visitor := person.NodeID{Kind: person.AnonymousID, Value: "visitor-nine-5f2a9c71e04b"}
	ben := person.NodeID{Kind: person.UserID, Value: "ben"}
	s.happened(t, now.Add(-9*24*time.Hour), event.Event{Type: event.Page, Name: "Home", AnonymousID: visitor.Value})
	s.happened(t, now.Add(-2*time.Hour), event.Event{Type: event.Identify, UserID: ben.Value, Traits: json.RawMessage(`{"email":"ben@example.com"}`)})
	for _, ago := range []time.Duration{90 * time.Minute, 45 * time.Minute} {
		basket := json.RawMessage(`{"cart_id":"` + ago.String() + `","product_id":"p1","name":"Green tea","price":4.5,"quantity":1}`)
		s.happened(t, now.Add(-ago), event.Event{Type: event.Track, Name: "Product Added", UserID: ben.Value, Properties: basket})
	}
	for _, who := range []person.NodeID{visitor, ben} {
		p, err := people.NewStore(s.table(), time.Now, boot.NewID).Find(t.Context(), who)
		if err != nil || p == nil {
			t.Fatalf("%s is %v, %v", who, p, err)
		}
		body, _ := json.Marshal(people.Timer{Node: p.Root, Due: p.Due, Minute: p.Due.Truncate(time.Minute)})
		s.batch(t, "advance", string(body))
	}
	key := table.TimerKey(now.Truncate(time.Minute), 0, "n6ncct79rvfrrkmhb8hrom5u3o", now.Add(-time.Minute))
	if err := s.table().Commit(t.Context(), boot.NewID(), table.Add(key, map[string]int64{"armed": 1}, now.Add(time.Hour), table.Condition{})); err != nil {
		t.Fatal(err)
	}
	s.invoke(t, "advance", []byte(`{}`))
	s.batch(t, "advance", s.drain("AdvanceQueue")...)
}

// happened folds an event when it happened, so that what follows from it later
// is still to come.
func (s *stage) happened(t *testing.T, when time.Time, e event.Event) {
	t.Helper()
	then := people.NewStore(s.table(), func() time.Time { return when }, boot.NewID)
	e.MessageID, e.Timestamp, e.ReceivedAt, e.Trusted = boot.NewID(), when, when, true
	e.Digest = e.MessageID
	if _, err := then.Fold(t.Context(), s.strategy, []event.Event{e}); err != nil {
		t.Fatal(err)
	}
}

// reports hands hear all that SES may say about the message.
func (s *stage) reports(t *testing.T, body string) {
	t.Helper()
	var m struct{ ID string }
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	for _, sample := range samples(t, "hear") {
		s.invoke(t, "hear", []byte(tagged.ReplaceAllString(string(sample), m.ID)))
	}
}

// drain takes the messages out of a queue, by the queue's logical id.
func (s *stage) drain(queue string) []string {
	return s.roads.Drain("https://sqs.eu-central-1.amazonaws.com/123456789012/" + queue)
}

// People to whom SES takes no mail: never, and not now.
const refused, busy = "refused", "busy"

// reluctant is SES when it does not take every mail. It sees to it that each
// request carries the trace, which SQS hands on with the message.
type reluctant struct {
	t     *testing.T
	roads *smoke.Roads
}

// ServeHTTP implements http.Handler.
func (r reluctant) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if trace := req.Header.Get("X-Amzn-Trace-Id"); !strings.HasPrefix(trace, "Root=1-") {
		r.t.Errorf("%s carries the trace %q", req.Header.Get("X-Amz-Target"), trace)
	}
	body, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case bytes.Contains(body, []byte(`"ToAddresses":["`+refused)):
		http.Error(w, `{"message":"no"}`, http.StatusBadRequest)
	case bytes.Contains(body, []byte(`"ToAddresses":["`+busy)):
		http.Error(w, `{"message":"later"}`, http.StatusTooManyRequests)
	default:
		r.roads.ServeHTTP(w, req)
	}
}

// tagged finds the message that a sample is about.
var tagged = regexp.MustCompile(`n6ncct79rvfrrkmhb8hrom5u3o_[0-9a-v]{26}`)

func samples(t *testing.T, function string) [][]byte {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(root, "events", function, "*.json"))
	out := make([][]byte, len(names))
	for i, name := range names {
		var err error
		if out[i], err = os.ReadFile(filepath.Clean(name)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestCalls holds what each function asks of AWS against the list by which its
// role is judged, both ways (row 107). Under RAPPORT_RECORD=1 it writes the list.
func TestCalls(t *testing.T) {
	onlyWhenAsked(t)
	deployment, err := policy.Read(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	s := openStage(t)
	names, _ := functions(t)
	s.story(t)
	for _, name := range names {
		for _, sample := range samples(t, name) {
			s.invoke(t, name, sample)
		}
	}
	got, want := map[string][]string{}, map[string][]string{}
	for _, name := range names {
		id := strings.ToUpper(name[:1]) + name[1:] + "Function"
		got[id], want[id] = s.calls(name), deployment.Calls(id)
	}
	if os.Getenv("RAPPORT_RECORD") == "1" {
		write(t, got)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not what the functions do (-listed +seen); see whether they should, then write it anew with RAPPORT_RECORD=1: %s", policy.CallsFile, diff)
	}
}

// calls are what a function was seen to do. Resources are called by their
// logical ids here.
func (s *stage) calls(function string) []string {
	seen := map[string]bool{}
	for _, recorder := range s.seen[function] {
		for call := range recorder.Calls() {
			seen[call.String()] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func write(t *testing.T, calls map[string][]string) {
	t.Helper()
	text, err := yaml.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	head := "# What each function asks of AWS, as make smoke sees it. Roles allow this and nothing\n" +
		"# else. Written by: RAPPORT_SMOKE=1 RAPPORT_RECORD=1 go test -count=1 -run TestCalls ./infra/smoke\n"
	if err := os.WriteFile(filepath.Join(root, policy.CallsFile), append([]byte(head), text...), 0o600); err != nil {
		t.Fatal(err)
	}
}
