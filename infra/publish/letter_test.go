package publish_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"rapport/infra/publish"
	"rapport/shared/letter"
	"rapport/shared/message"
	"rapport/shared/strategy"
)

// reminder composes the sample's mail for a cart.
func reminder(t *testing.T, content, firstName string) (letter.Letter, error) {
	t.Helper()
	doc, problems := publish.Load("../strategy")
	if len(problems) > 0 {
		t.Fatal(texts(problems))
	}
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	j, _ := s.Journey("cart-recovery")
	tpl, ok := s.Message(j.Steps[0].Send)
	if !ok {
		t.Fatal("the journey sends nothing")
	}
	data := letter.Data{
		To: "customer@example.com", Zone: s.Zone, Now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Traits: map[string]json.RawMessage{},
		Message: message.Message{ID: "n1_m1", Journey: j.ID, Template: tpl.ID, Content: json.RawMessage(content)},
	}
	if firstName != "" {
		data.Traits["firstName"] = json.RawMessage(firstName)
	}
	const base = "http://127.0.0.1:8080"
	return letter.Compose(tpl, s.Sender, data, letter.Links{Unsubscribe: base + "/v1/unsubscribe?t=abc", Preferences: base + "/v1/preferences?t=abc", Site: base})
}

const basket = `{"items":[
	{"product_id":"linden-blossom","name":"Linden Blossom","price":7.2,"currency":"EUR","quantity":2,"url":"http://127.0.0.1:8080/shop/tea/linden-blossom","image_url":"http://127.0.0.1:8080/shop/img/linden-blossom.png"},
	{"product_id":"morning-assam","name":"Morning <Assam>","price":9.8,"currency":"EUR","quantity":1}]}`

// TestSampleMail holds the sample's mail to what it is for: the cart's content,
// a way back to it, and a way out.
func TestSampleMail(t *testing.T) {
	l, err := reminder(t, basket, `"Ann"`)
	if err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("MAIL_HTML"); path != "" { // to look at it
		if err := os.WriteFile(path, []byte(l.HTML), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if l.Subject != "Your teas are still in the basket" || l.From != `"Linden & Leaf" <tea@example.com>` {
		t.Errorf("subject %q from %q", l.Subject, l.From)
	}
	for _, want := range []string{
		"Hello Ann,", "Linden Blossom", "2 × €7.20", "€14.40", "Morning &lt;Assam&gt;", "€24.20", `href="http://127.0.0.1:8080/shop/cart"`,
		`src="http://127.0.0.1:8080/shop/img/linden-blossom.png"`, `href="http://127.0.0.1:8080/shop/tea/linden-blossom"`, `href="http://127.0.0.1:8080/v1/unsubscribe?t=abc"`, "1 Example Street",
	} {
		if !strings.Contains(l.HTML, want) {
			t.Errorf("the HTML has no %s", want)
		}
	}
	for _, want := range []string{"Hello Ann,", "Linden Blossom", "€24.20", "Back to your basket ( http://127.0.0.1:8080/shop/cart )", "Unsubscribe ( http://127.0.0.1:8080/v1/unsubscribe?t=abc )"} {
		if !strings.Contains(l.Text, want) {
			t.Errorf("the text has no %s:\n%s", want, l.Text)
		}
	}
	if strings.Count(l.HTML, "ses:no-track") != 2 || strings.Count(l.HTML, "<tr") < 4 || strings.Contains(l.HTML, "fonts.googleapis") || len(l.HTML) > 20_000 {
		t.Errorf("%d bytes of HTML:\n%s", len(l.HTML), l.HTML)
	}
}

func TestSampleMailForOne(t *testing.T) {
	l, err := reminder(t, `{"items":[{"name":"Linden Blossom","quantity":1}]}`, "")
	if err != nil || l.Subject != "Your Linden Blossom is still in the basket" || !strings.Contains(l.Text, "Hello there") || strings.Contains(l.Text, "Total") {
		t.Errorf("subject %q, %v, text\n%s", l.Subject, err, l.Text)
	}
	if _, err := reminder(t, `{"items":[]}`, ""); err == nil || err.Error() != "the basket is empty" {
		t.Errorf("an empty basket gives %v", err)
	}
}
