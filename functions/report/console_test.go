package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"rapport/shared/insight"
)

func open(h http.Handler, method, path, key string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	if key != "" {
		r.SetBasicAuth(key, "")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A browser is asked to sign in until it gives the secret key, and never told
// that another site may read.
func TestSignIn(t *testing.T) {
	h := serve(t)
	for name, c := range map[string]struct {
		method, path, key string
		status            int
		asked             bool
	}{
		"no key":            {"GET", "/console/", "", 401, true},
		"unknown key":       {"GET", "/console/", "x", 401, true},
		"write key":         {"GET", "/console/", "demo-write", 401, true},
		"secret key":        {"GET", "/console/", "demo-secret", 200, false},
		"head":              {"HEAD", "/console/", "demo-secret", 200, false},
		"key in the URL":    {"GET", "/console/?k=demo-secret", "", 400, false},
		"no such page":      {"GET", "/console/x", "demo-secret", 404, false},
		"without the slash": {"GET", "/console", "demo-secret", 308, false},
		"signed out there":  {"GET", "/console/x", "", 401, true},
		"writing":           {"POST", "/console/", "demo-secret", 405, false},
		"too many days":     {"GET", "/console/?days=1000", "demo-secret", 422, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(h, c.method, c.path, c.key)
			asked := strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ")
			if w.Code != c.status || asked != c.asked {
				t.Errorf("%d, asked %v: %s", w.Code, asked, w.Body)
			}
			if w.Code != 200 && strings.Contains(w.Body.String(), "<svg") {
				t.Error("shows numbers")
			}
			for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} {
				if w.Header().Get(name) != "" {
					t.Errorf("%s is set", name)
				}
			}
			if w.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'; ") {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

// The page runs nothing and loads nothing, and its style is the one that the
// policy names.
func TestPolicyFitsThePage(t *testing.T) {
	w := open(serve(t), "GET", "/console/", "demo-secret")
	body := w.Body.String()
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(body)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
		t.Errorf("the policy does not name %s", want)
	}
	for _, bad := range []string{"<script", "style=", " src=", "http:", "https:", "javascript:", " onclick"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if name := os.Getenv("CONSOLE_PAGE"); name != "" { // to look at it
		if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConsoleDraws(t *testing.T) {
	h := over(t, paths{[]insight.Path{
		{Journey: "cart <b>", Planned: 12345, Sent: 6000, Opened: 3000, Clicked: 30, Goal: 24, Skipped: []insight.Reason{{Reason: "goal", N: 6345}}},
		{Journey: "odd", Disagrees: []string{"sent is 2, yet 1 is planned"}},
	}})
	body := open(h, "GET", "/console/?days=30", "demo-secret").Body.String()
	for _, want := range []string{
		"cart &lt;b&gt;", "12\u202f345", `<rect class="fill" width="1000"`, `<rect class="fill" width="486"`, "<dt>goal</dt><dd>6\u202f345</dd>",
		"50.0 % of sent", "0.19 % of planned", "sent is 2, yet 1 is planned", `<a href="?days=30" aria-current="page">30 days</a>`,
		"2026-10-26 to 2026-11-24", "The strategy has no slots yet.",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
}

// Nobody has to know what a chart of nothing means.
func TestConsoleOfNothing(t *testing.T) {
	body := open(over(t, paths{[]insight.Path{}}), "GET", "/console/", "demo-secret").Body.String()
	for _, want := range []string{"The strategy has no journeys yet.", "The strategy has no slots yet."} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}
