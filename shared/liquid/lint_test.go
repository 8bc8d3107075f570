package liquid_test

import (
	"fmt"
	"strings"
	"testing"

	"rapport/shared/liquid"
)

var known = liquid.Known{
	"person.*": false, "cart.count": true, "cart.total": false, "cart.currency": true,
	"cart.items[].name": true, "cart.items[].price": false, "now": true,
}

func TestLint(t *testing.T) {
	cases := []struct{ name, source, want string }{
		{"with defaults", "Hi {{ person.first_name | capitalize | default: 'there' }}, {{ cart.count }} {{ now | date: '%Y' }}", ""},
		{"a loop", "{% for item in cart.items %}{{ item.name }}{{ forloop.index }}{% if item.price %}{{ item.price | money: cart.currency }}{% endif %}{% endfor %}{{ cart.items.size }}{{ cart.items.first.name }}{{ cart.items[0].name }}", ""},
		{"asked for before", "{% if cart.total and cart.count > 1 %}{{ cart.total | money: cart.currency }}{% endif %}", ""},
		{"an index by name", `{{ person["first-name"] | default: "x" }}`, ""},
		{"a language", `{{ person.language | t: "Hello", uk: "Вітаємо" }}`, ""},
		{"assigned", "{% assign n = person.name | default: 'you' %}{{ n }}{% capture c %}{{ n }}{% endcapture %}{{ c }}{% for i in (1..3) %}{{ i }}{% endfor %}", ""},
		{"words in texts", "{{ 'person.x | y' }}{% if cart.count == 1 and 'a' contains 'b' %}{% endif %}", ""},

		{"no default", "Hi\n{{ person.name }}", `2: {{ person.name }} may be missing: add what to write then, like | default: "there"`},
		{"a default that may be missing", "{{ person.name | default: person.nick }}", `1: {{ person.name | default: person.nick }} may be missing: add what to write then, like | default: "there"`},
		{"no default behind a filter", "{{ person.name | upcase }}", `1: {{ person.name | upcase }} may be missing: add what to write then, like | default: "there"`},
		{"assigned without default", "{% assign n = person.name %}{{ n }}", `1: {{ n }} may be missing: add what to write then, like | default: "there"`},
		{"assigned by a filter without default", "{% assign n = person.name | upcase %}{{ n }}", `1: {{ n }} may be missing: add what to write then, like | default: "there"`},
		{"a price in a loop", "{% for i in cart.items %}\n{{ i.price }}{% endfor %}", `2: {{ i.price }} may be missing: add what to write then, like | default: "there"`},
		{"after the if", "{% if cart.total %}{% endif %}{{ cart.total }}", `1: {{ cart.total }} may be missing: add what to write then, like | default: "there"`},
		{"no such root", "{{ persn.name | default: 'x' }}", "1: there is no persn.name; a template knows cart, now, person"},
		{"no such field", "{{ cart.sum | default: 0 }}", "1: there is no cart.sum; a template knows cart, now, person"},
		{"no such field of an item", "{% for i in cart.items %}{{ i.colour }}{% endfor %}", "1: there is no i.colour; a template knows cart, now, person"},
		{"in a condition", "{% if crt.count > 1 %}{% endif %}", "1: there is no crt.count; a template knows cart, now, person"},
		{"out of its loop", "{% for i in cart.items %}{% endfor %}{{ i.name }}", "1: there is no i.name; a template knows cart, now, person"},
		{"in an argument", "{{ 5 | money: currency }}", "1: there is no currency; a template knows cart, now, person"},
		{"no such filter", "{{ cart.count | dubble }}", `1: there is no filter "dubble"`},
		{"a removed filter", "{{ cart.count | inspect }}", `1: there is no filter "inspect"`},
		{"a whole object", "{{ cart }}", "1: {{ cart }} prints everything in cart: name the value inside that is meant"},
		{"a whole list", "{{ cart.items }}", "1: {{ cart.items }} prints everything in cart.items: name the value inside that is meant"},
		{"an open value", "a\nb {{ cart.", `2: "{{" is not closed, or holds what cannot stand there`},
		{"an open tag", "a\n\n{% abort_message(\"x\") %}", `3: "{%" is not closed, or holds what cannot stand there`},
		{"without quotes", "<a href={{ cart.currency }}>", "1: put quotes around {{ cart.currency }}: a value with a space would end the attribute"},
		{"no condition", "a\n{% if %}{% endif %}", `2: syntax error in "" in {% if %}`},
		{"an unknown tag", "a\n{% include 'x' %}", `2: undefined tag "include" in {% include 'x' %}`},
		{"an unclosed block", "a\n{% if cart.count %}", `2: unterminated "if" block in {% if cart.count %}`},
		{"a loop without end", "{% for i in (1..99999) %}{% endfor %}", "1: the loops here make over 10000 rounds"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var lines []string
			for _, p := range liquid.Lint(c.source, known) {
				lines = append(lines, fmt.Sprintf("%d: %s", p.Line, p.Message))
			}
			got := strings.Join(lines, "\n")
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
