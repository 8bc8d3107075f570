// Package letter writes one email out: it fills a message's template in with
// what is known of the person and the cart, and gives it the headers that
// mailbox providers ask for. It stands apart from package message so that only
// who writes mail links the template engine.
package letter

import (
	"fmt"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"rapport/shared/fault"
	"rapport/shared/liquid"
	"rapport/shared/message"
)

// Letter is an email, ready to be handed to whoever delivers it.
type Letter struct {
	To, From, ReplyTo, Subject, HTML, Text string
	Headers, Tags                          map[string]string
}

// Links are the addresses that a letter points to. They hold whoever gets it.
type Links struct {
	Unsubscribe string // https; a POST there ends the purpose at once
	Preferences string
	Mailto      string // an address that takes unsubscribe requests by mail; may be empty
	Site        string // base URL of the website
}

// The longest values that SES takes.
const (
	maxHeader  = 870
	maxTag     = 256
	maxSubject = 250 // characters; mailboxes show fewer
)

// Compose writes the letter. Faults are of kind Invalid, and their codes begin
// with render_: this letter cannot be sent, whenever it is tried again.
func Compose(t message.Template, sender message.Sender, data Data, links Links) (Letter, error) {
	l := Letter{To: data.To, Headers: map[string]string{}, Tags: map[string]string{}}
	if err := CheckAddress(data.To); err != nil {
		return Letter{}, err
	}
	if err := l.signed(sender); err != nil {
		return Letter{}, err
	}
	if err := l.written(t, data.values(sender, links), links); err != nil {
		return Letter{}, err
	}
	if err := l.headed(t, data.Message, links); err != nil {
		return Letter{}, err
	}
	return l, l.tagged(t, data.Message)
}

// signed sets who the letter comes from: what is configured, and nothing else.
func (l *Letter) signed(sender message.Sender) error {
	from, err := mail.ParseAddress(sender.From)
	if err != nil || CheckAddress(from.Address) != nil {
		return fault.New(fault.Invalid, "render_sender", "the sender's from is no address: write it like Shop <shop@example.com>")
	}
	l.From = from.String()
	if sender.ReplyTo != "" {
		reply, err := mail.ParseAddress(sender.ReplyTo)
		if err != nil || CheckAddress(reply.Address) != nil {
			return fault.New(fault.Invalid, "render_sender", "the sender's reply_to is no address: write it like Shop <shop@example.com>")
		}
		l.ReplyTo = reply.String()
	}
	return nil
}

// written renders subject, HTML and text.
func (l *Letter) written(t message.Template, values map[string]any, links Links) error {
	subject, err := renderText(t.Subject, values)
	if err != nil {
		return err
	}
	if l.Subject = oneLine(subject); l.Subject == "" {
		return fault.New(fault.Invalid, "render_subject", "the subject of %s came out empty", t.ID)
	}
	html, err := liquid.Parse(t.HTML)
	if err != nil {
		return err
	}
	body, err := html.Render(values)
	if err != nil {
		return err
	}
	body, unsubscribes, err := inspect(body, links)
	if err != nil {
		return err
	}
	if t.Purpose != "" && !unsubscribes {
		return fault.New(fault.Invalid, "render_unsubscribe", "the mail %s has no link to {{ unsubscribe_url }}", t.ID)
	}
	l.HTML = body
	text, err := renderText(t.Text, values)
	if err != nil {
		return err
	}
	if l.Text = strings.TrimSpace(gaps.ReplaceAllString(text, "\n\n")); l.Text == "" {
		return fault.New(fault.Invalid, "render_text", "the text part of %s came out empty", t.ID)
	}
	return nil
}

// gaps are the empty lines that Liquid's tags leave behind.
var gaps = regexp.MustCompile(`[ \t]*\n\s*\n`)

func renderText(source string, values map[string]any) (string, error) {
	t, err := liquid.ParseText(source)
	if err != nil {
		return "", err
	}
	return t.Render(values)
}

// headed sets what RFC 8058 and mailbox providers ask for: mail that one can
// refuse can be refused with one click.
func (l *Letter) headed(t message.Template, m message.Message, links Links) error {
	parts := []string{t.ID, m.Journey, t.Purpose, "rapport"}
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(part, ":", "_")
	}
	l.Headers["Feedback-ID"] = strings.Join(parts, ":")
	if t.Purpose != "" {
		if !secureLink(links.Unsubscribe) {
			return fault.New(fault.Invalid, "render_unsubscribe", "a mail that one can refuse needs an unsubscribe address that begins with https://")
		}
		value := "<" + links.Unsubscribe + ">"
		if links.Mailto != "" {
			if err := CheckAddress(links.Mailto); err != nil {
				return err
			}
			value += ", <mailto:" + links.Mailto + "?subject=unsubscribe>"
		}
		l.Headers["List-Unsubscribe"] = value
		l.Headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	}
	for name, value := range l.Headers {
		if len(value) > maxHeader || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fault.New(fault.Invalid, "render_header", "the header %s must be at most %d characters of ASCII", name, maxHeader)
		}
	}
	return nil
}

var tagPattern = regexp.MustCompile(fmt.Sprintf(`^[A-Za-z0-9_-]{1,%d}$`, maxTag))

// tagged sets the names by which SES's events find back to the message.
func (l *Letter) tagged(t message.Template, m message.Message) error {
	l.Tags = map[string]string{"message": m.ID, "journey": m.Journey, "step": strconv.Itoa(m.Step), "template": t.ID}
	for name, value := range l.Tags {
		if !tagPattern.MatchString(value) {
			return fault.New(fault.Invalid, "render_tag", "the mail tag %s must be 1 to %d of A-Z, a-z, 0-9, _ and -", name, maxTag)
		}
	}
	return nil
}

// oneLine makes one line of a subject: line breaks and other characters that
// control something become spaces, so that no value can begin another header.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxSubject {
		return string(runes[:maxSubject-1]) + "…"
	}
	return s
}
