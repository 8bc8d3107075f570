package collect_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"rapport/functions/collect"
)

func TestSettings(t *testing.T) {
	const segment, plain, rudder = "/v1/projects/demo-write/settings", "/k/demo-write/v1/projects/demo-write/settings", "/sourceConfig/"
	cases := []struct {
		name, method, path, key, origin string
		status                          int
		code, keep                      string // of a refusal; of an answer
	}{
		{name: "Segment", path: segment, status: 200, keep: "public, max-age=300"},
		{name: "Segment without preflights", path: plain, status: 200, keep: "public, max-age=300"},
		{name: "RudderStack", path: rudder, key: "demo-write", status: 200, keep: "private, max-age=300"},
		{name: "RudderStack, key in the query", path: rudder + "?p=npm&writeKey=demo-write", status: 200, keep: "private, max-age=300"},
		{name: "from a page", path: segment, origin: "https://x.test", status: 200, keep: "public, max-age=300"},
		{name: "HEAD", method: "HEAD", path: segment, status: 200, keep: "public, max-age=300"},
		{name: "no key", path: rudder, status: 401, code: "no_key"},
		{name: "unknown key", path: "/v1/projects/old-key/settings", status: 401, code: "unknown_key"},
		{name: "unknown key, without preflights", path: "/k/old-key/v1/projects/demo-write/settings", status: 401, code: "unknown_key"},
		{name: "another key than the path's", path: "/k/demo-write/v1/projects/old-key/settings", status: 404, code: "no_project"},
		{name: "row 4 secret key in the URL", path: "/v1/projects/demo-secret/settings", status: 400, code: "key_in_url"},
		{name: "row 4 secret key in the query", path: rudder + "?writeKey=demo-secret", status: 400, code: "key_in_url"},
		{name: "a secret key is never repeated", path: segment, key: "demo-secret", status: 403, code: "write_key_required"},
		{name: "a secret key is never repeated to RudderStack", path: rudder, key: "demo-secret", status: 403, code: "write_key_required"},
		{name: "row 5 secret key in a browser", path: rudder, key: "demo-secret", origin: "https://x.test", status: 403, code: "secret_key_in_browser"},
		{name: "POST", method: "POST", path: segment, status: 405, code: "method_not_allowed"},
		{name: "below the config", path: "/sourceConfig/x", key: "demo-write", status: 404, code: "no_route"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.method == "" {
				c.method = "GET"
			}
			var headers []string
			if c.origin != "" {
				headers = []string{"Origin", c.origin}
			}
			w := send(deps(t, &queue{}), c.method, c.path, c.key, "", headers...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.code) {
				t.Fatalf("got %d %s, want %d %s", w.Code, w.Body, c.status, c.code)
			}
			keep := c.keep
			if keep == "" {
				keep = "no-store"
			}
			if got := w.Header().Get("Cache-Control"); got != keep || strings.Contains(w.Body.String(), "demo-secret") {
				t.Errorf("Cache-Control %q: %s", got, w.Body)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != c.origin {
				t.Errorf("allows %q", got)
			}
		})
	}
}

// The SDK is sent to the address that it called, and to no other that somebody
// claims.
func TestSettingsAddress(t *testing.T) {
	cases := []struct{ name, path, proto, host, protocol, key string }{
		{name: "on AWS", path: "/v1/projects/demo-write/settings", proto: "https", host: "events.example.com/v1", protocol: "https", key: "demo-write"},
		{name: "on a laptop", path: "/v1/projects/demo-write/settings", proto: "http", host: "events.example.com/v1", protocol: "http", key: "demo-write"},
		{name: "nothing said", path: "/v1/projects/demo-write/settings", host: "events.example.com/v1", protocol: "https", key: "demo-write"},
		{name: "nonsense said", path: "/v1/projects/demo-write/settings", proto: "javascript", host: "events.example.com/v1", protocol: "https", key: "demo-write"},
		{name: "without preflights", path: "/k/demo-write/v1/projects/demo-write/settings", proto: "http", host: "events.example.com/k/demo-write/v1", protocol: "http"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", c.path, nil)
			r.Host = "events.example.com"
			r.Header.Set("X-Forwarded-Host", "evil.example.org")
			r.Header.Set("Forwarded", "host=evil.example.org;proto=http")
			if c.proto != "" {
				r.Header.Set("X-Forwarded-Proto", c.proto)
			}
			w := httptest.NewRecorder()
			collect.New(deps(t, &queue{})).ServeHTTP(w, r)
			var got struct {
				Integrations map[string]struct{ APIHost, APIKey, Protocol string }
				Metrics      struct{ SampleRate *int }
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err, w.Body)
			}
			if to := got.Integrations["Segment.io"]; to.APIHost != c.host || to.Protocol != c.protocol || to.APIKey != c.key {
				t.Errorf("sends to %+v", to)
			}
			if len(got.Integrations) != 1 || got.Metrics.SampleRate == nil || *got.Metrics.SampleRate != 0 {
				t.Errorf("calls others: %s", w.Body)
			}
		})
	}
}
