package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"rapport/shared/httpapi"
)

func TestCORS(t *testing.T) {
	inner := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	const asked = "authorization,x-retry-count"
	listed := []string{"https://good.example"}
	cases := []struct {
		name, method, origin string
		origins              []string
		wants, headers       string // of a preflight
		status               int
		admitted, granted    bool
	}{
		{name: "no origin", method: "POST", status: 418},
		{name: "any origin when none is listed", method: "POST", origin: "https://x.test", status: 418, admitted: true},
		{name: "listed", method: "POST", origin: "https://good.example", origins: listed, status: 418, admitted: true},
		{name: "row 7 not listed, write", method: "POST", origin: "https://x.test", origins: listed, status: 403},
		{name: "row 7 not listed, read", method: "GET", origin: "https://x.test", origins: listed, status: 418},
		{name: "row 8 null", method: "POST", origin: "null", status: 403},
		{name: "row 8 null preflight", method: "OPTIONS", origin: "null", wants: "POST", status: 204},
		{name: "row 10 lookalike", method: "POST", origin: "https://good.example.evil.example", origins: listed, status: 403},
		{name: "row 61 line break", method: "POST", origin: "https://x.test\r\nSet-Cookie: a=b", status: 403},
		{name: "row 61 line break in a preflight", method: "OPTIONS", origin: "https://x.test\nSet-Cookie: a=b", wants: "POST", status: 204},
		{name: "row 61 NUL", method: "GET", origin: "https://x.test\x00", status: 418},
		{name: "space", method: "POST", origin: "https://x.test y", status: 403},
		{name: "not ASCII", method: "POST", origin: "https://\u00e9.test", status: 403},
		{name: "delete", method: "POST", origin: "https://x.test\x7f", status: 403},
		{name: "preflight", method: "OPTIONS", origin: "https://x.test", wants: "POST", headers: asked, status: 204, admitted: true, granted: true},
		{name: "preflight without headers", method: "OPTIONS", origin: "https://x.test", wants: "GET", status: 204, admitted: true, granted: true},
		{name: "row 7 preflight not listed", method: "OPTIONS", origin: "https://x.test", origins: listed, wants: "POST", headers: asked, status: 204},
		{name: "row 9 odd method", method: "OPTIONS", origin: "https://x.test", wants: "TRACE", status: 204},
		{name: "row 9 odd header", method: "OPTIONS", origin: "https://x.test", wants: "POST", headers: "authorization, x-evil", status: 204},
		{name: "options of no browser", method: "OPTIONS", status: 204},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/v1/t", nil)
			for name, v := range map[string]string{
				"Origin": c.origin, "Access-Control-Request-Method": c.wants, "Access-Control-Request-Headers": c.headers,
			} {
				if v != "" {
					r.Header.Set(name, v)
				}
			}
			w := httptest.NewRecorder()
			httpapi.CORS(c.origins, inner).ServeHTTP(w, r)
			h := w.Header()
			if w.Code != c.status || h.Get("Vary") != "Origin" {
				t.Errorf("status %d, Vary %q", w.Code, h.Get("Vary"))
			}
			origin := ""
			if c.admitted {
				origin = c.origin
			}
			if got := h.Get("Access-Control-Allow-Origin"); got != origin {
				t.Errorf("allows %q, want %q", got, origin)
			}
			if got := h.Get("Access-Control-Expose-Headers"); (got == "ETag, Retry-After") != c.admitted {
				t.Errorf("exposes %q", got)
			}
			if got := h.Get("Access-Control-Allow-Headers"); (got != "") != c.granted {
				t.Errorf("grants %q", got)
			}
			if got := h.Get("Access-Control-Allow-Credentials"); (got == "true") != (c.admitted && c.origins != nil) {
				t.Errorf("row 11: credentials %q for %q", got, origin)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/t", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /v1/people/{node}", func(w http.ResponseWriter, r *http.Request) {
		httpapi.Encode(w, http.StatusOK, r.PathValue("node"))
	})
	cases := []struct {
		name, method, path string
		status             int
		allow, body        string
	}{
		{name: "route", method: "POST", path: "/v1/t", status: 204},
		{name: "path value", method: "GET", path: "/v1/people/userId:a%2Fb", status: 200, body: "\"userId:a/b\"\n"},
		{name: "other method", method: "GET", path: "/v1/t", status: 405, allow: "POST"},
		{name: "row 60 method override", method: "DELETE", path: "/v1/t", status: 405, allow: "POST"},
		{name: "unknown", method: "POST", path: "/v2/t", status: 404},
		{name: "row 59 traversal", method: "POST", path: "/v1/decide/../t", status: 404},
		{name: "row 59 encoded traversal", method: "POST", path: "/v1/%2e%2e/v1/t", status: 404},
		{name: "row 59 double encoded", method: "POST", path: "/v1/%252e%252e/t", status: 404},
		{name: "double slash is no redirect", method: "POST", path: "//v1/t", status: 404},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Header.Set("X-HTTP-Method-Override", "POST")
			w := httptest.NewRecorder()
			httpapi.Routes(mux).ServeHTTP(w, r)
			if w.Code != c.status || w.Header().Get("Allow") != c.allow || c.body != "" && w.Body.String() != c.body {
				t.Errorf("got %d, Allow %q, %s", w.Code, w.Header().Get("Allow"), w.Body)
			}
			if c.status >= 400 && w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("refused as %q", w.Header().Get("Content-Type"))
			}
		})
	}
}
