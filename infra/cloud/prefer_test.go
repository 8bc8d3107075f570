package cloud_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Somebody who refuses to be tracked, and to be personalized, still has the shop as
// they chose it; of what they do nothing is kept.
func TestChoicesWithoutTracking(t *testing.T) {
	const visitor, canary = "0c4f9a1d-77e2-4b3a-8d15-5e6f70819203", "canary-4d7a"
	s := shop(t, nil)
	say := func(body string) {
		s.must(http.MethodPost, "/v1/preferences", "demo-write", `{"anonymousId":"`+visitor+`",`+body+`}`)
	}
	prefers := func(want string) {
		t.Helper()
		got := s.must(http.MethodPost, "/v1/decide", "demo-write", `{"anonymousId":"`+visitor+`","slots":["hero"]}`)
		if !strings.Contains(got, `"block":"hero-welcome"`) || !strings.Contains(got, `"preferred":`+want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	say(`"purposes":{"analytics":false},"theme":"dark","custom":{"tea":"white"}`)
	const chosen = `{"tea":{"value":"white","source":"explicit"},"theme":{"value":"dark","source":"explicit"}}`
	prefers(chosen)
	s.must(http.MethodPost, "/v1/batch", "demo-write", `{"batch":[
		{"type":"page","messageId":"c1","anonymousId":"`+visitor+`","name":"`+canary+`"},
		{"type":"track","messageId":"c2","anonymousId":"`+visitor+`","event":"Product Viewed","properties":{"category":"`+canary+`"}}]}`)
	s.settle()
	prefers(chosen)
	say(`"purposes":{"personalization":false}`)
	prefers(chosen)

	var known struct {
		Traits    map[string]any
		Computed  map[string]any
		Audiences []string
		FirstSeen string
	}
	if err := json.Unmarshal([]byte(s.must(http.MethodGet, "/v1/people/anonymousId:"+visitor, "demo-secret", "")), &known); err != nil {
		t.Fatal(err)
	}
	if pages, likes := known.Computed["pages"], known.Computed["likes"]; len(known.Traits)+len(known.Audiences) > 0 || pages != 0.0 || likes != nil || known.FirstSeen != "" {
		t.Errorf("known is %+v", known)
	}
	s.nowhere("", canary)
}

// A browser that looks for it, or an auditor, finds that the site obeys Global
// Privacy Control.
func TestGlobalPrivacyControlIsStated(t *testing.T) {
	s := shop(t, nil)
	if got := s.must(http.MethodGet, "/.well-known/gpc.json", "", ""); strings.TrimSpace(got) != `{"gpc":true,"lastUpdate":"2026-11-24"}` {
		t.Errorf("got %s", got)
	}
}
