package decide_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rapport/functions/decide"
	"rapport/shared/access"
)

// token makes a JWT for u1 by hand, as a forger would.
func token(header, signature string) string {
	b := base64.RawURLEncoding
	return b.EncodeToString([]byte(header)) + "." + b.EncodeToString([]byte(`{"sub":"u1","exp":1795525000}`)) + "." + signature
}

func TestRefuses(t *testing.T) {
	d := deps(t)
	d.Origins = []string{"https://shop.example.com"}
	h := decide.New(d)
	prove := func(p string) string { return `{"userId":"u1","proof":"` + p + `"}` }
	issued := func(at time.Time) string {
		p, err := proofs(t).Issue("u1", 10*time.Minute, at)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	forged, err := access.NewProofs(access.ProofConfig{Secrets: []string{"another"}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := forged.Issue("u1", time.Hour, noon)
	if err != nil {
		t.Fatal(err)
	}
	shop := []string{"Origin", "https://shop.example.com"}
	cases := []struct {
		name, key, body string
		headers         []string
		status          int
		code, field     string
	}{
		{"row 1 no key", "", `{}`, nil, 401, "no_key", ""},
		{"row 2 unknown key", "demo", `{}`, nil, 401, "unknown_key", ""},
		{"row 6 write key of another site", "demo-write-of-another-site", `{}`, shop, 401, "unknown_key", ""},
		{"row 6 secret key of another site", "demo-secret-of-another-site", `{"userId":"u1"}`, nil, 401, "unknown_key", ""},
		{"row 5 secret key in a browser", "demo-secret", `{}`, shop, 403, "secret_key_in_browser", ""},
		{"row 7 another origin", "demo-write", `{}`, []string{"Origin", "https://other.example.com"}, 403, "origin_not_allowed", "Origin"},
		{"row 8 origin null", "demo-write", `{}`, []string{"Origin", "null"}, 403, "origin_not_allowed", "Origin"},
		{"row 10 origin that begins like ours", "demo-write", `{}`, []string{"Origin", "https://shop.example.com.evil.example"}, 403, "origin_not_allowed", "Origin"},
		{"row 13 alg none", "demo-write", prove(token(`{"alg":"none"}`, "")), nil, 401, "bad_proof", "proof"},
		{"row 13 no signature", "demo-write", prove(token(`{"alg":"HS256"}`, "")), nil, 401, "bad_proof", "proof"},
		{"row 13 another key", "demo-write", prove(other), nil, 401, "bad_proof", "proof"},
		{"row 13 forged with a secret key", "demo-secret", prove(other), nil, 401, "bad_proof", "proof"},
		{"row 14 another algorithm", "demo-write", prove(token(`{"alg":"RS256"}`, "AAAA")), nil, 401, "bad_proof", "proof"},
		{"row 15 expired", "demo-write", prove(issued(noon.Add(-time.Hour))), nil, 401, "bad_proof", "proof"},
		{"row 16 another user's proof", "demo-write", `{"userId":"u2","proof":"` + proof(t, "u1") + `"}`, nil, 403, "proof_mismatch", "proof"},
		{"row 16 another user's proof with a secret key", "demo-secret", `{"userId":"u2","proof":"` + proof(t, "u1") + `"}`, nil, 403, "proof_mismatch", "proof"},
		{"row 18 kid", "demo-write", prove(token(`{"alg":"HS256","kid":"../../x"}`, "AAAA")), nil, 401, "bad_proof", "proof"},
		{"row 19 proof of 64 KB", "demo-write", prove(strings.Repeat("a", 64<<10)), nil, 413, "body_too_large", ""},
		{"row 19 proof of 9 KB", "demo-write", prove(strings.Repeat("a", 9<<10)), nil, 413, "proof_too_large", "proof"},
		{"not a proof", "demo-write", prove("x"), nil, 401, "bad_proof", "proof"},
		{"one byte too many", "demo-write", `{}` + strings.Repeat(" ", 32<<10-1), nil, 413, "body_too_large", ""},
		{"row 34 gzip bomb", "demo-write", packed(strings.Repeat(" ", 1<<20)), nil, 413, "body_too_large", ""},
		{"row 35 content encoding", "demo-write", `{}`, []string{"Content-Encoding", "br"}, 415, "unsupported_media_type", "Content-Encoding"},
		{"row 36 content type", "demo-write", `{}`, []string{"Content-Type", "application/xml"}, 415, "unsupported_media_type", "Content-Type"},
		{"row 38 truncated", "demo-write", `{"slots":`, nil, 400, "bad_json", "slots"},
		{"row 39 trailing value", "demo-write", `{}{}`, nil, 400, "bad_json", ""},
		{"row 40 twice", "demo-write", `{"userId":"a","userId":"b"}`, nil, 400, "duplicate_or_unknown_field", "userId"},
		{"row 40 folded", "demo-write", `{"userId":"a","uſerId":"b"}`, nil, 400, "duplicate_or_unknown_field", "uſerId"},
		{"row 40 unknown", "demo-write", `{"anonymousid":"a"}`, nil, 400, "duplicate_or_unknown_field", "anonymousid"},
		{"row 40 long s alone", "demo-write", `{"uſerId":"b"}`, nil, 400, "duplicate_or_unknown_field", "uſerId"},
		{"row 41 not UTF-8", "demo-write", "{\"userId\":\"\xff\"}", nil, 400, "invalid_utf8", "userId"},
		{"row 42 too deep", "demo-write", `{"context":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, nil, 400, "too_deep", ""},
		{"a number for an id", "demo-write", `{"anonymousId":5}`, nil, 422, "bad_value", "anonymousId"},
		{"a list as context", "demo-write", `{"context":[]}`, nil, 422, "bad_value", "context"},
		{"text as context", "demo-write", `{"context":"x"}`, nil, 422, "bad_value", "context"},
		{"unknown slot", "demo-write", `{"slots":["hero","x"]}`, nil, 422, "unknown_slot", "slots[1]"},
		{"51 slots", "demo-write", `{"slots":["hero"` + strings.Repeat(`,"hero"`, 50) + `]}`, nil, 422, "too_many_slots", "slots"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := post(h, c.key, c.body, c.headers...)
			var answer struct {
				Error struct{ Code, Field, Message string }
			}
			if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
				t.Fatal(err)
			}
			e := answer.Error
			field := e.Field == c.field || c.code == "too_deep"
			if got.status != c.status || e.Code != c.code || !field || e.Message == "" {
				t.Errorf("%d %s in %q, want %d %s in %q", got.status, e.Code, e.Field, c.status, c.code, c.field)
			}
			if got.reads != 0 {
				t.Errorf("%d reads for a request that was refused", got.reads)
			}
		})
	}
}

// packed is the text as gzip.
func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text)) // into memory
	_ = z.Close()
	return b.String()
}

func TestTakes(t *testing.T) {
	d := deps(t)
	d.Origins = []string{"https://shop.example.com"}
	h := decide.New(d)
	again := `{"proof":"` + proof(t, "u1") + `"}`
	for _, c := range []struct {
		name, body string
		headers    []string
	}{
		{"an origin on the list", `{}`, []string{"Origin", "https://shop.example.com"}},
		{"text/plain", `{}`, []string{"Content-Type", "text/plain;charset=UTF-8"}},
		{"32 KB", `{}` + strings.Repeat(" ", 32<<10-2), nil},
		{"gzip", packed(`{}`), []string{"Content-Encoding", "gzip"}},
		{"50 slots", `{"slots":["hero"` + strings.Repeat(`,"hero"`, 49) + `]}`, nil},
		{"a proof", again, nil},
		{"row 17 the same proof again", again, nil},
	} {
		t.Run(c.name, func(t *testing.T) { post(h, "demo-write", c.body, c.headers...).read(t) })
	}
}

func TestMethodsAndKeysInTheURL(t *testing.T) {
	h := decide.New(deps(t))
	for _, c := range []struct {
		name, method, target string
		status               int
		code                 string
	}{
		{"GET", http.MethodGet, "/v1/decide?writeKey=demo-write", 405, "method_not_allowed"},
		{"another path", http.MethodPost, "/v1/decide/x?writeKey=demo-write", 404, "no_route"},
		{"row 59 path traversal", http.MethodPost, "/v1/decide/../../admin?writeKey=demo-write", 404, "no_route"},
		{"row 60 method override", http.MethodGet, "/v1/decide?writeKey=demo-write&_method=POST", 405, "method_not_allowed"},
		{"row 4 secret key in the URL", http.MethodPost, "/v1/decide?writeKey=demo-secret", 400, "key_in_url"},
		{"write key in the URL", http.MethodPost, "/v1/decide?writeKey=demo-write", 200, `"decisions"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(`{}`))
			r.Header.Set("X-HTTP-Method-Override", http.MethodPost)
			h.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.code) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.code)
			}
		})
	}
}
