package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

type wanted struct {
	AnonymousID string          `json:"anonymousId"`
	Slots       []string        `json:"slots"`
	Limit       int             `json:"limit"`
	Amount      json.Number     `json:"amount"`
	Context     map[string]any  `json:"context"`
	Extra       json.RawMessage `json:"extra"`
}

func post(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/decide", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestDecode(t *testing.T) {
	var got wanted
	err := httpapi.Decode(post(`{"anonymousId":"a","slots":["hero"],"limit":3,"amount":9007199254740993,
		"context":{"n":9007199254740993,"in":[1.50]},"extra":{"x":1}}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := wanted{
		AnonymousID: "a", Slots: []string{"hero"}, Limit: 3, Amount: "9007199254740993",
		Context: map[string]any{"n": json.Number("9007199254740993"), "in": []any{json.Number("1.50")}},
		Extra:   json.RawMessage(`{"x":1}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, r := range map[string]*http.Request{
		"empty body":     post(""),
		"row 36 beacon":  post("{}", "Content-Type", "text/plain;charset=UTF-8"),
		"json with more": post("{}", "Content-Type", "application/cloudevents+json; charset=utf-8"),
		"gzip":           post(pack("{}"), "Content-Encoding", "gzip"),
	} {
		if err := httpapi.Decode(r, &wanted{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func pack(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func TestDecodeRefuses(t *testing.T) {
	cases := []struct {
		name   string
		r      *http.Request
		status int
		code   string
		field  string
	}{
		{"row 31 over 256 KB", post(`{"anonymousId":"` + strings.Repeat("a", 256<<10) + `"}`), 413, "body_too_large", ""},
		{"row 34 gzip bomb", post(pack(strings.Repeat(" ", 4<<20))), 413, "body_too_large", ""},
		{"row 35 unknown encoding", post("{}", "Content-Encoding", "br"), 415, "unsupported_media_type", "Content-Encoding"},
		{"row 36 content type", post("{}", "Content-Type", "application/xml"), 415, "unsupported_media_type", "Content-Type"},
		{"truncated gzip", post(pack("{}")[:12]), 400, "bad_body", ""},
		{"row 38 truncated", post(`{"limit":`), 400, "bad_json", "limit"},
		{"row 39 trailing", post(`{} {}`), 400, "bad_json", ""},
		{"row 40 duplicate", post(`{"limit":1,"limit":2}`), 400, "duplicate_or_unknown_field", "limit"},
		{"row 40 folded", post(`{"LIMIT":1}`), 400, "duplicate_or_unknown_field", "LIMIT"},
		{"row 40 long s", post(`{"ſlots":[]}`), 400, "duplicate_or_unknown_field", "ſlots"},
		{"row 40 unknown", post(`{"limits":1}`), 400, "duplicate_or_unknown_field", "limits"},
		{"row 41 invalid UTF-8", post("{\"anonymousId\":\"\xff\"}"), 400, "invalid_utf8", "anonymousId"},
		{"row 42 depth", post(`{"extra":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`), 400, "too_deep", "extra" + strings.Repeat("[0]", 18) + "[0…"},
		{"row 43 keys", post(`{"extra":{` + strings.TrimSuffix(keys(15_000), ",") + `}}`), 413, "too_many_names", "extra"},
		{"row 45 range", post(`{"limit":1e400}`), 422, "number_out_of_range", "limit"},
		{"wrong type", post(`{"slots":["a",1]}`), 422, "bad_value", "slots.1"},
		{"number as text", post(`{"amount":"1"}`), 422, "bad_value", "amount"},
		{"fraction for a count", post(`{"limit":1.5}`), 422, "bad_value", "limit"},
		{"not an object", post(`[]`), 400, "not_an_object", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := httpapi.Decode(c.r, &wanted{})
			if err == nil {
				t.Fatal("accepted")
			}
			got := httpapi.Describe(err)
			if s := httpapi.Status(err); s != c.status || got.Code != c.code || got.Field != c.field {
				t.Errorf("got %d %s in %q, want %d %s in %q", s, got.Code, got.Field, c.status, c.code, c.field)
			}
		})
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`"` + strconv.Itoa(i) + `":1,`)
	}
	return b.String()
}

func TestError(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)

	for kind, status := range map[fault.Kind]int{
		fault.Malformed: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409,
		fault.TooLarge: 413, fault.Invalid: 422, fault.Limited: 429, fault.Unavailable: 503,
	} {
		w := httptest.NewRecorder()
		httpapi.Error(w, errors.Join(fault.New(kind, "some_code", "do this").In(strings.Repeat("f", 100)).Because(errors.New("hidden"))))
		want := `{"error":{"code":"some_code","message":"do this","field":"` + strings.Repeat("f", 61) + "…\"}}\n"
		if w.Code != status || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%v: %d %s", kind, w.Code, w.Body)
		}
		if (w.Header().Get("Retry-After") == "1") != (status == 503 || status == 429) {
			t.Errorf("%v: Retry-After %q", kind, w.Header().Get("Retry-After"))
		}
	}
	t.Run("internal", func(t *testing.T) {
		log.Reset()
		w := httptest.NewRecorder()
		httpapi.Error(w, errors.New("table users is gone"))
		var answer struct {
			Error httpapi.Problem `json:"error"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if w.Code != 500 || strings.Contains(w.Body.String(), "users") || answer.Error.RequestID == "" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if !strings.Contains(log.String(), "table users is gone") || !strings.Contains(log.String(), answer.Error.RequestID) {
			t.Errorf("log: %s", log.String())
		}
	})
	t.Run("an answer that is no JSON", func(t *testing.T) {
		w := httptest.NewRecorder()
		if httpapi.Encode(w, 200, func() {}); w.Code != 500 {
			t.Error(w.Code)
		}
	})
}

func TestRetryAfterIsInWholeSeconds(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", 59 * time.Second: "59", time.Minute - 1: "60", time.Minute: "60",
	} {
		w := httptest.NewRecorder()
		httpapi.Error(w, fmt.Errorf("wrapped: %w", fault.New(fault.Limited, "some_code", "wait").After(wait)))
		if got := w.Header().Get("Retry-After"); got != want || w.Code != http.StatusTooManyRequests {
			t.Errorf("%v: %d, Retry-After %q, want %q", wait, w.Code, got, want)
		}
	}
}

func TestSource(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:4711": "192.0.2.7/32", "[::ffff:192.0.2.7]:1": "192.0.2.7/32", "127.0.0.1:0": "127.0.0.1/32",
		"[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64",
		"": "invalid Prefix", "192.0.2.7": "invalid Prefix", ":0": "invalid Prefix", "shop.example.com:1": "invalid Prefix",
	} {
		r := post("", "X-Forwarded-For", "203.0.113.9")
		r.RemoteAddr = address
		if got := httpapi.Source(r).String(); got != want {
			t.Errorf("%q is %s, want %s", address, got, want)
		}
	}
}

func TestCaller(t *testing.T) {
	live, err := access.NewKeys([]string{"write"}, []string{"secret"})
	if err != nil {
		t.Fatal(err)
	}
	basic := func(user string) string {
		r := post("")
		r.SetBasicAuth(user, "")
		return r.Header.Get("Authorization")
	}
	cases := []struct {
		name, url, inBody string
		headers           []string
		kind              access.Kind
		code              string
	}{
		{name: "basic", headers: []string{"Authorization", basic("write")}, kind: access.Write},
		{name: "basic secret", headers: []string{"Authorization", basic("secret")}, kind: access.Secret},
		{name: "bearer", headers: []string{"Authorization", "bearer secret"}, kind: access.Secret},
		{name: "jitsu", headers: []string{"X-Write-Key", "write:s"}, kind: access.Write},
		{name: "jitsu in the browser", headers: []string{"X-Write-Key", "write"}, inBody: "***", kind: access.Write},
		{name: "OFREP", headers: []string{"X-API-Key", "write"}, kind: access.Write},
		{name: "path", url: "/k/write/v1/t", kind: access.Write},
		{name: "body", inBody: "write", kind: access.Write},
		{name: "query", url: "/v1/t?writeKey=write", kind: access.Write},
		{name: "masked body is ignored", url: "/v1/t?writeKey=write", inBody: "write:***", kind: access.Write},
		{name: "the first wins", headers: []string{"Authorization", basic("x")}, inBody: "write", code: "unknown_key"},
		{name: "row 1 no key", code: "no_key"},
		{name: "row 2 unknown key", inBody: "other", code: "unknown_key"},
		{name: "row 4 secret key in the query", url: "/v1/t?writeKey=secret", code: "key_in_url"},
		{name: "row 4 whatever the parameter", url: "/v1/t?token=secret", headers: []string{"X-API-Key", "write"}, code: "key_in_url"},
		{name: "row 4 secret key in the path", url: "/k/secret/v1/t", code: "key_in_url"},
		{name: "row 5 secret key in a browser", headers: []string{"Authorization", "Bearer secret", "Origin", "https://x.test"}, code: "secret_key_in_browser"},
		{name: "write key in a browser", headers: []string{"Authorization", "Bearer write", "Origin", "https://x.test"}, kind: access.Write},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.url == "" {
				c.url = "/v1/t"
			}
			r := httptest.NewRequest(http.MethodPost, c.url, nil)
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}
			var kind access.Kind
			var err error
			mux := http.NewServeMux()
			record := func(_ http.ResponseWriter, r *http.Request) { kind, err = httpapi.CallerWith(r, live, c.inBody) }
			mux.HandleFunc("/k/{writeKey}/v1/t", record)
			mux.HandleFunc("/v1/t", record)
			mux.ServeHTTP(httptest.NewRecorder(), r)
			if kind != c.kind || (err == nil) != (c.code == "") || err != nil && httpapi.Describe(err).Code != c.code {
				t.Errorf("got %v, %v", kind, err)
			}
		})
	}
}

// Whoever watches the log learns that a secret key is out, and not the key.
func TestExposedKeysAreLogged(t *testing.T) {
	live, err := access.NewKeys(nil, []string{"top-secret"})
	if err != nil {
		t.Fatal(err)
	}
	before := slog.Default()
	defer slog.SetDefault(before)
	inURL := httptest.NewRequest(http.MethodPost, "/v1/t?writeKey=top-secret", nil)
	inBrowser := post("", "X-API-Key", "top-secret", "Origin", "https://x.test")
	for name, r := range map[string]*http.Request{"row 4 in the URL": inURL, "row 5 in a browser": inBrowser} {
		var log bytes.Buffer
		slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
		if _, err := httpapi.Caller(r, live); err == nil {
			t.Errorf("%s: taken", name)
		}
		if line := log.String(); !strings.Contains(line, `"WARN"`) || !strings.Contains(line, "replace it") || strings.Contains(line, "top-secret") {
			t.Errorf("%s: logs %q", name, line)
		}
	}
}

func TestRequire(t *testing.T) {
	live, err := access.NewKeys([]string{"write"}, []string{"secret"})
	if err != nil {
		t.Fatal(err)
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	guards := map[string]http.Handler{"any": httpapi.RequireKey(live, ok), "secret": httpapi.RequireSecret(live, ok)}
	for _, c := range []struct {
		name, guard, key string
		status           int
	}{
		{"write key", "any", "write", 204},
		{"secret key", "any", "secret", 204},
		{"row 1 no key", "any", "", 401},
		{"secret key on a secret route", "secret", "secret", 204},
		{"row 3 write key on a secret route", "secret", "write", 403},
		{"row 2 unknown key on a secret route", "secret", "other", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := post("", "X-API-Key", c.key)
			w := httptest.NewRecorder()
			guards[c.guard].ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("got %d, want %d", w.Code, c.status)
			}
		})
	}
}
