package liquid_test

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/liquid"
)

type vars = map[string]any

// html and text render a template either way.
func html(t *testing.T, source string, v vars) (string, error) {
	t.Helper()
	tpl, err := liquid.Parse(source)
	if err != nil {
		return "", err
	}
	return tpl.Render(v)
}

func text(t *testing.T, source string, v vars) (string, error) {
	t.Helper()
	tpl, err := liquid.ParseText(source)
	if err != nil {
		return "", err
	}
	return tpl.Render(v)
}

func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func TestRender(t *testing.T) {
	data := vars{
		"name": "Ann", "empty": "", "n": 3, "price": 12.5, "on": true, "none": nil,
		"when":  "2026-11-24T22:30:00Z",
		"items": []any{vars{"name": "Linden", "n": json.Number("2")}, vars{"name": "Assam", "n": json.Number("1.5")}},
		"map":   vars{"b": 2, "a": 1},
	}
	cases := []struct{ source, want string }{
		{"Hello {{ name }}", "Hello Ann"},
		{"{{ none | default: 'there' }} {{ empty | default: 'there' }}", "there there"},
		{"{% if n > 2 and on %}yes{% else %}no{% endif %}", "yes"},
		{"{% if n > 5 %}a{% elsif n == 3 %}b{% else %}c{% endif %}", "b"},
		{"{% unless on %}a{% else %}b{% endunless %}", "b"},
		{"{% case name %}{% when 'Bob', 'Ann' %}x{% else %}y{% endcase %}{% case n %}{% when 4 %}x{% else %}y{% endcase %}", "xy"},
		{"{% for i in items %}{{ forloop.index }}:{{ i.name }}×{{ i.n }}{% unless forloop.last %}, {% endunless %}{% endfor %}", "1:Linden×2, 2:Assam×1.5"},
		{"{% for i in (1..5) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}", "13"},
		{"{% for i in (1..9) limit: 2 offset: 3 %}{{ i }}{% endfor %}|{% for i in (1..3) reversed %}{{ i }}{% endfor %}", "45|321"},
		{"{% for i in none %}{{ i }}{% else %}nothing{% endfor %}", "nothing"},
		{"{% assign i = 9 %}{% for i in (1..2) %}{% endfor %}{{ i }}{{ forloop.index }}", "9"},
		{"{% for p in map %}{{ p[0] }}={{ p[1] }};{% endfor %}", "a=1;b=2;"},
		{"{% assign x = name | upcase %}{{ x }}", "ANN"},
		{"{% assign x = 'a,b' | split: ',' %}{{ x.size }}{{ x.first }}{{ x | join: '-' }}", "2aa-b"},
		{"{% assign x = 'a,b,a' | split: ',' | uniq %}{{ x | join: '' }}{% assign y = items | concat: items | uniq %}{{ y.size }}", "ab2"},
		{"{% comment %}{{ nothing {% endcomment %}{% raw %}a{% endraw %}", "a"},
		{"{{ 'élan' | capitalize }} {{ 'їжа' | capitalize }}", "Élan Їжа"},
		{"{{ 'привіт світ' | truncate: 7 }}|{{ 'abc' | truncate: 2 }}|{{ 'abc' | truncate: 3 }}", "прив...|...|abc"},
		{"{{ price | money: 'EUR' }} {{ price | money: 'chf' }} {{ price | money }}", "€12.50 12.50 CHF 12.50"},
		{"{{ 1.005 | money: 'USD' }} {{ 1234567.5 | money: 'JPY' }} {{ '-1999.999' | money: 'UAH' }} {{ 0 | money: 'EUR' }}", "$1.01 ¥1,234,568 -₴2,000.00 €0.00"},
		{"{{ when | time_zone: 'Europe/Kyiv' | date: '%d.%m. %H:%M' }} {{ when | date: '%Y' }}", "25.11. 00:30 2026"},
		{`{{ "uk-UA" | t: "Hello", uk: "Вітаємо", de: "Hallo" }} {{ none | t: "Hello", uk: "Вітаємо" }} {{ "fr" | t: "Hello", uk: "В" }} {{ "" | t: "Hi", uk: "В" }}`, "Вітаємо Hello Hello Hi"},
	}
	for _, c := range cases {
		for kind, render := range map[string]func(*testing.T, string, vars) (string, error){"html": html, "text": text} {
			if got, err := render(t, c.source, data); err != nil || got != c.want {
				t.Errorf("%s as %s: %q, %v; want %q", c.source, kind, got, err, c.want)
			}
		}
	}
}

// Guard 1: no file is ever read.
func TestNoFiles(t *testing.T) {
	secret, err := os.ReadFile("liquid.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"include", "render"} {
		for _, path := range []string{"liquid.go", "../liquid/liquid.go", "../../../../../../etc/hostname", "/proc/self/cmdline", "/proc/self/environ"} {
			out, err := html(t, `{% `+tag+` "`+path+`" %}`, nil)
			if err == nil || out != "" || strings.Contains(err.Error(), string(secret[:40])) {
				t.Errorf("%s %s gave %q, %v", tag, path, out, err)
			}
		}
	}
}

// Guard 2: values are escaped once in HTML, and not at all in text.
func TestEscaping(t *testing.T) {
	data := vars{"n": `<b>Ann</b>`, "q": `" onclick="x`, "m": "a\n<b>", "l": []any{"<i>"}}
	const escaped = "&lt;b&gt;Ann&lt;/b&gt;"
	cases := []struct{ source, html, text string }{
		{"{{ n }}", escaped, "<b>Ann</b>"},
		{"{{ n | escape }}", escaped, "<b>Ann</b>"},
		{"{{ n | escape | escape_once }}", escaped, "<b>Ann</b>"},
		{"{{ n | escape | safe }}", escaped, "<b>Ann</b>"},
		{"{{ n | escape_once }}", escaped, "<b>Ann</b>"},
		{"{{ n | safe }}", "<b>Ann</b>", "<b>Ann</b>"},
		{"{{ n | safe | append: n }}", escaped + escaped, "<b>Ann</b><b>Ann</b>"},
		{`<a title="{{ q }}">`, `<a title="&#34; onclick=&#34;x">`, `<a title="" onclick="x">`},
		{"{% capture x %}{{ n }}<br>{% endcapture %}{{ x }}", escaped + "<br>", "<b>Ann</b><br>"},
		{"{% assign x = n | upcase %}{{ x }}", "&lt;B&gt;ANN&lt;/B&gt;", "<B>ANN</B>"},
		{"{% for x in l %}{{ x }}{% endfor %}{{ l }}{{ l | join: '<' }}", "&lt;i&gt;&lt;i&gt;&lt;i&gt;", "<i><i><i>"},
		{"{{ m | newline_to_br }}", "a<br>\n&lt;b&gt;", "a\n<b>"},
		{"{% capture x %}<i>{% endcapture %}{{ x | escape }}{{ x | newline_to_br }}{{ x | upcase }}", "<i><i>&lt;I&gt;", "<i><i><I>"},
	}
	for _, c := range cases {
		if got, err := html(t, c.source, data); err != nil || got != c.html {
			t.Errorf("%s as HTML: %q, %v; want %q", c.source, got, err, c.html)
		}
		if got, err := text(t, c.source, data); err != nil || got != c.text {
			t.Errorf("%s as text: %q, %v; want %q", c.source, got, err, c.text)
		}
	}
}

// A value that looks like a template is printed and never evaluated; it does not
// stop the mail either.
func TestValuesAreNoTemplates(t *testing.T) {
	data := vars{"n": `{{ secret }}{% abort "x" %}{{{`, "secret": "42", "half": "{"}
	if got, err := text(t, "Hi {{ n }}{{ half }}{{ half }}%", data); err != nil || got != `Hi {{ secret }}{% abort "x" %}{{{{{%` {
		t.Errorf("text: %q, %v", got, err)
	}
	for _, render := range []func(*testing.T, string, vars) (string, error){html, text} {
		if got, err := render(t, "{{ n }}", vars{"n": "a\x00object\x00"}); err != nil || got != "aobject" {
			t.Errorf("with zero bytes: %q, %v", got, err)
		}
	}
	got, err := html(t, "{% capture x %}{{ n }}{% endcapture %}{{ x }}{{ n }}", data)
	if err != nil || strings.Contains(got, "42") || strings.Contains(got, "{") || strings.Count(got, "secret") != 2 {
		t.Errorf("html: %q, %v", got, err)
	}
}

// Guard 3: a tag that was not closed never leaves.
func TestUnfinished(t *testing.T) {
	for _, source := range []string{"Hi {{ name.", "{{ name }", `{% abort_message("x") %}`, "{% if name", "a {%", "{% raw %}{{ x }}{% endraw %}", "{{ '{{' | safe }}"} {
		if got, err := html(t, source, vars{"name": "Ann"}); err == nil || got != "" || !strings.HasPrefix(codeOf(err), "render_") {
			t.Errorf("%s gave %q, %v", source, got, err)
		}
	}
	for _, source := range []string{"{{ items }}", "{{ o }}", "Hi {{ o | default: 'x' }}"} {
		if got, err := html(t, source, vars{"o": vars{"a": 1}, "items": []any{vars{}}}); codeOf(err) != "render_object" {
			t.Errorf("%s gave %q, %v", source, got, err)
		}
	}
}

// Guard 4: a preview does not print what is missing.
func TestPreviewIsStrict(t *testing.T) {
	tpl, err := liquid.Parse("{{ person.nope }}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tpl.Render(vars{"person": vars{}}); err != nil || got != "" {
		t.Errorf("rendered %q, %v", got, err)
	}
	if got, err := tpl.Preview(vars{"person": vars{}}); codeOf(err) != "render_failed" {
		t.Errorf("previewed %q, %v", got, err)
	}
}

type hidden struct{ secret string }

// Guard 5: nothing panics, and only plain values get in.
func TestOnlyPlainValues(t *testing.T) {
	loop := []any{}
	for range 40 {
		loop = []any{loop}
	}
	for name, v := range map[string]any{"struct": hidden{"x"}, "pointer": &hidden{}, "function": func() {}, "error": errors.New("x"), "deep": loop, "inside": vars{"a": []any{hidden{}}}} {
		if _, err := html(t, "{{ v.secret }}", vars{"v": v}); codeOf(err) != "render_value" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, source := range []string{
		"{{ 'x' | divided_by: 0 }}", "{{ 1 | divided_by: 0 }}", "{{ 'a' | truncate: -5 }}{{ 1 | date }}", "{{ 'x' | slice: -9, -9 }}", "{{ n | nosuch }}",
		"{% for i in (n..3) %}{% endfor %}", "{% for i in (1..3) limit: 'a' %}{% endfor %}", "{{ 'a' | url_decode | append }}{{ '%' | url_decode }}",
		"{{ 'x' | money: 'EUR' }}", "{{ '1e999999999' | money }}", "{{ 'x' | date: '%Y' }}", "{{ 'now' | date: '%Y' }}", "{{ '2026-01-01' | date: '%999999999d' }}",
		"{{ '2026-01-01' | date: '%-99999999N' }}", "{{ '2026-01-01' | time_zone: 'Local' | date }}", "{{ '2026-01-01' | time_zone: '../../etc' }}",
		"{% break %}", "{{ 'a' | truncatewords: 5000 }}", "{{ 'a' | replace }}{{ 'a' | inspect }}", "{{ 'a' | type }}", "{% assign forloop = 1 %}{% assign a.b = 1 %}",
	} {
		out, err := html(t, source, vars{"n": "x"})
		if err == nil || out != "" || !strings.HasPrefix(codeOf(err), "render_") || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s gave %q, %v", source, out, err)
		}
	}
}

// Guard 6, row 64: everything ends early, with an error, and the same one every time.
func TestLimits(t *testing.T) {
	double := strings.Repeat("{% assign a = a | append: a %}", 40)
	big := "{% capture b %}{% for i in (1..5000) %}0123456789012345678901234567890123456789{% endfor %}{% endcapture %}"
	cases := map[string]string{
		"a loop that prints":       "{% for i in (1..3000000) %}{{ i }}{% endfor %}",
		"two loops":                "{% for i in (1..2000) %}{% for j in (1..2000) %}{{ i }}{% endfor %}{% endfor %}",
		"a silent loop":            "{% for i in (1..3000000) %}{% assign x = i %}{% endfor %}",
		"a range that overflows":   "{% for i in (-9000000000000000000..9000000000000000000) %}{% endfor %}",
		"a hidden range":           "{% assign n = 3000000 %}{% for i in (1..n) %}{% assign x = i %}{% endfor %}",
		"two hidden ranges":        "{% assign n = 2000 %}{% for i in (1..n) %}{% for j in (1..n) %}{% assign x = i %}{% endfor %}{% endfor %}",
		"many loops in a row":      strings.Repeat("{% for i in (1..9000) %}{% endfor %}", 2),
		"a loop with a large body": "{% for i in (1..9999) %}" + strings.Repeat("{{ x }}", 20) + "{% endfor %}",
		"output":                   "{% for i in (1..9000) %}0123456789012345678901234567890123456789{% endfor %}",
		"a range as a list":        "{{ (1..300000000) | size }}",
		"a range in a list filter": "{% assign x = (1..300000000) | reverse %}",
		"doubling":                 "{% assign a = 'x' %}" + double,
		"doubling in a loop":       "{% assign a = 'x' %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}",
		"doubling by capture":      "{% assign a = 'x' %}{% for i in (1..60) %}{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}",
		"replace that explodes":    big + "{{ b | replace: '0', b }}",
		"replace between letters":  big + "{{ b | replace: '', b }}",
		"join that explodes":       big + "{% assign l = '1,2,3,4,5,6,7,8,9' | split: ',' %}{{ l | join: b }}",
		"a list of large texts":    big + "{% assign l = b | split: 'zz' %}" + strings.Repeat("{% assign l = l | concat: l %}", 9) + "{{ l | json }}",
		"a list of many texts":     big + "{% assign l = b | split: '' %}",
		"filters in a loop":        big + "{% for i in (1..9000) %}{% assign x = b | upcase %}{% endfor %}",
		"uniq in a loop":           "{% for i in (1..9000) %}{% assign x = many | uniq %}{% endfor %}",
		"a long list":              "{% assign x = longer | reverse %}",
		"a long text":              "{{ text | size }}",
		"a join of many":           big + "{{ many | map: 'a' | join: b }}",
		"a capture that is large":  "{% capture a %}{% for i in (1..9000) %}{{ text }}{% endfor %}{% endcapture %}",
		"deep blocks":              strings.Repeat("{% if true %}", 21) + strings.Repeat("{% endif %}", 21),
	}
	many := make([]any, 1000)
	for i := range many {
		many[i] = vars{"a": i}
	}
	data := vars{"many": many, "longer": append(many, 1), "text": strings.Repeat("x", liquid.MaxOutput+1)}
	for name, source := range cases {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			out, err := html(t, source, data)
			runtime.ReadMemStats(&after)
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 64 {
				t.Errorf("took %d MB", used)
			}
			if codeOf(err) != "render_limit" || out != "" {
				t.Errorf("gave %d bytes, %v", len(out), err)
			}
			if took := time.Since(begin); took > time.Minute {
				t.Errorf("took %s", took)
			}
		})
	}
	if _, err := liquid.Parse(strings.Repeat("x", liquid.MaxSource+1)); codeOf(err) != "render_parse" {
		t.Errorf("a long template: %v", err)
	}
	if _, err := html(t, "{% for i in (1..10000) %}{{ i }}{% endfor %}", nil); err != nil {
		t.Errorf("10,000 rounds are allowed: %v", err)
	}
}

// Guard 7: the author can say that this mail is not to be sent.
func TestAbort(t *testing.T) {
	source := `{% for i in (1..3) %}{% if i == 2 %}{% abort "nothing in stock" %}{% endif %}{% endfor %}`
	_, err := html(t, source, nil)
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != "render_abort" || f.Kind != fault.Invalid || f.Message != "nothing in stock" {
		t.Errorf("got %v", err)
	}
	if _, err := html(t, `{% capture x %}{% abort reason %}{% endcapture %}`, vars{"reason": "no"}); codeOf(err) != "render_abort" {
		t.Errorf("inside of capture: %v", err)
	}
	if _, err := liquid.Parse("{% abort %}"); codeOf(err) != "render_parse" {
		t.Errorf("without a reason: %v", err)
	}
}

func TestTemplatesAreSafeForConcurrentUse(t *testing.T) {
	tpl, err := liquid.Parse("{% for i in (1..500) %}{{ i | append: name }}{% endfor %}{% assign x = name %}{{ x }}")
	if err != nil {
		t.Fatal(err)
	}
	data := vars{"name": "Ann"}
	want, err := tpl.Render(data)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 30 { // the budget of one rendering is not another's
				if got, err := tpl.Render(data); err != nil || got != want {
					t.Errorf("%v", err)
				}
			}
		})
	}
	wg.Wait()
	if len(data) != 1 {
		t.Errorf("rendering changed the values: %v", data)
	}
}

func BenchmarkRender(b *testing.B) {
	tpl, err := liquid.Parse("Hi {{ name | default: 'there' }}{% for i in items %}{{ i.name }} {{ i.price | money: 'EUR' }}{% endfor %}")
	if err != nil {
		b.Fatal(err)
	}
	item := vars{"name": "Tea", "price": 7.2}
	data := vars{"items": []any{item, item, item, item, item}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Render(data); err != nil {
			b.Fatal(err)
		}
	}
}
