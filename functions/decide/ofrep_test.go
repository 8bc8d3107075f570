package decide_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/functions/decide"
	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

const flags = "/ofrep/v1/evaluate/flags"

// flag is a slot as OpenFeature's SDKs read it.
type flag struct {
	Key, Reason, Variant, ErrorCode, ErrorDetails string
	Value                                         json.RawMessage
	Metadata                                      map[string]any
}

// targeting is a request about the visitor with the key.
func targeting(key string) string { return `{"context":{"targetingKey":"` + key + `"}}` }

// checker is what testing and rapid have in common.
type checker interface {
	Helper()
	Fatalf(format string, args ...any)
}

func readFlag(t checker, r reply) flag {
	t.Helper()
	var f flag
	if err := json.Unmarshal([]byte(r.body), &f); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return f
}

func readFlags(t *testing.T, r reply) map[string]flag {
	t.Helper()
	var bulk struct {
		Flags    []flag
		Metadata map[string]any
	}
	if err := json.Unmarshal([]byte(r.body), &bulk); err != nil || r.status != http.StatusOK {
		t.Fatalf("%d %v in %s", r.status, err, r.body)
	}
	if diff := cmp.Diff(map[string]any{"strategy": "0123456789ab"}, bulk.Metadata); diff != "" {
		t.Error(diff)
	}
	out := map[string]flag{}
	for _, f := range bulk.Flags {
		out[f.Key] = f
	}
	if len(out) != len(bulk.Flags) {
		t.Errorf("a flag comes twice: %s", r.body)
	}
	return out
}

// A slot as a flag, alone and among all, says what /v1/decide says of it.
func TestFlagIsTheDecision(t *testing.T) {
	h := decide.New(deps(t))
	for _, key := range []string{"demo-write", "demo-secret"} {
		for _, page := range []string{"checkout", "home"} {
			body := `{"context":{"targetingKey":"anonymousId:` + phone + `","page":"` + page + `"}}`
			all := send(h, flags, key, body)
			decided := post(h, key, `{"anonymousId":"`+phone+`","context":{"page":"`+page+`"}}`)
			if all.reads != decided.reads || all.writes != 0 {
				t.Errorf("%d reads and %d writes, want %d and 0", all.reads, all.writes, decided.reads)
			}
			got := readFlags(t, all)
			for _, d := range decided.read(t).Decisions {
				want := flag{
					Key: d.Slot, Variant: d.Block, Value: d.Content, Reason: reasonOf(t, d.Receipt),
					Metadata: map[string]any{"slot": d.Slot, "receipt": d.Receipt, "strategy": "0123456789ab"},
				}
				if key == "demo-secret" {
					want.Metadata["policy"], want.Metadata["probability"] = d.Policy, d.Probability
				}
				if diff := cmp.Diff(want, got[d.Slot]); diff != "" {
					t.Error(diff)
				}
				alone := send(h, flags+"/"+d.Slot, key, body)
				if diff := cmp.Diff(want, readFlag(t, alone)); diff != "" || alone.writes != 0 || alone.reads != decided.reads {
					t.Errorf("alone, after %d reads and %d writes: %s", alone.reads, alone.writes, diff)
				}
			}
			if len(got) != 2 {
				t.Errorf("%d flags", len(got))
			}
		}
	}
}

// reasonOf is OpenFeature's word for the policy in a receipt.
func reasonOf(t *testing.T, receipt string) string {
	t.Helper()
	r, err := decision.Verify(decision.Keys(secret), receipt)
	if err != nil {
		t.Fatal(err)
	}
	return map[decision.Policy]string{decision.Rule: "TARGETING_MATCH", decision.Split: "SPLIT", decision.Fallback: "DEFAULT"}[r.Policy]
}

func TestReasons(t *testing.T) {
	h := decide.New(deps(t))
	for name, c := range map[string]struct{ context, slot, want string }{
		"rule":     {`"targetingKey":"` + phone + `"`, "hero", "hero-ua TARGETING_MATCH"},
		"split":    {`"targetingKey":"` + phone + `"`, "banner", "banner-red SPLIT"},
		"fallback": {`"targetingKey":"` + nobody + `"`, "hero", "hero-any DEFAULT"},
	} {
		t.Run(name, func(t *testing.T) {
			f := readFlag(t, send(h, flags+"/"+c.slot, "demo-write", `{"context":{`+c.context+`}}`))
			if got := f.Variant + " " + f.Reason; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// An ETag that matches says that nothing changed: neither who asks, nor where,
// nor what was published, nor the minute of the receipts.
func TestETag(t *testing.T) {
	d, at, s := deps(t), noon, published(t, "0123456789ab")
	d.Now = func() time.Time { return at }
	d.Strategy = current(func() (*strategy.Strategy, error) { return s, nil })
	h := decide.New(d)
	body := `{"context":{"targetingKey":"` + phone + `","page":"home"}}`
	first := send(h, flags, "demo-write", body)
	tag := first.header.Get("ETag")
	if len(tag) < 20 || tag[0] != '"' {
		t.Fatalf("ETag %q", tag)
	}
	ask := func(body, known string) reply { return send(h, flags, "demo-write", body, "If-None-Match", known) }
	for name, known := range map[string]string{"the same": tag, "weak": "W/" + tag, "one of several": `"x", ` + tag} {
		got := ask(body, known)
		if got.status != http.StatusNotModified || got.body != "" || got.header.Get("ETag") != tag || got.writes != 0 || got.reads != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	at = noon.Add(59 * time.Second)
	if got := ask(body, tag); got.status != http.StatusNotModified {
		t.Errorf("%d within the minute", got.status)
	}
	fresh := func(name, body, known string) {
		t.Helper()
		if got := ask(body, known); got.status != http.StatusOK || got.header.Get("ETag") == tag || got.body == "" {
			t.Errorf("%s: %d with ETag %s", name, got.status, got.header.Get("ETag"))
		}
	}
	fresh("another page for the same targeting key", strings.Replace(body, "home", "checkout", 1), tag)
	fresh("another visitor with the same content", strings.Replace(body, phone, strings.Repeat("another-visitor-", 2), 1), tag)
	if got := ask(body, "*"); got.status != http.StatusOK {
		t.Errorf("any tag: %d", got.status)
	}
	s = published(t, "another-version")
	fresh("another strategy", body, tag)
	s = published(t, "0123456789ab")
	at = noon.Add(time.Minute)
	fresh("another minute", body, tag)
}

// What is wrong is said in OFREP's words where SDKs read them, else by status.
func TestOFREPRefuses(t *testing.T) {
	d := deps(t)
	d.Origins = []string{"https://shop.example.com"}
	h := decide.New(d)
	shop := []string{"Origin", "https://shop.example.com"}
	visitor := targeting(phone)
	prove := func(proof string) string {
		return `{"context":{"targetingKey":"` + phone + `","proof":"` + proof + `"}}`
	}
	for _, c := range []struct {
		name, path, key, body string
		headers               []string
		status                int
		code                  string
	}{
		{"unknown flag", "/x", "demo-write", visitor, nil, 404, "FLAG_NOT_FOUND"},
		{"unknown flag with a slash", "/hero%2Fx", "demo-write", visitor, nil, 404, "FLAG_NOT_FOUND"},
		{"no body", "", "demo-write", ``, nil, 400, "TARGETING_KEY_MISSING"},
		{"no context", "/hero", "demo-write", `{}`, nil, 400, "TARGETING_KEY_MISSING"},
		{"null context", "", "demo-write", `{"context":null}`, nil, 400, "TARGETING_KEY_MISSING"},
		{"empty targeting key", "", "demo-write", targeting(""), nil, 400, "TARGETING_KEY_MISSING"},
		{"no targeting key", "/hero", "demo-write", `{"context":{"plan":"pro"}}`, nil, 400, "TARGETING_KEY_MISSING"},
		{"a number for a key", "", "demo-write", `{"context":{"targetingKey":5}}`, nil, 400, "INVALID_CONTEXT"},
		{"a list for a user id", "", "demo-write", `{"context":{"targetingKey":"` + phone + `","userId":[]}}`, nil, 400, "INVALID_CONTEXT"},
		{"a list for a context", "", "demo-write", `{"context":[]}`, nil, 400, "INVALID_CONTEXT"},
		{"row 34 gzip bomb", "", "demo-write", packed(strings.Repeat(" ", 1<<20)), nil, 400, "PARSE_ERROR"},
		{"row 36 content type", "", "demo-write", visitor, []string{"Content-Type", "application/xml"}, 400, "PARSE_ERROR"},
		{"row 38 truncated", "", "demo-write", `{"context":`, nil, 400, "PARSE_ERROR"},
		{"row 39 trailing value", "/hero", "demo-write", visitor + visitor, nil, 400, "PARSE_ERROR"},
		{"row 40 twice", "", "demo-write", `{"context":{"targetingKey":"a","targetingKey":"b"}}`, nil, 400, "PARSE_ERROR"},
		{"row 40 unknown", "", "demo-write", `{"kontext":{}}`, nil, 400, "PARSE_ERROR"},
		{"row 42 too deep", "", "demo-write", `{"context":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, nil, 400, "PARSE_ERROR"},
		{"row 4 secret key in the URL", "?key=demo-secret", "", visitor, nil, 400, "GENERAL"},
		{"row 1 no key", "", "", visitor, nil, 401, "no_key"},
		{"row 2 unknown key", "/hero", "demo", visitor, nil, 401, "unknown_key"},
		{"row 5 secret key in a browser", "", "demo-secret", visitor, shop, 403, "secret_key_in_browser"},
		{"row 7 another origin", "", "demo-write", visitor, []string{"Origin", "https://other.example.com"}, 403, "origin_not_allowed"},
		{"row 13 forged", "", "demo-write", prove(token(`{"alg":"none"}`, "")), nil, 401, "bad_proof"},
		{"row 16 another user's proof", "", "demo-write", `{"context":{"userId":"u2","proof":"` + proof(t, "u1") + `"}}`, nil, 403, "proof_mismatch"},
		{"row 19 proof of 9 KB", "", "demo-write", prove(strings.Repeat("a", 9<<10)), nil, 400, "PARSE_ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := send(h, flags+c.path, c.key, c.body, c.headers...)
			f := readFlag(t, got)
			var other struct {
				Error struct{ Code, Message string }
			}
			_ = json.Unmarshal([]byte(got.body), &other) // it was read above
			code, said := f.ErrorCode+other.Error.Code, f.ErrorDetails+other.Error.Message
			if got.status != c.status || code != c.code || said == "" || got.reads != 0 {
				t.Errorf("%d %s after %d reads, want %d %s: %s", got.status, code, got.reads, c.status, c.code, got.body)
			}
			if want, alone := strings.CutPrefix(c.path, "/"); alone && f.ErrorCode != "" && f.Key != strings.ReplaceAll(want, "%2F", "/") {
				t.Errorf("the flag is named %q", f.Key)
			}
			if got.header.Get("Content-Type") != "application/json" || got.header.Get("ETag") != "" {
				t.Errorf("headers %v", got.header)
			}
		})
	}
}

// A name of any length is not said back in full.
func TestLongFlagName(t *testing.T) {
	got := send(decide.New(deps(t)), flags+"/"+strings.Repeat("x", 5000), "demo-write", targeting(phone))
	if f := readFlag(t, got); got.status != http.StatusNotFound || len(f.Key) != 64 || len(got.body) > 300 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// The limit of ids holds by this door too, together with the other one.
func TestOFREPIsLimited(t *testing.T) {
	h, _ := limited(t, "1")
	if got := post(h, "demo-write", `{"anonymousId":"`+phone+`"}`); got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	if got := send(h, flags, "demo-write", targeting(phone)); got.status != http.StatusOK {
		t.Errorf("the same visitor: %d", got.status)
	}
	for _, path := range []string{flags, flags + "/hero"} {
		got := send(h, path, "demo-write", targeting(nobody), "Origin", "https://shop.example.com")
		if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" || got.reads != 0 {
			t.Errorf("row 20: %d, Retry-After %q, %d reads", got.status, got.header.Get("Retry-After"), got.reads)
		}
	}
}

func TestOFREPWithoutPeopleOrStrategy(t *testing.T) {
	d := deps(t)
	d.People = findFunc(func(context.Context, person.NodeID) (*person.Person, error) { return nil, errors.New("down") })
	got := send(decide.New(d), flags, "demo-write", targeting(phone))
	if f := readFlags(t, got)["hero"]; f.Variant != "hero-any" || f.Reason != "DEFAULT" || got.header.Get("Rapport-Degraded") != "people" {
		t.Errorf("%s %v", got.body, got.header)
	}
	d = deps(t)
	d.Strategy = current(func() (*strategy.Strategy, error) {
		return nil, fault.New(fault.Unavailable, "no_strategy", "publish one")
	})
	got = send(decide.New(d), flags, "demo-write", targeting(phone))
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("without a strategy: %d %v", got.status, got.header)
	}
}

func TestOFREPMethods(t *testing.T) {
	d := deps(t)
	d.Origins = []string{"https://shop.example.com"}
	h := decide.New(d)
	for _, path := range []string{flags, flags + "/hero"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		for _, asked := range []string{"authorization,content-type,if-none-match", "content-type,x-api-key"} {
			r := httptest.NewRequest(http.MethodOptions, path, nil)
			r.Header.Set("Origin", "https://shop.example.com")
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", asked)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Headers") == "" || w.Header().Get("Access-Control-Expose-Headers") != "ETag, Retry-After" {
				t.Errorf("OPTIONS %s for %s: %d %v", path, asked, w.Code, w.Header())
			}
		}
	}
	for _, path := range []string{flags + "/", flags + "/hero/x", "/ofrep/v1/configuration"} {
		if got := send(h, path, "demo-write", targeting(phone)); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	for name, header := range map[string][]string{"bearer": {"Authorization", "Bearer demo-write"}, "basic": {"Authorization", "Basic ZGVtby13cml0ZTo="}, "API key": {"X-API-Key", "demo-write"}} {
		if got := send(h, flags, "", targeting(phone), header...); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}
