package letter_test

import (
	"encoding/json"
	"errors"
	"net/mail"
	"strings"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/letter"
	"rapport/shared/message"
)

const link = `<a href="{{ unsubscribe_url }}">stop</a>`

// given returns what an ordinary letter is made of; tests change a part of it.
func given() (message.Template, message.Sender, letter.Data, letter.Links) {
	return message.Template{
			ID: "cart-reminder", Purpose: "marketing", Guarantee: message.AtMostOnce, Subject: "Hello {{ person.firstName | default: 'there' }}",
			HTML: `<p>Hello {{ person.firstName | default: "there" }}</p>` + link,
			Text: "Hello {{ person.firstName | default: 'there' }}\n{% if person.nick %}\nYes\n{% endif %}\n\n\nstop ( {{ unsubscribe_url }} )\n",
		}, message.Sender{From: "Tea & Co <tea@example.com>", ReplyTo: "help@example.com", Address: "1 Linden Street"},
		letter.Data{
			To: "customer@example.com", Traits: map[string]json.RawMessage{"firstName": json.RawMessage(`"Ann"`)}, Zone: "Europe/Kyiv", Now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
			Message: message.Message{ID: "n1_m1", Journey: "cart-recovery", Step: 0, Content: json.RawMessage(`{"items":[{"product_id":"t1","name":"Linden","price":7.2,"currency":"EUR","quantity":2}]}`)},
		}, letter.Links{Unsubscribe: "https://api.example.com/v1/unsubscribe?t=a.b-c_d&p=marketing", Preferences: "https://api.example.com/v1/preferences?t=a", Site: "https://shop.example.com/"}
}

func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func TestCompose(t *testing.T) {
	l, err := letter.Compose(given())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		l.To: "customer@example.com", l.From: `"Tea & Co" <tea@example.com>`, l.ReplyTo: "<help@example.com>", l.Subject: "Hello Ann",
		l.HTML: `<p>Hello Ann</p><a href="https://api.example.com/v1/unsubscribe?t=a.b-c_d&amp;p=marketing" ses:no-track>stop</a>`,
		l.Text: "Hello Ann\n\nstop ( https://api.example.com/v1/unsubscribe?t=a.b-c_d&p=marketing )",
	}
	for got, want := range want {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if l.Tags["message"] != "n1_m1" || l.Tags["journey"] != "cart-recovery" || l.Tags["step"] != "0" || l.Tags["template"] != "cart-reminder" || len(l.Tags) != 4 {
		t.Errorf("tags are %v", l.Tags)
	}
}

// RFC 8058 as a receiver reads it.
func TestOneClick(t *testing.T) {
	tpl, sender, data, links := given()
	links.Mailto = "stop@example.com"
	l, err := letter.Compose(tpl, sender, data, links)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Headers["List-Unsubscribe-Post"]; got != "List-Unsubscribe=One-Click" {
		t.Errorf("List-Unsubscribe-Post: %s", got)
	}
	if got := l.Headers["List-Unsubscribe"]; got != "<https://api.example.com/v1/unsubscribe?t=a.b-c_d&p=marketing>, <mailto:stop@example.com?subject=unsubscribe>" {
		t.Errorf("List-Unsubscribe: %s", got)
	}
	if got := l.Headers["Feedback-ID"]; got != "cart-reminder:cart-recovery:marketing:rapport" {
		t.Errorf("Feedback-ID: %s", got)
	}
	for name, value := range l.Headers {
		m, err := mail.ReadMessage(strings.NewReader(name + ": " + value + "\r\n\r\n"))
		if err != nil || len(m.Header) != 1 || m.Header.Get(name) != value {
			t.Errorf("%s reads back as %v, %v", name, m, err)
		}
	}

	tpl.Purpose, tpl.HTML = "", "<p>Your receipt</p>"
	if l, err = letter.Compose(tpl, sender, data, letter.Links{}); err != nil || len(l.Headers) != 1 {
		t.Errorf("a receipt has headers %v, %v", l.Headers, err)
	}
}

func TestRefused(t *testing.T) {
	cases := map[string]struct {
		code   string
		change func(*message.Template, *message.Sender, *letter.Data, *letter.Links)
	}{
		"no unsubscribe link": {"render_unsubscribe", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) { t.HTML = "<p>Buy</p>" }},
		"a link to preferences only": {"render_unsubscribe", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.HTML = `<a href="{{ preferences_url }}">x</a>`
		}},
		"link in a comment": {"render_unsubscribe", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.HTML = "<!--" + link + "-->"
		}},
		"link as text": {"render_unsubscribe", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.HTML = "{{ unsubscribe_url }}"
		}},
		"no unsubscribe address": {"render_unsubscribe", func(_ *message.Template, _ *message.Sender, _ *letter.Data, l *letter.Links) { l.Unsubscribe = "" }},
		"http": {"render_unsubscribe", func(_ *message.Template, _ *message.Sender, _ *letter.Data, l *letter.Links) {
			l.Unsubscribe = "http://api.example.com/u"
		}},
		"two addresses in one": {"render_unsubscribe", func(_ *message.Template, _ *message.Sender, _ *letter.Data, l *letter.Links) {
			l.Unsubscribe = "https://a.example.com/>,<https://b.example.com/"
		}},
		"a long address": {"render_header", func(_ *message.Template, _ *message.Sender, _ *letter.Data, l *letter.Links) {
			l.Unsubscribe = "https://a.example.com/" + strings.Repeat("a", 980)
		}},
		"an address beyond ASCII": {"render_header", func(_ *message.Template, _ *message.Sender, _ *letter.Data, l *letter.Links) {
			l.Unsubscribe = "https://a.example.com/ü"
		}},
		"mailto with more": {"render_address", func(_ *message.Template, _ *message.Sender, _ *letter.Data, l *letter.Links) {
			l.Mailto = "a@example.com?bcc=b@example.com"
		}},
		"row 70, from with a line": {"render_sender", func(_ *message.Template, s *message.Sender, _ *letter.Data, _ *letter.Links) {
			s.From = "Tea\r\nBcc: b@example.com <tea@example.com>"
		}},
		"no from": {"render_sender", func(_ *message.Template, s *message.Sender, _ *letter.Data, _ *letter.Links) { s.From = "" }},
		"two reply-tos": {"render_sender", func(_ *message.Template, s *message.Sender, _ *letter.Data, _ *letter.Links) {
			s.ReplyTo = "a@example.com, b@example.com"
		}},
		"row 65, a subject of what is missing": {"render_subject", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.Subject = "{{ person.nick }}\r\n"
		}},
		"a tag with a space": {"render_tag", func(_ *message.Template, _ *message.Sender, d *letter.Data, _ *letter.Links) { d.Message.ID = "a b" }},
		"a long tag": {"render_tag", func(_ *message.Template, _ *message.Sender, d *letter.Data, _ *letter.Links) {
			d.Message.Journey = strings.Repeat("j", 257)
		}},
		"an empty tag": {"render_tag", func(_ *message.Template, _ *message.Sender, d *letter.Data, _ *letter.Links) { d.Message.ID = "" }},
		"abort": {"render_abort", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.Subject = `{% abort "no" %}`
		}},
		"an open value in the body": {"render_unfinished", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) { t.HTML += "{{ person." }},
		"an empty text": {"render_text", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.Text = "{{ person.nick }}\n"
		}},
		"an unknown filter": {"render_failed", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.Text = "{{ now | nope }}"
		}},
		"script": {"render_unsafe", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.HTML += "<ScRiPt>1</script>"
		}},
		"an event handler": {"render_unsafe", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.HTML += "<img src=x onError=1>"
		}},
		"javascript from a person": {"render_unsafe", func(t *message.Template, _ *message.Sender, d *letter.Data, _ *letter.Links) {
			t.HTML += `<a href="{{ person.site }}">`
			d.Traits["site"] = json.RawMessage(`"JaVa\tscript:alert(1)"`)
		}},
		"data from a person": {"render_unsafe", func(t *message.Template, _ *message.Sender, d *letter.Data, _ *letter.Links) {
			t.HTML += `<img src="{{ person.site }}">`
			d.Traits["site"] = json.RawMessage(`" data:text/html,x"`)
		}},
		"javascript for Outlook only": {"render_unsafe", func(t *message.Template, _ *message.Sender, _ *letter.Data, _ *letter.Links) {
			t.HTML += `<!--[if mso]><a href="javascript:x"><![endif]-->`
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			tpl, sender, data, links := given()
			c.change(&tpl, &sender, &data, &links)
			l, err := letter.Compose(tpl, sender, data, links)
			if codeOf(err) != c.code || fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v, want %s", err, c.code)
			}
			if err == nil || l.HTML != "" && c.code != "render_tag" {
				t.Errorf("a letter came out all the same: %.80q", l.HTML)
			}
		})
	}
}

// Rows 67 and 68: one plain address. Row 69: of one person.
func TestAddresses(t *testing.T) {
	for _, good := range []string{"customer@example.com", "a.b+c@sub.example.co", "x@xn--bcher-kva.example", "A_b-1@EXAMPLE.com", strings.Repeat("a", 64) + "@example.com"} {
		if err := letter.CheckAddress(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "a", "@example.com", "a@", "a@b", "a@b\r\nBcc:v@x.com", "a@b.com,c@d.com", "a@b.com; c@d.com", "a@[127.0.0.1]", "a@127.0.0.1", strings.Repeat("a", 300) + "@b.com",
		strings.Repeat("a", 65) + "@b.com", "ä@b.com", "a@bücher.example", `"a b"@b.com`, "a..b@c.com", ".a@b.com", "a.@b.com", "Ann <a@b.com>", "<a@b.com>", "a@b.com (x)", "a@b..com", "a@-b.com",
		"a@b.com.", " a@b.com", "a@b.com\n", "a@b@c.com", "a@" + strings.Repeat("b.", 130) + "com",
	} {
		tpl, sender, data, links := given()
		data.To = bad
		if _, err := letter.Compose(tpl, sender, data, links); codeOf(err) != "render_address" || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Row 66: whatever a person typed stays in its place: one subject line, no markup, no
// template, no address that runs.
func TestHostileValues(t *testing.T) {
	tpl, sender, data, links := given()
	data.Traits["firstName"] = json.RawMessage(`"Ann\r\nBcc: v@example.com\u2028x\u202e\u0000 <b>{{ now }}"`)
	data.Message.Content = json.RawMessage(`{"items":[
		{"name":"<script>x</script>","price":"1.10","currency":"EUR","quantity":3,"url":"javascript:x","image_url":"https://u:p@x.example.com/a.png"},
		{"name":{"a":1},"product_id":7,"price":-1,"url":"https://x.example.com/\"onclick=\"a","quantity":"2"}]}`)
	tpl.HTML += `{% for i in cart.items %}[{{ i.name }}|{{ i.url | default: "-" }}|{{ i.image_url | default: "-" }}|{{ i.quantity }}|{{ i.total | default: "?" }}]{% endfor %}{{ cart.total | default: "none" }} {{ cart.count }}`
	l, err := letter.Compose(tpl, sender, data, links)
	if err != nil {
		t.Fatal(err)
	}
	if want := "Hello Ann Bcc: v@example.com x <b>{{ now }}"; l.Subject != want {
		t.Errorf("subject %q, want %q", l.Subject, want)
	}
	_, body, _ := strings.Cut(l.HTML, "</a>")
	if want := `[&lt;script&gt;x&lt;/script&gt;|-|-|3|3.3][7|https://x.example.com/&#34;onclick=&#34;a|-|1|?]none 4`; body != want {
		t.Errorf("body %s\nwant %s", body, want)
	}
	if strings.Contains(l.HTML, "<script") || strings.Contains(l.HTML, "{{") || !strings.Contains(l.Text, "{{ now }}") {
		t.Errorf("HTML %s\ntext %s", l.HTML, l.Text)
	}
}

func TestCart(t *testing.T) {
	tpl, sender, data, links := given()
	tpl.HTML = `{{ cart.count }} for {% if cart.total %}{{ cart.total | money: cart.currency }}{% else %}?{% endif %}` + link
	for content, want := range map[string]string{
		`{"items":[{"name":"a","price":0.1,"quantity":3,"currency":"EUR"},{"name":"b","price":"0.20","quantity":1,"currency":"EUR"}]}`: "4 for €0.50",
		`{"items":[{"name":"a","price":1,"quantity":1,"currency":"EUR"},{"name":"b","price":1,"quantity":1,"currency":"USD"}]}`:        "2 for ?",
		`{"items":[{"name":"a","price":1,"quantity":1,"currency":"EUR"},{"name":"b","quantity":1,"currency":"EUR"}]}`:                  "2 for ?",
		`{"items":[]}`: "0 for ?", ``: "0 for ?", `[`: "0 for ?", `{"items":{}}`: "0 for ?",
		`{"items":[{"name":"a","price":1e999,"quantity":1}]}`: "1 for ?",
		`{"items":[{"name":"a","price":2}]}`:                  "1 for 2.00",
	} {
		data.Message.Content = json.RawMessage(content)
		l, err := letter.Compose(tpl, sender, data, links)
		if got, _, _ := strings.Cut(l.HTML, "<"); err != nil || got != want {
			t.Errorf("%s gives %q, %v; want %q", content, got, err, want)
		}
	}
}

func TestLongSubject(t *testing.T) {
	tpl, sender, data, links := given()
	tpl.Subject = strings.Repeat("ї", 300)
	l, err := letter.Compose(tpl, sender, data, links)
	if err != nil || len([]rune(l.Subject)) != 250 || !strings.HasSuffix(l.Subject, "ї…") {
		t.Errorf("subject %q, %v", l.Subject, err)
	}
}

func TestPreferencesAreNotTrackedEither(t *testing.T) {
	tpl, sender, data, links := given()
	tpl.HTML += `<a class="x" href="{{ preferences_url }}" ses:no-track>a</a><a href="https://shop.example.com">b</a>`
	l, err := letter.Compose(tpl, sender, data, links)
	if err != nil || strings.Count(l.HTML, "ses:no-track") != 2 {
		t.Errorf("%s, %v", l.HTML, err)
	}
}
