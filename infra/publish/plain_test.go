package publish_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/publish"
)

func TestTextPart(t *testing.T) {
	for name, c := range map[string]struct{ html, want string }{
		"paragraphs":       {"<p>One &amp; two</p><p>three</p>", "One & two\n\nthree"},
		"a link":           {`<a class="{{ journey }}" href="{{ shop_url }}/cart?a=1&amp;b={{ cart.count }}">Back</a>`, "Back ( {{ shop_url }}/cart?a=1&b={{ cart.count }} )"},
		"styles":           {`<style>.{{ journey }} { color: red }</style><p style="{% if cart.total %}color: red{% endif %}">a</p>`, "a"},
		"a comparison":     {"<p>{% if cart.count < 3 %}few{% elsif cart.count > 9 %}many{% endif %}</p>", "{% if cart.count < 3 %}few{% elsif cart.count > 9 %}many{% endif %}"},
		"rows in a loop":   {"<table><tbody>{% for i in cart.items %}<tr><td>{{ i.name }}</td><td>{{ i.quantity }}</td></tr>{% endfor %}</tbody></table>", "{% for i in cart.items %}\n{{ i.name }} {{ i.quantity }}\n{% endfor %}"},
		"a tag for links":  {`{% if cart.url %}<a href="{{ cart.url }}">x</a>{% else %}y{% endif %}`, "{% if cart.url %} x ( {{ cart.url }} ) {% else %}y{% endif %}"},
		"for Outlook only": {"<!--[if mso]><table><tr><td>{{ journey }}<![endif]--><p>a</p><!--[if mso]></td></tr></table><![endif]-->", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := publish.PlainText(c.html)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestNoTextPart(t *testing.T) {
	_, problems := publish.Load(write(t, map[string]string{"m.yaml": `
sender: {from: "Shop <shop@example.com>", address: 1 Linden Street}
purposes: {marketing: {name: News, basis: opt_out}}
messages: {news: {purpose: marketing, subject: News, html: "<p {% if cart.total %}>a</p><p>{% endif %}b</p>"}}
`}))
	const want = "no text part can be made of the HTML of the message news: write text: yourself; its Liquid begins in one place and ends in another"
	if all := texts(problems); !strings.Contains(all, want) || !strings.Contains(all, "m.yaml:4:") {
		t.Errorf("the problems are %s, want %q", all, want)
	}
}
