package site_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func post(t *testing.T, h http.Handler, path, body string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestSignIn(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		want       string // the user id, or the code of the failure
	}{
		{"user id", `{"userId":"ada-7"}`, 200, "ada-7"},
		{"e-mail", `{"email":"Customer@Example.com","country":"UA"}`, 200, "customer-e233d4a29013"},
		{"the same e-mail, written otherwise", `{"email":"customer@example.com"}`, 200, "customer-e233d4a29013"},
		{"empty country", `{"userId":"ada-7","country":""}`, 200, "ada-7"},
		{"no name at all", `{}`, 422, "bad_email"},
		{"not an address", `{"email":"customer"}`, 422, "bad_email"},
		{"a display name", `{"email":"Customer <customer@example.com>"}`, 422, "bad_email"},
		{"markup as id", `{"userId":"<b>ada</b>"}`, 422, "bad_user_id"},
		{"country in words", `{"userId":"ada-7","country":"Ukraine"}`, 422, "bad_country"},
		{"unknown field", `{"userId":"ada-7","admin":true}`, 400, "duplicate_or_unknown_field"},
		{"not JSON", `userId=ada`, 400, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := post(t, shop(t), "/shop/sign-in", c.body)
			var got struct {
				UserID, Proof string
				Error         struct{ Code, Message string }
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%s: %v", w.Body, err)
			}
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if c.status != http.StatusOK {
				if len(w.Result().Cookies()) != 0 || got.Error.Message == "" || (c.want != "" && got.Error.Code != c.want) {
					t.Errorf("%s with cookies %v, want %s", w.Body, w.Result().Cookies(), c.want)
				}
				return
			}
			if got.UserID != c.want || got.Proof != "proof of "+c.want+" for 1h0m0s" {
				t.Errorf("%s, want %s", w.Body, c.want)
			}
		})
	}
}

func TestSignInTakesJSONOnly(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/shop/sign-in", strings.NewReader(`{"userId":"ada-7"}`))
	r.Header.Set("Content-Type", "text/plain") // what a form of another site can send
	w := httptest.NewRecorder()
	shop(t).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || len(w.Result().Cookies()) != 0 {
		t.Errorf("status %d, cookies %v", w.Code, w.Result().Cookies())
	}
}

func TestSession(t *testing.T) {
	h := shop(t)
	if w := post(t, h, "/shop/session", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("a stranger gets %d %s", w.Code, w.Body)
	}
	in := post(t, h, "/shop/sign-in", `{"userId":"ada-7"}`).Result().Cookies()
	if len(in) != 1 || !in[0].HttpOnly || in[0].SameSite != http.SameSiteLaxMode {
		t.Fatalf("cookies %v", in)
	}
	// The session decides, whatever the page says.
	w := post(t, h, "/shop/session", `{"userId":"eve"}`, in...)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"userId":"ada-7"`) {
		t.Errorf("renewal: %d %s", w.Code, w.Body)
	}
	if page := get(t, h, "/shop/account", in...).Body.String(); !strings.Contains(page, "<b>ada-7</b>") {
		t.Errorf("the account page does not know who is signed in")
	}
	out := post(t, h, "/shop/sign-out", `{}`, in...)
	if c := out.Result().Cookies(); out.Code != http.StatusNoContent || len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("sign-out: %d, cookies %v", out.Code, c)
	}
}

func TestCookieOfAnotherMaking(t *testing.T) {
	for _, value := range []string{"%", "%3Cb%3E", "", "x"} {
		c := &http.Cookie{Name: "shop_user", Value: value}
		if w := post(t, shop(t), "/shop/session", "", c); w.Code != http.StatusUnauthorized {
			t.Errorf("cookie %q: %d %s", value, w.Code, w.Body)
		}
	}
}
