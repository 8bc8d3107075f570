package forget_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rapport/functions/forget"
	"rapport/infra/goldentest"
	"rapport/infra/publish"
	"rapport/shared/access"
	"rapport/shared/aws/boot"
	"rapport/shared/embedded"
	"rapport/shared/event"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

type fixed struct{ s *strategy.Strategy }

func (f fixed) Current(context.Context) (*strategy.Strategy, error) { return f.s, nil }

const device = "device-1234567890"

// world is the function over a table in which u1 has a history, and u2 was erased.
type world struct {
	t       *testing.T
	store   *people.Store
	strat   *strategy.Strategy
	log     bytes.Buffer
	handler http.Handler
}

func open(t *testing.T) *world {
	t.Helper()
	doc, _ := publish.Load("../../infra/strategy")
	doc.Journeys[0].Version = "0123456789ab" // goldens must not change with the sample's wording
	strat, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	db, err := embedded.Open(t.TempDir()+"/rapport.db", now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	owners := 0
	w := &world{t: t, strat: strat, store: people.NewStore(db, now, func() string { owners++; return fmt.Sprint("owner-", owners) })}
	said, sentAt := noon.Add(-61*time.Minute), noon.Add(-59*time.Minute)
	w.fold(
		event.Event{MessageID: "m1", Type: event.Page, AnonymousID: device, Timestamp: noon.Add(-time.Hour), OriginalTimestamp: &said, SentAt: &sentAt, ReceivedAt: noon, Digest: "1"},
		event.Event{
			MessageID: "m2", Type: event.Identify, AnonymousID: device, UserID: "u1", Timestamp: noon, ReceivedAt: noon, Digest: "2",
			Traits: json.RawMessage(`{"country":"UA","email":"customer@example.com","name":"Olena <O>"}`),
		},
		event.Event{MessageID: "m3", Type: event.Track, Name: "Order Completed", UserID: "u1", Properties: json.RawMessage(`{"revenue":600.10}`), Timestamp: noon, ReceivedAt: noon, Digest: "3"},
		event.Event{
			MessageID: "m4", Type: event.Track, Name: "Product Added", UserID: "u1", Timestamp: noon.Add(time.Second), ReceivedAt: noon, Digest: "4",
			Properties: json.RawMessage(`{"cart_id":"c1","product_id":"assam","name":"Morning Assam"}`),
		},
		event.Event{MessageID: "m5", Type: event.Page, UserID: "u2", Timestamp: noon, ReceivedAt: noon, Digest: "5"},
	)
	user := person.NodeID{Kind: person.UserID, Value: "u1"}
	agreed := person.Consent{Given: true, At: noon, By: "link:1"}
	if err := w.store.Agree(t.Context(), strat, user, "marketing", agreed); err != nil {
		t.Fatal(err)
	}
	ledger := message.Open(&message.Message{ID: user.Hash() + "_1", Node: user.Hash(), Journey: "cart-recovery", Template: "cart-reminder", Due: noon}, message.AtMostOnce)
	if err := ledger.Claim("sender", noon, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Skip("sender", message.NoAddress, "", noon); err != nil {
		t.Fatal(err)
	}
	if err := (message.Book{Table: db, Owner: func() string { return "book" }}).Commit(t.Context(), ledger); err != nil {
		t.Fatal(err)
	}
	suppression := table.Put(table.SuppressionKey(message.AddressHash("customer@example.com")), []byte("{}"), time.Time{}, table.Absent())
	if err := db.Commit(t.Context(), "hear", suppression); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Erase(t.Context(), person.NodeID{Kind: person.UserID, Value: "u2"}, nil); err != nil {
		t.Fatal(err)
	}
	keys, err := access.NewKeys([]string{"demo-write"}, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	w.handler = forget.New(forget.Deps{
		People: w.store, Strategy: fixed{strat}, Keys: keys, Now: now, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	return w
}

func (w *world) fold(events ...event.Event) {
	w.t.Helper()
	if _, err := w.store.Fold(w.t.Context(), w.strat, events); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) call(method, path, key string) (int, string) {
	r := httptest.NewRequest(method, path, nil)
	if key != "" {
		r.SetBasicAuth(key, "")
	}
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return out.Code, strings.TrimSpace(out.Body.String())
}

// TestSamples invokes the function with each sample as AWS does.
func TestSamples(t *testing.T) {
	goldentest.Samples(t, "forget", func(t *testing.T, payload []byte) any {
		out, err := boot.HTTP(open(t).handler).Invoke(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		return goldentest.Answer(t, out)
	})
}

func TestKeys(t *testing.T) {
	w := open(t)
	for _, route := range []string{"GET /v1/people/userId:u1/export", "DELETE /v1/people/userId:u1", "POST /v1/people/userId:u2/reopen"} {
		method, path, _ := strings.Cut(route, " ")
		if status, body := w.call(method, path, "demo-write"); status != http.StatusForbidden {
			t.Errorf("rows 101 and 102: %s with a write key: %d %s", route, status, body)
		}
		if status, body := w.call(method, path, ""); status != http.StatusUnauthorized {
			t.Errorf("%s without a key: %d %s", route, status, body)
		}
	}
	if p, err := w.store.Find(t.Context(), person.NodeID{Kind: person.UserID, Value: "u1"}); err != nil || p == nil {
		t.Errorf("a write key erased somebody: %v, %v", p, err)
	}
}

// By whichever identity, all of the person goes; a second time nothing does.
func TestErase(t *testing.T) {
	w := open(t)
	want := `{"erased":true,"at":"2026-11-24T12:00:00Z","nodes":2,"events":4,"messages":1,"timers":1}`
	if status, body := w.call("DELETE", "/v1/people/anonymousId:"+device, "demo-secret"); status != http.StatusOK || body != want {
		t.Errorf("row 104: %d %s, want %s", status, body, want)
	}
	none := `{"erased":true,"at":"2026-11-24T12:00:00Z","nodes":0,"events":0,"messages":0,"timers":0}`
	for _, node := range []string{"userId:u1", "anonymousId:" + device} {
		if status, body := w.call("DELETE", "/v1/people/"+node, "demo-secret"); status != http.StatusOK || body != none {
			t.Errorf("a second time by %s: %d %s", node, status, body)
		}
		if status, body := w.call("GET", "/v1/people/"+node+"/export", "demo-secret"); status != http.StatusNotFound {
			t.Errorf("export of %s after the erasure: %d %s", node, status, body)
		}
	}
	for _, private := range []string{"u1", device, "customer@example.com", "Olena"} {
		if strings.Contains(w.log.String(), private) {
			t.Errorf("the log names %s: %s", private, w.log.String())
		}
	}
}

func TestReopen(t *testing.T) {
	w := open(t)
	if status, body := w.call("POST", "/v1/people/userId:u2/reopen", "demo-secret"); status != http.StatusOK || body != `{"reopened":true}` {
		t.Errorf("%d %s", status, body)
	}
	for _, node := range []string{"userId:u2", "userId:u1"} {
		if status, body := w.call("POST", "/v1/people/"+node+"/reopen", "demo-secret"); status != http.StatusNotFound || !strings.Contains(body, "not_erased") {
			t.Errorf("%s: %d %s", node, status, body)
		}
	}
	w.fold(event.Event{MessageID: "m9", Type: event.Page, UserID: "u2", Timestamp: noon, ReceivedAt: noon, Digest: "9"})
	if status, body := w.call("GET", "/v1/people/userId:u2/export", "demo-secret"); status != http.StatusOK || strings.Contains(body, `"m5"`) || !strings.Contains(body, `"m9"`) {
		t.Errorf("a reopened identity begins anew: %d %s", status, body)
	}
}

// Pages of an export hold everything once, and none is too large for Lambda.
func TestExportPages(t *testing.T) {
	w := open(t)
	note := strings.Repeat("x", 30_000)
	var events []event.Event
	for i := range 300 {
		e := event.Event{MessageID: fmt.Sprintf("big-%03d", i), Type: event.Track, Name: "Noted", UserID: "u1", Timestamp: noon, ReceivedAt: noon, Digest: "b"}
		if i%2 == 0 {
			e.UserID, e.AnonymousID = "", device
		}
		e.Properties = json.RawMessage(`{"note":"` + note + `"}`)
		events = append(events, e)
	}
	w.fold(events...)
	seen, pages := map[string]int{}, 0
	for next := ""; pages == 0 || next != ""; pages++ {
		status, body := w.call("GET", "/v1/people/userId:u1/export?after="+next, "demo-secret")
		if status != http.StatusOK || len(body) > 5<<20 {
			t.Fatalf("page %d: %d, %d bytes", pages, status, len(body))
		}
		var page struct {
			Person *json.RawMessage
			Events []struct{ Event event.Event }
			Next   string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		if (page.Person != nil) != (pages == 0) {
			t.Errorf("page %d: the person stands on the first page alone", pages)
		}
		for _, e := range page.Events {
			seen[e.Event.MessageID]++
		}
		next = page.Next
	}
	if len(seen) != 304 || pages < 3 {
		t.Errorf("%d events on %d pages", len(seen), pages)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s stands %d times", id, n)
		}
	}
	if status, body := w.call("GET", "/v1/people/userId:u1/export?after=junk", "demo-secret"); status != http.StatusUnprocessableEntity {
		t.Errorf("a junk cursor: %d %s", status, body)
	}
}

// slow is a store whose erasure takes longer than the function may.
type slow struct{ *people.Store }

func (slow) Erase(ctx context.Context, _ person.NodeID, _ people.Roads) (people.Receipt, error) {
	<-ctx.Done()
	return people.Receipt{}, ctx.Err()
}

func TestAnErasureThatTakesTooLongAsksForAnother(t *testing.T) {
	w := open(t)
	keys, err := access.NewKeys([]string{"demo-write"}, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	w.handler = forget.New(forget.Deps{People: slow{w.store}, Keys: keys, Now: now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Second)) // less than the margin
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodDelete, "/v1/people/userId:u1", nil)
	r.SetBasicAuth("demo-secret", "")
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	if out.Code != http.StatusServiceUnavailable || !strings.Contains(out.Body.String(), "erasure_unfinished") {
		t.Errorf("%d %s", out.Code, out.Body)
	}
}
