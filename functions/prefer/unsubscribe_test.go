package prefer_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/link"
	"rapport/shared/person"
)

func parts(t *testing.T, name, value string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := errors.Join(w.WriteField(name, value), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// Row 78.
func TestOneClickUnsubscribesBeforeTheAnswer(t *testing.T) {
	multipartBody, multipartType := parts(t, "List-Unsubscribe", "One-Click")
	for name, c := range map[string]struct{ body, contentType string }{
		"form":                 {oneClick, encoded},
		"form with charset":    {oneClick, encoded + "; charset=UTF-8"},
		"multipart":            {multipartBody, multipartType},
		"no type is said":      {oneClick, ""},
		"a line end follows":   {oneClick + "\r\n", encoded},
		"other fields as well": {"a=b&" + oneClick, encoded},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			r := w.call(http.MethodPost, w.unsubscribe(), c.body, "Content-Type", c.contentType)
			has(t, r, http.StatusOK, "You are unsubscribed", "Offers and reminders")
			want := person.Consent{At: noon, By: "link:" + cart}
			if got := w.said(user); len(got) != 1 || got["marketing"] != want {
				t.Errorf("the person said %+v", got)
			}
			if strings.Contains(w.log.String(), user.Hash()) || !strings.Contains(w.log.String(), "given=false by=link") {
				t.Errorf("the log says %s", w.log.String())
			}
		})
	}
}

// Row 79: a repetition changes nothing, a new yes can be taken back again.
func TestOneClickTwiceCountsOnce(t *testing.T) {
	w := open(t)
	has(t, w.form(w.unsubscribe(), oneClick), http.StatusOK)
	first, writes := w.said(user)["marketing"], w.writes
	w.now = noon.Add(time.Hour)
	has(t, w.form(w.unsubscribe(), oneClick), http.StatusOK, "You are unsubscribed")
	if again := w.said(user)["marketing"]; again != first || w.writes != writes || strings.Count(w.log.String(), "\n") != 1 {
		t.Errorf("%+v became %+v with %d more commits: %s", first, again, w.writes-writes, w.log.String())
	}
	yes := person.Consent{Given: true, At: w.now, By: "m2"}
	if err := w.store.Agree(context.Background(), w.strat, browser, "marketing", yes); err != nil {
		t.Fatal(err)
	}
	w.now = noon.Add(2 * time.Hour)
	has(t, w.form(w.unsubscribe(), oneClick), http.StatusOK)
	if got := w.said(user)["marketing"]; got.Given || !got.At.Equal(w.now) {
		t.Errorf("said %+v after a yes", got)
	}
}

// Row 76: what scanners do.
func TestLookingChangesNothing(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for name, target := range map[string]func(*world) string{"unsubscribe": (*world).unsubscribe, "preferences": (*world).preferences} {
			w := open(t)
			r := w.call(method, target(w), oneClick, "Content-Type", encoded, "Purpose", "prefetch", "Sec-GPC", "1")
			has(t, r, http.StatusOK)
			if (r.Body.Len() == 0) != (method == http.MethodHead) {
				t.Errorf("%s %s has a body of %d bytes", method, name, r.Body.Len())
			}
			if len(w.said(user)) > 0 || w.writes > 0 {
				t.Errorf("%s %s changed what was said: %v", method, name, w.said(user))
			}
		}
	}
}

func TestPageIsSafeAndHasItsButton(t *testing.T) {
	w := open(t)
	r := w.call(http.MethodGet, w.unsubscribe(), "")
	has(t, r, http.StatusOK, `<form method="post">`, `name="List-Unsubscribe" value="One-Click"`, "<button>Unsubscribe</button>",
		"Linden &amp; Leaf", `<a href="preferences?t=`)
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Robots-Tag": "noindex", "X-Content-Type-Options": "nosniff",
	} {
		if got := r.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	policy := r.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "style-src 'sha256-", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%q is not in the policy %q", part, policy)
		}
	}
	body := r.Body.String()
	for _, never := range []string{"<script", "u1", user.Hash(), "ZgotmplZ"} {
		if strings.Contains(body, never) {
			t.Errorf("the page holds %q", never)
		}
	}
}

// The link on the page leads to the preferences of the same person.
func TestPageLeadsToAllPreferences(t *testing.T) {
	w := open(t)
	body := w.call(http.MethodGet, w.unsubscribe(), "").Body.String()
	_, rest, _ := strings.Cut(body, `<a href="`)
	target, _, _ := strings.Cut(rest, `"`)
	has(t, w.call(http.MethodGet, "/v1/"+target, ""), http.StatusOK, `value="marketing" checked`)
}

// Rows 77 and 80.
func TestUnsubscribeIsRefused(t *testing.T) {
	other := link.Keys([]byte("other"))
	signed := func(k link.Keyring) string {
		return k.URL("", link.Link{Kind: link.Unsubscribe, Node: user.Hash(), Message: cart, Purpose: "marketing"})
	}
	w := open(t)
	good := w.unsubscribe()
	cases := map[string]struct{ target, body, says string }{
		"row 77 no body":               {good, "", "List-Unsubscribe=One-Click"},
		"row 77 another body":          {good, "List-Unsubscribe=Maybe", "List-Unsubscribe=One-Click"},
		"row 77 in the query only":     {good + "&" + oneClick, "", "List-Unsubscribe=One-Click"},
		"row 80 cut":                   {good[:len(good)-1], oneClick, "This link does not work"},
		"row 80 edited":                {good[:len(good)-20] + "A" + good[len(good)-19:], oneClick, "This link does not work"},
		"row 80 wrong key":             {signed(other), oneClick, "This link does not work"},
		"no token":                     {"/v1/unsubscribe", oneClick, "This link does not work"},
		"a preferences link":           {strings.Replace(w.preferences(), "preferences", "unsubscribe", 1), oneClick, "This link does not work"},
		"a form that is none":          {good, "%zz", "Send the fields as a form"},
		"a form with too many letters": {good, strings.Repeat("a", 32<<10+1), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := http.StatusBadRequest
			if c.says == "" {
				want = http.StatusRequestEntityTooLarge
			}
			has(t, w.form(c.target, c.body), want, c.says)
			if len(w.said(user)) > 0 {
				t.Errorf("said %v", w.said(user))
			}
		})
	}
	if edited := w.call(http.MethodGet, cases["row 80 edited"].target, ""); edited.Code != http.StatusBadRequest {
		t.Errorf("the page of a forged link: %d", edited.Code)
	}
}

// Row 81 is in shared/link; a purpose that was renamed since is the same to a
// reader of old mail.
func TestOldMailStillUnsubscribes(t *testing.T) {
	w := open(t)
	target := w.links.URL("", link.Link{Kind: link.Unsubscribe, Node: user.Hash(), Message: cart, Purpose: "retired"})
	has(t, w.form(target, oneClick), http.StatusOK, "what this mail was about")
	if c, ok := w.said(user)["retired"]; !ok || c.Given {
		t.Errorf("said %v", w.said(user))
	}
}

// Row 82.
func TestErasedPersonIsNotMadeAnew(t *testing.T) {
	gone := person.NodeID{Kind: person.UserID, Value: "erased"}
	w := open(t)
	for _, kind := range []link.Kind{link.Unsubscribe, link.Preferences} {
		target := w.links.URL("", link.Link{Kind: kind, Node: gone.Hash(), Purpose: "marketing"})
		has(t, w.form(target, oneClick+"&shown=marketing"), http.StatusOK)
		has(t, w.call(http.MethodGet, target, ""), http.StatusOK)
	}
	has(t, w.json("", w.links.URL("", link.Link{Kind: link.Preferences, Node: gone.Hash()}), `{"purposes":{"marketing":false}}`), http.StatusOK, `{"purposes":{}}`)
	if w.said(gone) != nil || w.writes > 0 {
		t.Errorf("somebody was made: %v, %d commits", w.said(gone), w.writes)
	}
	w.failing = fault.New(fault.NotFound, "no_person", "erased in between")
	has(t, w.form(w.unsubscribe(), oneClick), http.StatusOK)
}

// Row 82, with the link that was in a mail before the erasure.
func TestLinkOfAnErasedPerson(t *testing.T) {
	w := open(t)
	if _, err := w.store.Erase(context.Background(), user, nil); err != nil {
		t.Fatal(err)
	}
	has(t, w.form(w.unsubscribe(), oneClick), http.StatusOK, "unsubscribed")
	has(t, w.form(w.preferences(), "shown=marketing"), http.StatusOK)
	if status := w.json("demo-write", "/v1/preferences", `{"anonymousId":"`+device+`","purposes":{"marketing":true}}`).Code; status != http.StatusNotFound {
		t.Errorf("an erased browser that agrees is answered %d", status)
	}
	erased, err := w.store.Erased(context.Background(), user.Hash())
	if p, _ := w.store.Find(context.Background(), user); !erased || err != nil || p != nil {
		t.Errorf("erased %v, %v, %+v", erased, err, p)
	}
}

// An answer of 200 means that it is stored, so everything else must say so.
func TestFailureIsNotAnsweredAsSuccess(t *testing.T) {
	unreadable := fault.New(fault.Unavailable, "busy", "try again")
	w := open(t)
	w.failing = unreadable
	for _, c := range []struct{ target, body string }{
		{w.unsubscribe(), oneClick},
		{w.preferences(), "shown=marketing"},
	} {
		r := w.form(c.target, c.body)
		has(t, r, http.StatusServiceUnavailable, "Please try again")
		if r.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	has(t, w.json("", w.preferences(), `{"purposes":{"marketing":false}}`), http.StatusServiceUnavailable)
	w.failing = errors.New("disk")
	has(t, w.form(w.unsubscribe(), oneClick), http.StatusInternalServerError, "This did not work")
	w.failing, w.down = nil, unreadable
	for _, target := range []string{w.unsubscribe(), w.preferences()} {
		has(t, w.call(http.MethodGet, target, ""), http.StatusServiceUnavailable)
		has(t, w.form(target, oneClick), http.StatusServiceUnavailable)
	}
	if len(w.said(user)) > 0 {
		t.Errorf("said %v", w.said(user))
	}
}

// The form of our own page comes without an origin that could be listed.
func TestButtonWorksWhateverOriginsAreListed(t *testing.T) {
	w := open(t, "https://shop.example")
	has(t, w.call(http.MethodPost, w.unsubscribe(), oneClick, "Content-Type", encoded, "Origin", "null"), http.StatusOK)
	has(t, w.call(http.MethodPost, w.preferences(), "shown=marketing", "Content-Type", encoded, "Origin", "https://api.example"), http.StatusOK)
	r := w.json("demo-write", "/v1/preferences", `{}`, "Origin", "https://elsewhere.example")
	has(t, r, http.StatusForbidden, "origin_not_allowed")
	r = w.call(http.MethodOptions, "/v1/preferences", "", "Origin", "https://shop.example", "Access-Control-Request-Method", "POST")
	has(t, r, http.StatusNoContent)
	if r.Header().Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Errorf("headers %v", r.Header())
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	w := open(t)
	has(t, w.call(http.MethodDelete, w.unsubscribe(), oneClick), http.StatusMethodNotAllowed)
	has(t, w.call(http.MethodGet, "/v1/other?t=x", ""), http.StatusNotFound)
}
