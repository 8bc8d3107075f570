package publish

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"rapport/shared/letter"
	"rapport/shared/liquid"
	"rapport/shared/message"
)

// source is the text of a template, and how to say where something in it is.
type source struct {
	text string
	at   func(line int) place
}

// inline is a template that stands in the YAML itself.
func inline(m mapping, key string) source {
	n := m.fields[key]
	return source{n.Value, func(line int) place {
		begin := 0
		for i, r := range []rune(n.Value) {
			if line <= 1 {
				break
			}
			if r == '\n' {
				line, begin = line-1, i+1
			}
		}
		p := place{m.file, n}
		row, column := p.position(begin)
		return place{m.file, &yaml.Node{Line: row, Column: column}}
	}}
}

// readMessage reads the body of a message and checks its templates.
func (l *loader) readMessage(id string, e *entry[message.Template]) {
	m, before := e.body, len(l.problems)
	t := message.Template{
		ID: id, Purpose: m.id("purpose"), Guarantee: message.Guarantee(m.choice("guarantee", string(message.AtMostOnce), string(message.AtLeastOnce))),
		Subject: m.text("subject", 500), Text: m.text("text", liquid.MaxSource),
	}
	m.readPatience(&t)
	l.checkPurpose(m, &t)
	for _, key := range []string{"subject", "text"} {
		if n := m.scalar(key); n != nil {
			l.lint(inline(m, key))
		}
	}
	t.HTML = l.readHTML(m)
	l.writeText(m, &t)
	e.value = t
	if len(l.problems) == before && l.sender.From != "" {
		l.preview(m, t)
	}
}

// writeText makes the text part when the author did not write one.
func (l *loader) writeText(m mapping, t *message.Template) {
	if t.Text != "" || t.HTML == "" {
		return
	}
	text, err := plainText(t.HTML)
	if err != nil || text == "" || len(text) > liquid.MaxSource {
		l.report(m.file, m.node, "no text part can be made of the HTML of %s: write text: yourself%s", m.what, because(err))
		return
	}
	t.Text = text
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return "; " + strings.TrimSuffix(err.Error(), ".")
}

// checkPurpose makes sure that people were asked about the mail, and that it comes
// from somebody. A mail goes out at most once, unless its author says otherwise.
func (l *loader) checkPurpose(m mapping, t *message.Template) {
	if t.Purpose != "" && l.purposes.at[t.Purpose] == nil {
		l.report(m.file, m.fields["purpose"], "%s has the purpose %q, which does not exist%s", m.what, t.Purpose, didYouMean(t.Purpose, l.purposes.ids()))
	}
	if t.Guarantee == "" {
		t.Guarantee = message.AtMostOnce
	}
	if l.senderAt.node == nil {
		l.report(m.file, m.node, "%s comes from nobody: write sender: with from: in one file", m.what)
	}
}

// lint checks the Liquid of a template.
func (l *loader) lint(s source) {
	for _, p := range liquid.Lint(s.text, letter.Known) {
		at := s.at(p.Line)
		l.report(at.file, at.node, "%s", p.Message)
	}
}

var mjmlName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,100}\.mjml$`)

// readHTML returns the HTML of a message, compiled when it is written in MJML.
func (l *loader) readHTML(m mapping) string {
	hasMJML, hasHTML := m.fields["mjml"] != nil, m.fields["html"] != nil
	if hasMJML == hasHTML {
		l.report(m.file, m.node, "%s needs either mjml, the name of a file, or html", m.what)
		return ""
	}
	if hasHTML {
		text := m.text("html", liquid.MaxSource)
		if text != "" {
			l.lint(inline(m, "html"))
		}
		return text
	}
	n := m.scalar("mjml")
	if n == nil {
		return ""
	}
	if !mjmlName.MatchString(n.Value) {
		l.report(m.file, n, "mjml of %s must be the name of a file in this folder that ends in .mjml", m.what)
		return ""
	}
	data, err := os.ReadFile(filepath.Join(l.dir, n.Value))
	switch {
	case err != nil:
		l.report(m.file, n, "%s cannot be read: put it into the folder of the strategy", n.Value)
		return ""
	case len(data) > liquid.MaxSource || !utf8.Valid(data):
		l.report(m.file, n, "%s must be UTF-8 text of at most %d KB", n.Value, liquid.MaxSource>>10)
		return ""
	}
	return l.compile(n.Value, withoutComments(string(data)))
}

// compile turns an MJML file into HTML that still holds its Liquid.
func (l *loader) compile(name, text string) string {
	f := &file{name: name}
	before := len(l.problems)
	l.lint(source{text, func(line int) place { return place{f, &yaml.Node{Line: line, Column: 1}} }})
	html, problems := compileMJML(text)
	for _, p := range problems {
		l.report(f, &yaml.Node{Line: p.Line, Column: 1}, "%s", p.Message)
	}
	if len(l.problems) > before {
		return ""
	}
	return html
}

var addressPattern = regexp.MustCompile(`\{\{-?\s*sender\.address`)

// preview writes the letter to nobody in particular, which fails where sending
// would fail.
func (l *loader) preview(m mapping, t message.Template) {
	n := m.fields["html"]
	if n == nil {
		n = m.fields["mjml"]
	}
	if _, err := letter.Preview(t, l.sender, l.zone); err != nil {
		l.report(m.file, n, "%s cannot be sent: %s", m.what, strings.TrimSuffix(err.Error(), "."))
		return
	}
	shows := slices.ContainsFunc([]string{t.HTML, t.Text}, addressPattern.MatchString)
	if !shows || l.sender.Address == "" {
		l.report(m.file, n, "%s shows no postal address, which the law of many countries asks for: set address of the sender, and print {{ sender.address }}", m.what)
		l.problems[len(l.problems)-1].Warning = true
	}
}
