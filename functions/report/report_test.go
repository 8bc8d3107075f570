package report_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rapport/functions/report"
	"rapport/infra/publish"
	"rapport/shared/access"
	"rapport/shared/embedded"
	"rapport/shared/event"
	"rapport/shared/journey"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

type fixed struct{ s *strategy.Strategy }

func (f fixed) Current(context.Context) (*strategy.Strategy, error) { return f.s, nil }

// serve returns the function over a table in which u1 has a short history, and
// in which blocks and journeys were counted.
func serve(t *testing.T) http.Handler {
	t.Helper()
	h, _ := serveWith(t, &heard{})
	return h
}

// serveWith is serve with a bus that hears; events that come later are folded
// by what it also returns.
func serveWith(t *testing.T, bus people.Bus) (http.Handler, func(...event.Event)) {
	t.Helper()
	doc, _ := publish.Load("../../infra/strategy")
	// What is shown of a strategy must not change with the sample's wording.
	doc.Version, doc.Journeys, doc.Personas = "0123456789ab", []journey.Journey{{ID: "cart-recovery"}}, personas
	strat, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	db, err := embedded.Open(t.TempDir()+"/rapport.db", now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	store := people.NewStore(db, now, rand.Text)
	fold := func(events ...event.Event) {
		t.Helper()
		if _, err := store.Fold(context.Background(), strat, events); err != nil {
			t.Fatal(err)
		}
	}
	fold(
		event.Event{MessageID: "m1", Type: event.Page, AnonymousID: "device-1234567890", Timestamp: noon.Add(-time.Hour), ReceivedAt: noon, Digest: "1"},
		event.Event{MessageID: "m2", Type: event.Identify, AnonymousID: "device-1234567890", UserID: "u1", Traits: json.RawMessage(`{"country":"UA"}`), Timestamp: noon, ReceivedAt: noon, Digest: "2"},
		event.Event{MessageID: "m3", Type: event.Track, Name: "Order Completed", UserID: "u1", Properties: json.RawMessage(`{"revenue":600}`), Timestamp: noon, ReceivedAt: noon, Digest: "3"},
	)
	if _, err := store.Say(context.Background(), strat, person.NodeID{Kind: person.UserID, Value: "u1"}, people.Statement{
		Preferences: map[string]person.Trait{person.Theme: {Value: json.RawMessage(`"dark"`), At: noon, By: "write key"}},
	}); err != nil {
		t.Fatal(err)
	}
	fold(event.Event{MessageID: "m4", Type: event.Page, UserID: "gone", Timestamp: noon, ReceivedAt: noon, Digest: "4"})
	if _, err := store.Erase(context.Background(), person.NodeID{Kind: person.UserID, Value: "gone"}, nil); err != nil {
		t.Fatal(err)
	}
	keys, err := access.NewKeys([]string{"demo-write"}, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	return report.New(report.Deps{
		People: store, Strategy: fixed{strat}, Results: counted(t, db, strat), Now: now, Log: slog.New(slog.DiscardHandler), Keys: keys,
		Outlet: people.Outlet{Bus: bus},
	}), fold
}

func get(h http.Handler, path, key string) (int, string) {
	return call(h, http.MethodGet, path, key, "")
}

func call(h http.Handler, method, path, key, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.SetBasicAuth(key, "")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestStatus(t *testing.T) {
	h := serve(t)
	for name, c := range map[string]struct {
		path, key string
		status    int
		has       string
	}{
		"row 1 no key":               {"/v1/people/userId:u1", "", 401, `"code"`},
		"row 2 unknown key":          {"/v1/people/userId:u1", "x", 401, `"code"`},
		"row 3 write key":            {"/v1/people/userId:u1", "demo-write", 403, `"code"`},
		"nobody":                     {"/v1/people/userId:u9", "demo-secret", 404, `"no_person"`},
		"an erased person":           {"/v1/people/userId:gone", "demo-secret", 404, `"no_person"`},
		"timeline of an erased one":  {"/v1/people/userId:gone/timeline", "demo-secret", 404, `"no_person"`},
		"not a node":                 {"/v1/people/u1", "demo-secret", 422, `"field":"node"`},
		"row 59 encoded traversal":   {"/v1/people/%2e%2e%2fadmin", "demo-secret", 404, `"no_route"`},
		"timeline of nobody":         {"/v1/people/userId:u9/timeline", "demo-secret", 404, `"no_person"`},
		"timeline with a bad limit":  {"/v1/people/userId:u1/timeline?limit=0", "demo-secret", 422, `"field":"limit"`},
		"timeline with a bad cursor": {"/v1/people/userId:u1/timeline?after=x", "demo-secret", 422, `"field":"after"`},
		"personas with a write key":  {"/v1/people/userId:u1/personas", "demo-write", 403, `"secret_key_required"`},
		"personas of nobody":         {"/v1/people/userId:u9/personas", "demo-secret", 404, `"no_person"`},
		"members with a write key":   {"/v1/audiences/vip/people", "demo-write", 403, `"secret_key_required"`},
		"members of no audience":     {"/v1/audiences/vp/people", "demo-secret", 404, `"no_audience"`},
		"members without a purpose":  {"/v1/audiences/vip/people?purpose=nws", "demo-secret", 422, `"field":"purpose"`},
		"members, misspelt":          {"/v1/audiences/vip/people?purpos=marketing", "demo-secret", 422, `"field":"purpos"`},
		"members with a bad cursor":  {"/v1/audiences/vip/people?after=x", "demo-secret", 422, `"bad_cursor"`},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := get(h, c.path, c.key)
			if status != c.status || !strings.Contains(body, c.has) {
				t.Errorf("%d %s, want %d with %s", status, body, c.status, c.has)
			}
		})
	}
}

func TestPerson(t *testing.T) {
	h := serve(t)
	_, byUser := get(h, "/v1/people/userId:u1", "demo-secret")
	_, byDevice := get(h, "/v1/people/anonymousId:device-1234567890", "demo-secret")
	const want = `"nodes":["anonymousId:device-1234567890","userId:u1"],"traits":{"country":"UA"},` +
		`"computed":{"last_order_at":"2026-11-24T12:00:00.000Z","orders":1,"orders_90d":1,"pages":1,"revenue":600},"preferred":{"tea":"herbal","theme":"dark"},"lifecycle":"first-purchase",` +
		`"audiences":["from-ukraine","vip"],"journeys":[],"consent":{},` +
		`"firstSeen":"2026-11-24T11:00:00Z","lastSeen":"2026-11-24T12:00:00Z"}`
	if !strings.HasSuffix(byUser, want) || byUser != byDevice {
		t.Errorf("person =\n%s\n%s\nwant …%s", byUser, byDevice, want)
	}
}

func TestProvenance(t *testing.T) {
	_, body := get(serve(t), "/v1/people/userId:u1?provenance=1", "demo-secret")
	for _, want := range []string{
		`"country":{"value":"UA","source":"declared","at":"2026-11-24T12:00:00Z","event":"m2"}`,
		`{"from":"anonymousId:device-1234567890","to":"userId:u1","rule":"identify","event":"m2"`,
		`{"id":"vip","since":`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
}

func TestTimelineIsNewestFirstAndPages(t *testing.T) {
	h := serve(t)
	var ids []string
	for after := ""; ; {
		_, body := get(h, "/v1/people/userId:u1/timeline?limit=2&after="+after, "demo-secret")
		var p struct {
			Events []struct{ MessageID string }
			Next   string
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Events {
			ids = append(ids, e.MessageID)
		}
		if after = p.Next; after == "" {
			break
		}
	}
	if got := strings.Join(ids, " "); got != "m2 m3 m1" {
		t.Errorf("timeline = %s", got)
	}
}
