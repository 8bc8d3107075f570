package prefer_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rapport/shared/person"
)

func TestPreferencesShowWhatHolds(t *testing.T) {
	w := open(t)
	page := w.call(http.MethodGet, w.preferences(), "")
	has(t, page, http.StatusOK, `value="marketing" checked>`, `value="news">`, `value="sale" checked>`,
		"Offers and reminders", "The monthly &lt;letter&gt;", "<span>sale</span>", "<button>Save</button>")
	has(t, w.form(w.preferences(), "shown=marketing&shown=news&shown=sale&purpose=news&purpose=sale"), http.StatusOK, "Saved",
		`value="marketing">`, `value="news" checked>`, `value="sale" checked>`)
	has(t, w.call(http.MethodGet, w.preferences(), ""), http.StatusOK, `value="marketing">`, `value="news" checked>`)
	got := w.said(user)
	if len(got) != 2 || got["marketing"].Given || !got["news"].Given {
		t.Errorf("said %v: what the form did not change must not be said", got)
	}
}

func TestFormSaysNothingOfWhatItDidNotShow(t *testing.T) {
	w := open(t)
	for _, body := range []string{"", "purpose=news", "shown=marketing&purpose=marketing", "shown=unknown"} {
		has(t, w.form(w.preferences(), body), http.StatusOK)
	}
	if len(w.said(user)) > 0 || w.writes > 0 {
		t.Errorf("said %v", w.said(user))
	}
}

func TestPreferencesAsJSONByLink(t *testing.T) {
	w := open(t)
	has(t, w.json("", w.preferences(), `{"purposes":{"marketing":false,"news":true}}`), http.StatusOK, `{"purposes":{"marketing":false,"news":true}}`)
	want := person.Consent{Given: true, At: noon, By: "link:" + cart}
	if got := w.said(user); got["marketing"].Given || got["news"] != want {
		t.Errorf("said %v", got)
	}
	w.now = noon.Add(time.Hour)
	writes := w.writes
	has(t, w.json("", w.preferences(), `{"purposes":{"marketing":false,"news":true}}`), http.StatusOK)
	if w.writes != writes {
		t.Error("a repetition was stored")
	}
}

// A program that says yes to what holds by silence has said it.
func TestStatedYesIsKept(t *testing.T) {
	w := open(t)
	has(t, w.json("", w.preferences(), `{"purposes":{"marketing":true}}`), http.StatusOK)
	if !w.said(user)["marketing"].Given {
		t.Errorf("said %v", w.said(user))
	}
}

func TestPreferencesAreRefused(t *testing.T) {
	w := open(t)
	anonymous := `"anonymousId":"` + device + `"`
	no := `"purposes":{"marketing":false}`
	cases := []struct {
		name, key, target, body string
		status                  int
		code                    string
	}{
		{"forged link", "", w.preferences() + "A", `{` + no + `}`, 400, "bad_link"},
		{"unsubscribe link", "", strings.Replace(w.unsubscribe(), "unsubscribe", "preferences", 1), `{` + no + `}`, 400, "bad_link"},
		{"no purposes", "", w.preferences(), `{}`, 422, "no_purposes"},
		{"unknown purpose", "", w.preferences(), `{"purposes":{"nope":false}}`, 422, "unknown_purpose"},
		{"null is neither", "", w.preferences(), `{"purposes":{"marketing":null}}`, 422, "bad_value"},
		{"a text", "", w.preferences(), `{"purposes":{"marketing":"no"}}`, 422, "bad_value"},
		{"unknown field", "", w.preferences(), `{"purpose":{"marketing":false}}`, 400, "duplicate_or_unknown_field"},
		{"no key", "", "/v1/preferences", `{` + anonymous + `,` + no + `}`, 401, "no_key"},
		{"unknown key", "nope", "/v1/preferences", `{` + anonymous + `,` + no + `}`, 401, "unknown_key"},
		{"nobody", "demo-write", "/v1/preferences", `{` + no + `}`, 422, "no_user_anon_id"},
		{"short id", "demo-write", "/v1/preferences", `{"anonymousId":"1",` + no + `}`, 422, "short_id"},
		{"row 84 another user", "demo-write", "/v1/preferences", `{"userId":"u1",` + no + `}`, 403, "proof_required"},
		{"row 84 another user with an own id", "demo-write", "/v1/preferences", `{"userId":"u1",` + anonymous + `,` + no + `}`, 403, "proof_required"},
		{"row 84 nobody's user id", "demo-write", "/v1/preferences", `{"userId":"unheard-of",` + no + `}`, 403, "proof_required"},
		{"row 84 another's proof", "demo-write", "/v1/preferences", `{"userId":"u1","proof":"` + proof(t, "u2") + `",` + no + `}`, 403, "proof_mismatch"},
		{"forged proof", "demo-write", "/v1/preferences", `{"userId":"u1","proof":"x.y.z",` + no + `}`, 401, "bad_proof"},
		{"purposes by key", "demo-write", "/v1/preferences", `{` + anonymous + `}`, 422, "no_purposes"},
		{"another channel", "demo-write", "/v1/preferences", `{` + anonymous + `,"purposes":{"marketing/sms":false}}`, 422, "unknown_purpose"},
		{"row 84 a node by write key", "demo-write", "/v1/preferences", `{"node":"userId:u1",` + no + `}`, 403, "secret_key_required"},
		{"no node", "demo-secret", "/v1/preferences", `{"node":"u1",` + no + `}`, 422, "bad_node"},
		{"nobody's id", "demo-secret", "/v1/preferences", `{"userId":"null",` + no + `}`, 422, "bad_id"},
		{"theme", "demo-write", "/v1/preferences", `{` + anonymous + `,"theme":7}`, 422, "bad_value"},
		{"long theme", "demo-write", "/v1/preferences", `{` + anonymous + `,"theme":"` + strings.Repeat("x", 65) + `"}`, 422, "bad_value"},
		{"topics", "demo-write", "/v1/preferences", `{` + anonymous + `,"topics":"tea"}`, 422, "bad_value"},
		{"channels", "demo-write", "/v1/preferences", `{` + anonymous + `,"channels":["pigeon"]}`, 422, "bad_value"},
		{"custom object", "demo-write", "/v1/preferences", `{` + anonymous + `,"custom":{"a":{}}}`, 422, "bad_value"},
		{"custom 1 KB", "demo-write", "/v1/preferences", `{` + anonymous + `,"custom":{"a":"` + strings.Repeat("x", 1023) + `"}}`, 422, "bad_value"},
		{"what has no effect", "demo-write", "/v1/preferences", `{` + anonymous + `,"language":"uk"}`, 400, "duplicate_or_unknown_field"},
		{"wording", "demo-write", "/v1/preferences", `{` + anonymous + `,` + no + `,"wording":"` + strings.Repeat("x", 501) + `"}`, 422, "bad_value"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := w.json(c.key, c.target, c.body)
			has(t, r, c.status)
			if got := code(t, r); got != c.code {
				t.Errorf("code %s, want %s", got, c.code)
			}
		})
	}
	has(t, w.call(http.MethodGet, "/v1/preferences", "", "Authorization", "Bearer demo-write"), http.StatusUnprocessableEntity)
	has(t, w.form(w.preferences()+"A", "shown=marketing"), http.StatusBadRequest, "This link does not work")
	has(t, w.form(w.preferences(), "%zz"), http.StatusBadRequest)
	if len(w.said(user)) > 0 || w.writes > 0 {
		t.Errorf("said %v with %d commits", w.said(user), w.writes)
	}
}

// What a stranger is told of a user id must not depend on whether it is known.
func TestRefusalDoesNotTellWhoIsKnown(t *testing.T) {
	w := open(t)
	answer := func(id string) string {
		return w.json("demo-write", "/v1/preferences", `{"userId":"`+id+`","purposes":{"marketing":false}}`).Body.String()
	}
	if answer("u1") != answer("unheard-of") {
		t.Error("the answers differ")
	}
}

func TestSitesSpeakForTheirVisitors(t *testing.T) {
	cases := []struct {
		name, key, who string
		node           person.NodeID
		by             string
	}{
		{"browser's own id", "demo-write", `"anonymousId":"` + device + `"`, browser, "write key"},
		{"proven user", "demo-write", `"userId":"u1","proof":"` + proof(t, "u1") + `"`, user, "write key"},
		{"proof alone", "demo-write", `"proof":"` + proof(t, "u1") + `"`, user, "write key"},
		{"proven user beside a device", "demo-write", `"anonymousId":"` + device + `","proof":"` + proof(t, "u1") + `"`, user, "write key"},
		{"server, user", "demo-secret", `"userId":"u1"`, user, "secret key"},
		{"server, device", "demo-secret", `"anonymousId":"` + device + `"`, browser, "secret key"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := open(t)
			r := w.json(c.key, "/v1/preferences", `{`+c.who+`,"purposes":{"news":true}}`)
			has(t, r, http.StatusOK, `{"purposes":{"news":true}}`)
			p, err := w.store.Find(t.Context(), user)
			if err != nil {
				t.Fatal(err)
			}
			want := person.Consent{Given: true, At: noon, By: c.by}
			if got := p.Node(c.node).Consent["news"]; got != want {
				t.Errorf("the node holds %+v, want %+v", got, want)
			}
		})
	}
}

// Row 86.
func TestGlobalPrivacyControlWins(t *testing.T) {
	w := open(t)
	body := `{"anonymousId":"` + device + `","purposes":{"sale":true,"news":true}}`
	has(t, w.json("demo-write", "/v1/preferences", body, "Sec-GPC", "1"), http.StatusOK, `{"purposes":{"news":true,"sale":false}}`)
	got := w.said(browser)
	if c, ok := got["sale"]; !ok || c.Given || !got["news"].Given {
		t.Errorf("said %v", got)
	}
	if !strings.Contains(w.log.String(), "the opt-out stands") {
		t.Errorf("the conflict is not in the log: %s", w.log.String())
	}
}
