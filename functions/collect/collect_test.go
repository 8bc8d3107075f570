package collect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/functions/collect"
	"rapport/infra/goldentest"
	"rapport/infra/publish"
	"rapport/shared/access"
	"rapport/shared/aws/boot"
	"rapport/shared/event"
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

func (q *queue) events(t *testing.T) []event.Event {
	t.Helper()
	var out []event.Event
	for _, m := range q.messages {
		list, err := event.Unpack(m)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, list...)
	}
	return out
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// deps are those of a site with the keys demo-write and demo-secret.
func deps(t *testing.T, q *queue) collect.Deps {
	t.Helper()
	keys, err := access.NewKeys([]string{"demo-write"}, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := access.NewProofs(access.ProofConfig{Secrets: []string{"demo-identity"}})
	if err != nil {
		t.Fatal(err)
	}
	return collect.Deps{
		Queue: q, Keys: keys, Proofs: proofs, Now: func() time.Time { return noon },
		Reserved: func(name string) bool { return name == "clv" },
		Sources:  func(context.Context) ([]event.Source, error) { return sources(t), nil },
		Log:      slog.New(slog.DiscardHandler),
	}
}

// sources are those of the sample strategy.
func sources(t *testing.T) []event.Source {
	t.Helper()
	document, problems := publish.Load("../../infra/strategy")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return document.Sources
}

// TestSamples invokes the function with each sample as AWS does, at the instant
// that the sample says, and looks into the queue too.
func TestSamples(t *testing.T) {
	goldentest.Samples(t, "collect", func(t *testing.T, payload []byte) any {
		var ev events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(payload, &ev); err != nil {
			t.Fatal(err)
		}
		q := &queue{}
		d := deps(t, q)
		d.Now = func() time.Time { return time.UnixMilli(ev.RequestContext.TimeEpoch) }
		out, err := boot.HTTP(collect.New(d)).Invoke(context.Background(), payload)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"answer": goldentest.Answer(t, out), "queued": q.events(t)}
	})
}

// send posts a body with the key and returns the answer.
func send(d collect.Deps, method, path, key, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.SetBasicAuth(key, "")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	collect.New(d).ServeHTTP(w, r)
	return w
}

func TestEveryRoute(t *testing.T) {
	calls := map[string]event.Type{
		"t": event.Track, "track": event.Track, "i": event.Identify, "identify": event.Identify, "p": event.Page, "page": event.Page,
		"s": event.Screen, "screen": event.Screen, "g": event.Group, "group": event.Group, "a": event.Alias, "alias": event.Alias,
	}
	prefixes := []string{"/v1/", "/k/demo-write/v1/", "/api/s/", "/api/s/s2s/", "/beacon/v1/"}
	for _, prefix := range prefixes {
		for call, kind := range calls {
			q := &queue{}
			w := send(deps(t, q), "POST", prefix+call, "demo-secret", `{"userId":"u1","event":"E"}`)
			if got := q.events(t); w.Code != 200 || len(got) != 1 || got[0].Type != kind {
				t.Errorf("%s%s: %d %s", prefix, call, w.Code, w.Body)
			}
		}
		for _, call := range []string{"b", "batch", "import"} {
			q := &queue{}
			w := send(deps(t, q), "POST", prefix+call, "demo-secret", `{"batch":[{"type":"page","userId":"u1"}]}`)
			if w.Code != 200 || len(q.events(t)) != 1 {
				t.Errorf("%s%s: %d %s", prefix, call, w.Code, w.Body)
			}
		}
	}
}

func TestCloudEventsAsAWhole(t *testing.T) {
	const one, many = "application/cloudevents+json", "application/cloudevents-batch+json"
	event := `{"specversion":"1.0","id":"A1","source":"com.example.erp","type":"Paid","data":{"userId":"u1"}}`
	for name, c := range map[string]struct {
		key, form, body string
		status          int
		code            string
	}{
		"fine":            {"demo-secret", one, event, 200, ""},
		"a write key":     {"demo-write", one, event, 403, "secret_key_required"},
		"no key":          {"", one, event, 401, "no_key"},
		"another form":    {"demo-secret", "application/json", event, 422, "content_type"},
		"no list":         {"demo-secret", many, event, 400, "bad_json"},
		"too many":        {"demo-secret", many, "[" + strings.Repeat("1,", 2500) + "1]", 413, "too_many_events"},
		"each for itself": {"demo-secret", many, "[" + event + ",1," + strings.Replace(event, "com.example.erp", "rapport", 1) + "]", 200, "wrong_source"},
		"not JSON":        {"demo-secret", one, "{", 200, "bad_json"},
		"binary data":     {"demo-secret", one, strings.Replace(event, `"data"`, `"data_base64"`, 1), 200, "bad_envelope"},
	} {
		w := send(deps(t, &queue{}), "POST", "/v1/events", c.key, c.body, "Content-Type", c.form)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.code) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestStatuses(t *testing.T) {
	page := `{"type":"page","userId":"u1","anonymousId":"e3e04642-ddee-4fd4-b59d-7756239d9960"}`
	long := `{"batch":[` + strings.TrimSuffix(strings.Repeat(page+",", 2501), ",") + `]}`
	cases := []struct {
		name, method, path, key, body string
		headers                       []string
		status                        int
		code                          string
	}{
		{name: "ok", body: page, key: "demo-write", status: 200},
		{name: "row 36 any content type", body: page, key: "demo-write", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 200},
		{name: "key in the path", path: "/k/demo-write/v1/p", body: page, status: 200},
		{name: "key in the body", body: page[:len(page)-1] + `,"writeKey":"demo-write"}`, status: 200},
		{name: "key in the query", path: "/beacon/v1/track?writeKey=demo-write", body: page, status: 200},
		{name: "row 1 no key", body: page, status: 401, code: "no_key"},
		{name: "row 1 no key, unreadable", body: "{", status: 401, code: "no_key"},
		{name: "row 2 unknown key", body: page, key: "x", status: 401, code: "unknown_key"},
		{name: "row 4 secret key in the URL", path: "/v1/t?writeKey=demo-secret", body: page, status: 400, code: "key_in_url"},
		{name: "row 5 secret key in a browser", body: page, key: "demo-secret", headers: []string{"Origin", "https://x.test"}, status: 403, code: "secret_key_in_browser"},
		{name: "row 8 null origin", body: page, key: "demo-write", headers: []string{"Origin", "null"}, status: 403, code: "origin_not_allowed"},
		{name: "row 32 2,501 events", path: "/v1/batch", body: long, key: "demo-write", status: 413, code: "too_many_events"},
		{name: "over 10 MB", body: `{"x":"` + strings.Repeat("x", 10<<20) + `"}`, key: "demo-write", status: 413, code: "body_too_large"},
		{name: "broken gzip", body: "\x1f\x8b\x08oops", key: "demo-write", status: 400, code: "bad_body"},
		{name: "row 38 truncated", body: `{"type":`, key: "demo-write", status: 400, code: "bad_json"},
		{name: "row 40 folded", body: `{"userId":"a","USERID":"b"}`, key: "demo-write", status: 400, code: "duplicate_or_unknown_field"},
		{name: "GET", method: "GET", key: "demo-write", status: 405, code: "method_not_allowed"},
		{name: "HEAD", method: "HEAD", key: "demo-write", status: 405, code: "method_not_allowed"},
		{name: "preflight", method: "OPTIONS", headers: []string{"Origin", "https://x.test", "Access-Control-Request-Method", "POST"}, status: 204},
		{name: "row 59 traversal", path: "/v1/x/../batch", body: page, key: "demo-write", status: 404, code: "no_route"},
		{name: "import with a write key", path: "/v1/batch?import=1", body: page, key: "demo-write", status: 403, code: "secret_key_required"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.method == "" {
				c.method = "POST"
			}
			if c.path == "" {
				c.path = "/v1/t"
			}
			q := &queue{}
			w := send(deps(t, q), c.method, c.path, c.key, c.body, c.headers...)
			if w.Code != c.status {
				t.Fatalf("got %d %s, want %d", w.Code, w.Body, c.status)
			}
			if c.code != "" && !strings.Contains(w.Body.String(), `"code":"`+c.code+`"`) {
				t.Errorf("got %s, want %s", w.Body, c.code)
			}
			if stored := len(q.messages) > 0; stored != (c.status == 200) {
				t.Errorf("stored: %v", stored)
			}
			if c.status == 405 && w.Header().Get("Allow") != "POST" {
				t.Errorf("Allow %q", w.Header().Get("Allow"))
			}
		})
	}
}

// An answer of success means stored: a queue that fails makes the client send
// again, and nothing of the request counts as accepted.
func TestQueueFailure(t *testing.T) {
	q := &queue{err: errors.New("secret detail")}
	w := send(deps(t, q), "POST", "/v1/t", "demo-secret", `{"type":"page","userId":"u1"}`)
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || strings.Contains(w.Body.String(), "detail") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	w = send(deps(t, q), "POST", "/v1/t", "demo-secret", `{"type":"page"}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"accepted":0`) {
		t.Errorf("nothing to store: %d %s", w.Code, w.Body)
	}
}

func TestProofAndImport(t *testing.T) {
	q := &queue{}
	d := deps(t, q)
	proof, err := d.Proofs.Issue("u1", 10*time.Minute, noon)
	if err != nil {
		t.Fatal(err)
	}
	send(d, "POST", "/v1/p", "demo-write", `{"userId":"u1","context":{"proof":"`+proof+`"}}`)
	send(d, "POST", "/v1/batch?import=1", "demo-secret", `{"batch":[{"type":"page","userId":"u2","timestamp":"2020-01-01T00:00:00Z"}]}`)
	got := q.events(t)
	if len(got) != 2 || got[0].UserID != "u1" || got[0].Trusted || got[0].Imported {
		t.Fatalf("%+v", got)
	}
	if e := got[1]; !e.Imported || !e.Trusted || e.Timestamp.Year() != 2020 {
		t.Errorf("%+v", e)
	}
	w := send(d, "POST", "/v1/p", "demo-write", `{"userId":"bob","context":{"proof":"`+proof+`"}}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "proof_mismatch") {
		t.Errorf("row 16: %d %s", w.Code, w.Body)
	}
	d.Now = func() time.Time { return noon.Add(time.Hour) }
	w = send(d, "POST", "/v1/p", "demo-write", `{"userId":"u1","context":{"proof":"`+proof+`"}}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "bad_proof") {
		t.Errorf("row 15: %d %s", w.Code, w.Body)
	}
}

// Nothing that a customer sent may reach the log (row 105).
func TestLogHoldsNoContent(t *testing.T) {
	var log bytes.Buffer
	d := deps(t, &queue{})
	d.Log = slog.New(slog.NewJSONHandler(&log, nil))
	send(d, "POST", "/v1/batch", "demo-secret", `{"batch":[{"type":"track","userId":"canary-user","messageId":"canary-id","traits":{"canary":1}},{"canary":"x"}]}`)
	if text := log.String(); strings.Contains(text, "canary") || !strings.Contains(text, "event_required") {
		t.Error(text)
	}
}

// A stranger's text comes back shortened, if at all.
func TestAnswerIsShort(t *testing.T) {
	long := strings.Repeat("m", 300)
	w := send(deps(t, &queue{}), "POST", "/v1/batch", "demo-secret", `{"batch":[{"messageId":"`+long+`","type":"identify","userId":"u1","traits":{"`+long+`":1}},
		{"messageId":"`+long[:99]+`","type":"identify","userId":"u1","traits":{"clv":1}}]}`)
	if strings.Contains(w.Body.String(), strings.Repeat("m", 65)) {
		t.Error(w.Body)
	}
}

// What is left out of an accepted event is said.
func TestNoted(t *testing.T) {
	w := send(deps(t, &queue{}), "POST", "/v1/i", "demo-secret", `{"userId":"u1","anonymousId":"null","traits":{"clv":1}}`)
	var got struct {
		Accepted int
		Noted    []struct{ Code, Field string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Accepted != 1 || len(got.Noted) != 2 || got.Noted[0].Code != "blocked_id" || got.Noted[1].Code != "reserved_trait" || got.Noted[1].Field != "traits" {
		t.Errorf("rows 23 and 48: %s", w.Body)
	}
}

// A browser's Global Privacy Control goes with its events; a server's request
// says nothing of whom its events are about.
func TestGlobalPrivacyControl(t *testing.T) {
	for _, c := range []struct {
		key, header string
		want        bool
	}{{"demo-write", "1", true}, {"demo-write", "0", false}, {"demo-write", "", false}, {"demo-secret", "1", false}} {
		q := &queue{}
		send(deps(t, q), "POST", "/v1/page", c.key, `{"anonymousId":"2b7e1516-28ae-4d2a-abf7-158809cf4f3c"}`, "Sec-GPC", c.header)
		if got := q.events(t); len(got) != 1 || got[0].OptOut != c.want {
			t.Errorf("%s with %q: %+v", c.key, c.header, got)
		}
	}
}
