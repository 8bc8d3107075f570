package cloud_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/cloud"
)

func TestAMailIsReadAndClicked(t *testing.T) {
	e := &ear{}
	s := office(t, t.TempDir(), e)
	_, id := s.mail("SET", letter("customer@example.com"))
	s.settle()
	e.taken()

	response, _ := s.page("/local/outbox")
	if response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/local/outbox/" {
		t.Errorf("a browser is sent to %d %s", response.StatusCode, response.Header.Get("Location"))
	}
	if _, list := s.page("/local/outbox/"); !strings.Contains(list, `href="/local/outbox/`+id+`"`) || !strings.Contains(list, "Still thinking?") {
		t.Errorf("the list is %s", list)
	}
	response, page := s.page("/local/outbox/" + id)
	for _, want := range []string{
		`src="/local/mail/` + id + `/html" sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"`, "See http://127.0.0.1:8080/shop/cart",
		`action="https://api.example.com/v1/unsubscribe?t=T"`, `name="List-Unsubscribe" value="One-Click"`, "cart-recovery",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if policy := response.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.HasSuffix(policy, "form-action https://api.example.com") {
		t.Errorf("the page's policy is %s", policy)
	}
	response, html := s.page("/local/mail/" + id + "/html")
	if policy := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox allow-same-origin allow-popups ") || strings.Contains(policy, "script") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("the mail's policy is %s", policy)
	}
	var links []string
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		links = append(links, m[1])
	}
	clicks := "/local/mail/" + id + "/click/"
	if diff := cmp.Diff([]string{clicks + "0", clicks + "1", "https://api.example.com/v1/unsubscribe?t=T", "javascript:alert(1)", "mailto:shop@example.com", "http:///x", "/x"}, links); diff != "" {
		t.Errorf("links: %s", diff)
	}
	if got := e.taken(); got != nil {
		t.Errorf("looking at the pages was counted: %q", got)
	}
	if response, _ := s.page("/local/mail/" + id + "/open"); response.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("the image is %s", response.Header.Get("Content-Type"))
	}
	response, _ = s.page(clicks + "0")
	if to := response.Header.Get("Location"); response.StatusCode != http.StatusFound || to != "http://shop.example.com/cart?a=1&b=2" {
		t.Errorf("the link leads to %d %s", response.StatusCode, to)
	}
	s.settle()
	if e.heard[1].detail.Click.UserAgent != "a browser" {
		t.Errorf("%+v", e.heard[1].detail.Click)
	}
	if diff := cmp.Diff([]string{"Open", "Click  http://shop.example.com/cart?a=1&b=2"}, e.taken()); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyLinksOfTheMailAreFollowed(t *testing.T) {
	e := &ear{}
	s := office(t, t.TempDir(), e)
	_, id := s.mail("SET", letter("customer@example.com"))
	s.settle()
	e.taken()
	for _, path := range []string{
		"/local/mail/" + id + "/click/2", "/local/mail/" + id + "/click/-1", "/local/mail/" + id + "/click/https:%2F%2Fevil.example.com",
		"/local/mail/none/click/0", "/local/mail/none/open", "/local/mail/none/html", "/local/outbox/none",
	} {
		if response, body := s.page(path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
	s.ask(httptest.NewRequest(http.MethodHead, "/local/mail/"+id+"/click/0", nil)) // a link checker's
	s.settle()
	if got := e.taken(); got != nil {
		t.Errorf("heard %q", got)
	}
}

func TestAMailThatIsMarkupStaysInItsFrame(t *testing.T) {
	s := office(t, t.TempDir(), &ear{})
	m := letter("customer@example.com")
	m.Subject, m.Text = "<script>alert(1)</script>", "</pre><script>alert(2)</script>"
	m.Headers = map[string]string{"X-Note": "<script>alert(3)</script>", "List-Unsubscribe": "<javascript:alert(4)>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
	_, id := s.mail("SET", m)
	for _, path := range []string{"/local/outbox/", "/local/outbox/" + id} {
		if _, page := s.page(path); strings.Contains(page, "<script") || strings.Contains(page, "javascript:alert(4)\"") {
			t.Errorf("%s: %s", path, page)
		}
	}
}

func TestTheOutboxBeforeTheFirstMail(t *testing.T) {
	s := office(t, t.TempDir(), &ear{})
	var none []any
	if s.read("/local/outbox", &none); none == nil || len(none) != 0 {
		t.Errorf("the list is %v", none)
	}
	if _, page := s.page("/local/outbox/"); !strings.Contains(page, "No mail yet.") {
		t.Errorf("the page is %s", page)
	}
	response, css := s.page("/local/outbox/outbox.css")
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/css") || len(css) < 1000 {
		t.Errorf("the style is %s", response.Header.Get("Content-Type"))
	}
}

func TestMailWithoutHTML(t *testing.T) {
	s := office(t, t.TempDir(), &ear{})
	_, id := s.mail("SET", cloud.Mail{From: "shop@example.com", To: "customer@example.com", Subject: "Plain", Text: "Only text"})
	if _, page := s.page("/local/outbox/" + id); strings.Contains(page, "<iframe") || !strings.Contains(page, "<details open>") || strings.Contains(page, "<form") {
		t.Errorf("the page is %s", page)
	}
}
