package prefer_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestSupportOfGlobalPrivacyControlIsStated(t *testing.T) {
	w := open(t)
	const path = "/.well-known/gpc.json"
	answer := w.call(http.MethodGet, path, "")
	if got := strings.TrimSpace(answer.Body.String()); answer.Code != http.StatusOK || got != `{"gpc":true,"lastUpdate":"2026-11-24"}` {
		t.Errorf("%d %s", answer.Code, got)
	}
	if kind, cached := answer.Header().Get("Content-Type"), answer.Header().Get("Cache-Control"); kind != "application/json" || cached != "public, max-age=86400" {
		t.Errorf("%s, %s", kind, cached)
	}
	has(t, w.call(http.MethodPost, path, "{}"), http.StatusMethodNotAllowed, "method_not_allowed")
	w.down = http.ErrServerClosed
	has(t, w.call(http.MethodGet, path, ""), http.StatusOK)
}
