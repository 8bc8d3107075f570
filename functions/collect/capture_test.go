package collect_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rapport/functions/collect"
	"rapport/shared/access"
)

// recorded is one entry of a capture; the last one of a browser has no method.
type recorded struct {
	Method    string
	URL       string
	Headers   map[string]string
	Body      json.RawMessage
	GzipMagic bool `json:"gzip_magic"`
}

// TestCaptures plays what unchanged clients sent, headers and packing included.
// Whatever they were answered when they were recorded, each event is accepted
// here, each preflight granted, each question for settings answered. One capture
// was recorded with settings that give the client no key, as ours never do.
func TestCaptures(t *testing.T) {
	for client, settings := range map[string]int{"segment-node": 0, "segment-browser": 17, "segment-go": 0, "rudder-node": 0, "jitsu-node": 0} {
		t.Run(client, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("..", "..", "shared", "event", "testdata", "captures", client, "*.json"))
			if err != nil || len(files) == 0 {
				t.Fatal("no captures", err)
			}
			h, q := replayer(t, client == "segment-browser")
			asked, posted := 0, 0
			for _, file := range files {
				keyless := filepath.Base(file) == "minimal-settings.json"
				for _, r := range capture(t, file) {
					switch path := r.URL; {
					case r.Method == "POST" && keyless:
						if w := play(t, h, r); w.Code != http.StatusUnauthorized {
							t.Errorf("without a key: %d", w.Code)
						}
					case r.Method == "POST":
						posted++
						post(t, h, filepath.Base(file), r)
					case r.Method == "OPTIONS":
						grant(t, h, r)
					case strings.HasPrefix(path, "/v1/projects/"):
						asked++
						if w := play(t, h, r); w.Code != http.StatusOK {
							t.Errorf("%s %s: %d %s", file, path, w.Code, w.Body)
						}
					}
				}
			}
			if asked != settings || posted == 0 || len(q.events(t)) < posted {
				t.Errorf("%d settings, %d posts, %d events", asked, posted, len(q.events(t)))
			}
		})
	}
}

// replayer is collect with the keys of the captures in force.
func replayer(t *testing.T, browser bool) (http.Handler, *queue) {
	t.Helper()
	q := &queue{}
	d := deps(t, q)
	write, secret := []string{"WRITEKEY"}, []string{"KEY"}
	if !browser {
		write, secret = nil, []string{"WRITEKEY", "KEY"}
	}
	keys, err := access.NewKeys(write, secret)
	if err != nil {
		t.Fatal(err)
	}
	d.Keys = keys
	return collect.New(d), q
}

func capture(t *testing.T, file string) []recorded {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	var list []recorded
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(file, err)
	}
	return list
}

func play(t *testing.T, h http.Handler, r recorded) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	if r.GzipMagic {
		packed := gzip.NewWriter(&body)
		_, _ = packed.Write(r.Body)
		_ = packed.Close()
	} else {
		body.Write(r.Body)
	}
	req := httptest.NewRequest(r.Method, r.URL, &body)
	for name, v := range r.Headers {
		if !strings.EqualFold(name, "Content-Length") {
			req.Header.Set(name, v)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// post plays a delivery. Where a capture was shortened, a text stands for the
// events left out: that one alone is rejected.
func post(t *testing.T, h http.Handler, file string, r recorded) {
	t.Helper()
	w := play(t, h, r)
	var got struct {
		Accepted, Declined int
		Rejected           []struct{ Code string }
	}
	_ = json.Unmarshal(w.Body.Bytes(), &got)
	shortened := strings.Contains(string(r.Body), " more\"")
	if w.Code != http.StatusOK || len(got.Rejected) > 0 && !shortened || len(got.Rejected) > 1 {
		t.Errorf("%s %s: %d %s", file, r.URL, w.Code, w.Body)
	}
	if origin := r.Headers["Origin"]; origin != w.Header().Get("Access-Control-Allow-Origin") {
		t.Errorf("%s %s allows %q", file, r.URL, w.Header().Get("Access-Control-Allow-Origin"))
	}
}

// grant plays a preflight, which must allow every header that was asked for.
func grant(t *testing.T, h http.Handler, r recorded) {
	t.Helper()
	w := play(t, h, r)
	allowed := strings.Split(w.Header().Get("Access-Control-Allow-Headers"), ", ")
	for asked := range strings.SplitSeq(r.Headers["Access-Control-Request-Headers"], ",") {
		if !slices.Contains(allowed, asked) {
			t.Errorf("%s: %s is not allowed", r.URL, asked)
		}
	}
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Max-Age") != "7200" || w.Header().Get("Access-Control-Allow-Methods") != "GET,POST,OPTIONS" {
		t.Errorf("%s: %d %v", r.URL, w.Code, w.Header())
	}
}
