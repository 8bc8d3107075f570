package publish_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"rapport/infra/publish"
	"rapport/shared/message"
	"rapport/shared/strategy"
)

// goodMail is mail in order; tests change a line of it.
const goodMail = `zone: Europe/Kyiv
sender:
  from: Tea <tea@example.com>
  address: 1 Example Street
purposes:
  marketing:
    name: News
    basis: opt_out
messages:
  reminder:
    purpose: marketing
    subject: 'Hello {{ person.firstName | default: "there" }}'
    mjml: reminder.mjml
  plain:
    purpose: marketing
    subject: Hello
    html: |
      <p>Hello</p>
      <p>{{ sender.address }} <a href="{{ unsubscribe_url }}">stop</a></p>
journeys:
  cart:
    start: Product Added
    key: cart_id
    change: [Product Removed, Cart Viewed]
    goal: Order Completed
    steps:
      - {wait: 1h, send: reminder}
      - {wait: 1d12h30m, send: plain}
`

const goodMJML = `<mjml>
  <mj-body>
    <mj-raw>{% if cart.count > 0 %}</mj-raw>
    <mj-section><mj-column>
      <mj-text>Hello</mj-text>
      <mj-text>{{ sender.address }} <a href="{{ unsubscribe_url }}">stop</a></mj-text>
    </mj-column></mj-section>
    <mj-raw>{% endif %}</mj-raw>
  </mj-body>
</mjml>
`

// noAddress is said of the good mail when it has no postal address.
const noAddress = "\nwarning m.yaml:13:11: the message reminder shows no postal address, which the law of many countries asks for: set address of the sender, and print {{ sender.address }}" +
	"\nwarning m.yaml:17:11: the message plain shows no postal address, which the law of many countries asks for: set address of the sender, and print {{ sender.address }}"

func TestGoodMail(t *testing.T) {
	doc, problems := publish.Load(write(t, map[string]string{"m.yaml": goodMail, "reminder.mjml": goodMJML}))
	if len(problems) > 0 {
		t.Fatalf("problems: %s", texts(problems))
	}
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := s.Message("reminder")
	if m.Guarantee != message.AtMostOnce || !strings.Contains(m.HTML, "<table") || !strings.Contains(m.HTML, "{% if cart.count > 0 %}") || !strings.Contains(m.Text, "{{ sender.address }} stop ( {{ unsubscribe_url }} )") {
		t.Errorf("the message is %+v", m)
	}
	j, _ := s.Journey("cart")
	want, err := strategy.SealJourney(j)
	if err != nil || j.Version != want.Version || j.Steps[0].Wait != time.Hour || j.Steps[1].Wait != 36*time.Hour+30*time.Minute || len(j.Change) != 2 || j.Goal[0] != "Order Completed" {
		t.Errorf("the journey is %+v", j)
	}
	if p, _ := s.Purpose("marketing"); p.Basis != message.OptOut || p.Name != "News" || s.Sender.From != "Tea <tea@example.com>" {
		t.Errorf("the purpose is %+v, the sender %+v", p, s.Sender)
	}
}

// A journey that says nothing of its events is the one that says all of it.
func TestCartNeedsNoConfiguration(t *testing.T) {
	short := goodMail
	for _, line := range []string{"    start: Product Added\n", "    key: cart_id\n", "    change: [Product Removed, Cart Viewed]\n", "    goal: Order Completed\n"} {
		short = strings.Replace(short, line, "", 1)
	}
	long, problems := publish.Load(write(t, map[string]string{"m.yaml": goodMail, "reminder.mjml": goodMJML}))
	got, more := publish.Load(write(t, map[string]string{"m.yaml": short, "reminder.mjml": goodMJML}))
	if len(problems)+len(more) > 0 || got.Version != long.Version || len(short) == len(goodMail) {
		t.Errorf("version %s, and %s when it is written out: %s", got.Version, long.Version, texts(more))
	}
}

// mailChanges are edits of the good mail, each with the problems that it makes.
// Structural ones are those that the JSON Schema must find as well.
var mailChanges = []struct {
	name, old, new string
	want           string
	structural     bool
}{
	{"unknown key of the sender", "  address:", "  addressx:", `m.yaml:4:3: the sender has no key "addressx"; did you mean "address"?` + noAddress, true},
	{"no from", "  from: Tea <tea@example.com>\n", "", `m.yaml:3:3: the sender needs from`, true},
	{"from without address", "Tea <tea@example.com>", "Tea", `m.yaml:3:9: from of the sender must be an address like Shop <shop@example.com>`, true},
	{"two froms", "Tea <tea@example.com>", "a@example.com, b@example.com", `m.yaml:3:9: from of the sender must be an address like Shop <shop@example.com>`, false},
	{"links over http", "  address:", "  links: http://example.com\n  address:", `m.yaml:4:10: links of the sender must begin with https:// and have neither ? nor #`, true},
	{"site with a query", "  address:", "  site: https://example.com/?a=1\n  address:", `m.yaml:4:9: site of the sender must begin with https:// and have neither ? nor #`, true},
	{"links to this machine", "  address:", "  links: http://127.0.0.1:8080/\n  site: https://example.com/shop\n  address:", "", false},
	{"no sender", "sender:\n  from: Tea <tea@example.com>\n  address: 1 Example Street\n", "", "m.yaml:8:5: the message reminder comes from nobody: write sender: with from: in one file\n" +
		"m.yaml:12:5: the message plain comes from nobody: write sender: with from: in one file", false},
	{"no postal address", "  address: 1 Example Street\n", "", strings.NewReplacer(":13:", ":12:", ":17:", ":16:").Replace(noAddress[1:]), false},
	{"bad basis", "basis: opt_out", "basis: optout", `m.yaml:8:12: basis of the purpose marketing cannot be "optout"; did you mean "opt_out"?`, true},
	{"no basis", "    basis: opt_out\n", "", `m.yaml:7:5: the purpose marketing needs basis`, true},
	{"unknown purpose", "    purpose: marketing\n    subject: Hello\n", "    purpose: marketin\n    subject: Hello\n", `m.yaml:15:14: the message plain has the purpose "marketin", which does not exist; did you mean "marketing"?`, false},
	{"no purpose", "    purpose: marketing\n    subject: Hello\n", "    subject: Hello\n", `m.yaml:15:5: the message plain needs purpose`, true},
	{"bad guarantee", "    subject: Hello\n", "    subject: Hello\n    guarantee: once\n", `m.yaml:17:16: guarantee of the message plain cannot be "once"; there is at_least_once, at_most_once`, true},
	{"a receipt", "    subject: Hello\n", "    subject: Hello\n    guarantee: at_least_once\n", "", true},
	{"no template", "    mjml: reminder.mjml\n", "", `m.yaml:11:5: the message reminder needs either mjml, the name of a file, or html`, true},
	{"two templates", "    mjml: reminder.mjml\n", "    mjml: reminder.mjml\n    html: <p>\n", `m.yaml:11:5: the message reminder needs either mjml, the name of a file, or html`, true},
	{"a path", "mjml: reminder.mjml", "mjml: ../reminder.mjml", `m.yaml:13:11: mjml of the message reminder must be the name of a file in this folder that ends in .mjml`, true},
	{"no such file", "mjml: reminder.mjml", "mjml: remainder.mjml", `m.yaml:13:11: remainder.mjml cannot be read: put it into the folder of the strategy`, false},
	{"subject without default", ` | default: "there"`, "", `m.yaml:12:15: {{ person.firstName }} may be missing: add what to write then, like | default: "there"`, false},
	{"Liquid without quotes", `'Hello {{ person.firstName | default: "there" }}'`, `Hello {{ person.firstName | default: "there" }}`, `m.yaml:12:49: this is not YAML: mapping values are not allowed in this context; put a text that holds ": " into quotes`, false},
	{"unclosed in html", "<p>Hello</p>\n", "<p>Hello</p>\n      <p>{{ cart.count</p>\n", `m.yaml:19:7: "{{" is not closed, or holds what cannot stand there`, false},
	{"html without a default", "<p>Hello</p>\n", "<p>Hello</p>\n      <p>{{ person.a }}</p>\n", `m.yaml:19:7: {{ person.a }} may be missing: add what to write then, like | default: "there"`, false},
	{"no unsubscribe link", "{{ unsubscribe_url }}", "{{ shop_url }}", `m.yaml:17:11: the message plain cannot be sent: the mail plain has no link to {{ unsubscribe_url }}`, false},
	{"postal address not printed", "<p>{{ sender.address }} <a", "<p><a", "warning m.yaml:17:11: the message plain shows no postal address, which the law of many countries asks for: set address of the sender, and print {{ sender.address }}", false},
	{"fails when it is sent", "<p>Hello</p>", "<p>{{ cart.items.first.name | money }}</p>", `m.yaml:17:11: the message plain cannot be sent: a value that money was given is no amount`, false},
	{"a script", "<p>Hello</p>", "<script>1</script>", `m.yaml:17:11: the message plain cannot be sent: a mail cannot have <script>`, false},
	{"unknown message", "send: plain", "send: plian", `m.yaml:28:32: step 2 of the journey cart sends the message "plian", which does not exist; did you mean "plain"?`, false},
	{"unknown key of a step", "wait: 1h", "wiat: 1h", "m.yaml:27:9: step 1 of the journey cart needs wait\n" + `m.yaml:27:10: step 1 of the journey cart has no key "wiat"; did you mean "wait"?`, true},
	{"no wait", "wait: 1h", "wait: 0m", `m.yaml:27:16: wait of step 1 of the journey cart must be from 1m to 365d`, false},
	{"a long wait", "wait: 1h", "wait: 366d", `m.yaml:27:16: wait of step 1 of the journey cart must be from 1m to 365d`, false},
	{"long together", "wait: 1h", "wait: 364d", `m.yaml:27:7: the journey cart takes over 365 days: shorten its waits`, false},
	{"seconds", "wait: 1h", "wait: 90s", `m.yaml:27:16: wait of step 1 of the journey cart must be a duration like 45m, 1h30m or 3d`, true},
	{"a number", "wait: 1h", "wait: 60", `m.yaml:27:16: wait of step 1 of the journey cart must be text, not a number`, true},
	{"a negative wait", "wait: 1h", "wait: -1h", `m.yaml:27:16: wait of step 1 of the journey cart must be a duration like 45m, 1h30m or 3d`, true},
	{"no steps", "    steps:\n      - {wait: 1h, send: reminder}\n      - {wait: 1d12h30m, send: plain}\n", "    steps: []\n", `m.yaml:26:12: steps of the journey cart must be a list of 1 to 10 steps`, true},
	{"no goal", "    goal: Order Completed\n", "", `m.yaml:22:5: the journey cart needs goal`, true},
	{"empty goal", "goal: Order Completed", "goal: []", `m.yaml:25:11: goal of the journey cart must list 1 to 20 texts`, true},
	{"a goal that starts", "goal: Order Completed", "goal: [Order Completed, Product Added]", `m.yaml:25:11: "Product Added" cannot be a goal of the journey cart and also start or change it`, false},
	{"no start, so it is about the cart", "    start: Product Added\n", "", "", true},
	{"a misspelt goal", "goal: Order Completed", "goal: Order Complete", `warning m.yaml:25:11: the journey cart names the event "Order Complete"; did you mean "Order Completed", as the Segment spec has it?`, false},
	{"a misspelt change", "[Product Removed, Cart Viewed]", "[Product Removd, Cart Viewed]", `warning m.yaml:24:14: the journey cart names the event "Product Removd"; did you mean "Product Removed", as the Segment spec has it?`, false},
	{"quiet hours", "purposes:", "quiet_hours: {from: \"21:00\", to: \"08:00\", zones: [Europe/Kyiv, Europe/Lisbon]}\npurposes:", "", true},
	{"quiet hours for none", "purposes:", "quiet_hours: none\npurposes:", "", true},
	{"quiet hours anywhere", "purposes:", "quiet_hours: {from: \"21:00\", to: \"08:00\"}\npurposes:", `warning m.yaml:5:14: quiet_hours of the strategy are on somewhere at every moment, so people whose zone is unknown are written to only around the middle of the day in the zone of the strategy: name in zones: where your people live`, false},
	{"a short night anywhere", "purposes:", "quiet_hours: {from: \"02:00\", to: \"02:20\"}\npurposes:", "", true},
	{"quiet hours without an end", "purposes:", "quiet_hours: {from: \"21:00\"}\npurposes:", `m.yaml:5:14: quiet_hours of the strategy needs to`, true},
	{"quiet hours that are a text", "purposes:", "quiet_hours: at night\npurposes:", `m.yaml:5:14: quiet_hours of the strategy must be keys with values, not text`, true},
	{"no time of day", "purposes:", "quiet_hours: {from: \"9pm\", to: \"08:00\", zones: Europe/Kyiv}\npurposes:", `m.yaml:5:21: from of quiet_hours of the strategy must be a time of day like "21:00"`, true},
	{"hours that end as they begin", "purposes:", "quiet_hours: {from: \"08:00\", to: \"08:00\"}\npurposes:", `m.yaml:5:34: to of quiet_hours of the strategy must differ from from; write quiet_hours: none for no quiet hours`, false},
	{"no such zone", "purposes:", "quiet_hours: {from: \"21:00\", to: \"08:00\", zones: Mars/Base}\npurposes:", `m.yaml:5:50: there is no time zone "Mars/Base": write an IANA name like Europe/Kyiv`, false},
	{"budget", "purposes:", "budget: {most: 3, within: 7d}\npurposes:", "", true},
	{"a budget of nothing", "purposes:", "budget: {most: 0, within: 7d}\npurposes:", `m.yaml:5:16: most of budget of the strategy must be a whole number from 1 to 1000`, true},
	{"a budget for a year", "purposes:", "budget: {most: 3, within: 32d}\npurposes:", `m.yaml:5:27: within of budget of the strategy must be a number of days from 1d to 31d`, false},
	{"a budget in hours", "purposes:", "budget: {most: 3, within: 7h}\npurposes:", `m.yaml:5:27: within of budget of the strategy must be a number of days from 1d to 31d`, true},
	{"a purpose of its own", "    basis: opt_out\n", "    basis: opt_out\n    quiet_hours: {from: \"20:00\", to: \"09:00\"}\n    budget: {most: 1, within: 1d}\n", "", true},
	{"a purpose at any hour", "    basis: opt_out\n", "    basis: opt_out\n    quiet_hours: none\n", "", true},
	{"zones of a purpose", "    basis: opt_out\n", "    basis: opt_out\n    quiet_hours: {from: \"20:00\", to: \"09:00\", zones: Europe/Kyiv}\n", `m.yaml:9:47: quiet_hours of the purpose marketing has no key "zones"; there is from, to`, true},
	{"transactional", "    basis: opt_out\n", "    basis: opt_out\n    transactional: true\n", "", true},
	{"transactional with a budget", "    basis: opt_out\n", "    basis: opt_out\n    transactional: true\n    budget: {most: 1, within: 1d}\n", `m.yaml:9:20: the purpose marketing is transactional, so nothing holds its messages back: leave out its quiet_hours and its budget`, false},
	{"value and patience", "    subject: Hello\n", "    subject: Hello\n    value: 20\n    defer: 1d12h\n", "", true},
	{"too much patience", "    subject: Hello\n", "    subject: Hello\n    defer: 8d\n", `m.yaml:17:12: defer of the message plain must be at most 7d`, false},
	{"a value below zero", "    subject: Hello\n", "    subject: Hello\n    value: -1\n", `m.yaml:17:12: value of the message plain must be a whole number from 0 to 1000000`, true},
	{"empty key", "key: cart_id", `key: ""`, `m.yaml:23:10: key of the journey cart is empty: write it, or leave the key out`, true},
}

func TestMailProblems(t *testing.T) {
	for _, c := range mailChanges {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(goodMail, c.old) {
				t.Fatalf("the good mail has no %q", c.old)
			}
			_, problems := publish.Load(write(t, map[string]string{"m.yaml": strings.Replace(goodMail, c.old, c.new, 1), "reminder.mjml": goodMJML}))
			if got := texts(problems); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestMJMLProblems(t *testing.T) {
	cases := []struct{ name, old, new, want string }{
		{"not closed", "</mj-column>", "", "reminder.mjml:7:1: this is not MJML: element <mj-column> closed by </mj-section>"},
		{"ends early", goodMJML, "", "reminder.mjml:1:1: this is not MJML: it ends too early"},
		{"unknown element", "<mj-text>Hello</mj-text>", "<mj-test>Hello</mj-test>", `reminder.mjml:5:1: MJML has no <mj-test>; did you mean "mj-text"?`},
		{"include", "<mj-text>Hello</mj-text>", `<mj-include path="x" />`, `reminder.mjml:5:1: MJML has no <mj-include>`},
		{"unknown attribute", "<mj-text>Hello", `<mj-text colour="red">Hello`, "reminder.mjml:5:1: Invalid attribute 'colour' for tag <mj-text>"},
		{
			"a loop between rows", "<mj-text>Hello</mj-text>", "<mj-table>\n{% for i in cart.items %}<tr><td>{{ i.name }}</td></tr>{% endfor %}\n</mj-table>",
			"reminder.mjml:6:1: the compiler drops {% for i in cart.items %} here: put it into <mj-raw>, or into the text of an element\n" +
				"reminder.mjml:6:1: the compiler drops {% endfor %} here: put it into <mj-raw>, or into the text of an element",
		},
		{
			"a condition between elements", "<mj-raw>{% if cart.count > 0 %}</mj-raw>", "{% if cart.count > 0 %}",
			"reminder.mjml:3:1: the compiler drops {% if cart.count > 0 %} here: put it into <mj-raw>, or into the text of an element",
		},
		{"no default", "<mj-text>Hello", "<mj-text>Hello {{ person.firstName }}", `reminder.mjml:5:1: {{ person.firstName }} may be missing: add what to write then, like | default: "there"`},
		{"no unsubscribe link", "{{ unsubscribe_url }}", "{{ shop_url }}", "m.yaml:13:11: the message reminder cannot be sent: the mail reminder has no link to {{ unsubscribe_url }}"},
		{"a comment", "<mj-text>Hello</mj-text>", "<!-- <mj-nothing>\n{{ nothing }} --><mj-raw><!--[if mso]>{{ zone }}<![endif]--></mj-raw>", ""},
		{"an include of a file", "Hello", "{% include '/etc/hostname' %}", `reminder.mjml:5:1: undefined tag "include" in {% include '/etc/hostname' %}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, problems := publish.Load(write(t, map[string]string{"m.yaml": goodMail, "reminder.mjml": strings.Replace(goodMJML, c.old, c.new, 1)}))
			if got := texts(problems); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestMailSchemaAgrees(t *testing.T) {
	resolved := schemaOf(t)
	for _, c := range mailChanges {
		if c.name == "Liquid without quotes" {
			continue // has no form to speak of
		}
		t.Run(c.name, func(t *testing.T) {
			var v any
			if err := yaml.Unmarshal([]byte(strings.Replace(goodMail, c.old, c.new, 1)), &v); err != nil {
				t.Fatal(err)
			}
			if err := resolved.Validate(datesAsText(v)); (err == nil) != (c.want == "" || !c.structural) {
				t.Errorf("the schema says %v, Load %q", err, c.want)
			}
		})
	}
}

// TestSenderTwice also covers mail that is spread over files.
func TestSenderTwice(t *testing.T) {
	cut := strings.Index(goodMail, "purposes:")
	files := map[string]string{"a.yaml": goodMail[:cut], "b.yaml": goodMail[cut:], "reminder.mjml": goodMJML}
	spread, problems := publish.Load(write(t, files))
	whole, more := publish.Load(write(t, map[string]string{"m.yaml": goodMail, "reminder.mjml": goodMJML}))
	if len(problems)+len(more) > 0 || spread.Version != whole.Version {
		t.Errorf("problems %s %s", texts(problems), texts(more))
	}
	twice := maps.Clone(files)
	twice["c.yaml"] = "sender:\n  from: b@example.com\n"
	_, problems = publish.Load(write(t, twice))
	if got := texts(problems); got != "c.yaml:2:3: sender stands twice, at a.yaml:3 and here: keep one" {
		t.Errorf("got %s", got)
	}
}
