package letter

import (
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"rapport/shared/fault"
)

// addressed are the attributes whose value is an address that a mail client may
// open.
var addressed = []string{"href", "src", "action", "formaction", "background", "poster", "xlink:href", "srcset", "data", "ping"}

// schemes are what an address may begin with; one that names no scheme does not
// work in mail, but does no harm.
var schemes = []string{"https", "http", "mailto", "tel"}

var schemePattern = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*):`)

// active are the elements that run something or bring other pages in.
var active = []string{"script", "iframe", "object", "embed", "form", "base", "applet", "svg", "math"}

// inspect reads the finished HTML as a mail client does. It refuses what could
// run or lead to anything but a page, an address or a phone, marks the links
// that must not be tracked, and reports whether one of them unsubscribes.
func inspect(body string, links Links) (out string, unsubscribes bool, err error) {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(body))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				return "", false, unsafe("the HTML cannot be read")
			}
			return b.String(), unsubscribes, nil
		}
		raw := string(z.Raw())
		t := z.Token()
		if err := harmful(t, kind, raw); err != nil {
			return "", false, err
		}
		unsubscribes = unsubscribes || links.owns(t) && hrefOf(t) == links.Unsubscribe
		b.WriteString(links.untracked(t, raw))
	}
}

// harmful refuses a tag that does harm, or a comment that hides one.
func harmful(t html.Token, kind html.TokenType, raw string) error {
	if kind == html.StartTagToken || kind == html.SelfClosingTagToken {
		return harmless(t)
	}
	return hidden(kind, raw)
}

// untracked returns the tag as it is, or marked where it holds who the person is.
func (l Links) untracked(t html.Token, raw string) string {
	marked := slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return a.Key == "ses:no-track" })
	if !l.owns(t) || marked {
		return raw
	}
	return strings.TrimSuffix(raw, ">") + " ses:no-track>"
}

// hidden looks into comments that Outlook reads as HTML.
func hidden(kind html.TokenType, raw string) error {
	_, inner, found := strings.Cut(raw, "]>")
	if kind != html.CommentToken || !found {
		return nil
	}
	_, _, err := inspect(strings.TrimSuffix(inner, "<![endif]-->"), Links{})
	return err
}

// owns reports whether the tag is a link that holds who the person is, and so
// must not be rewritten for tracking.
func (l Links) owns(t html.Token) bool {
	href := hrefOf(t)
	return t.Data == "a" && href != "" && (href == l.Unsubscribe || href == l.Preferences)
}

func hrefOf(t html.Token) string {
	for _, a := range t.Attr {
		if a.Key == "href" {
			return a.Val
		}
	}
	return ""
}

// harmless refuses a tag that does more than show something or link somewhere.
func harmless(t html.Token) error {
	if slices.Contains(active, t.Data) {
		return unsafe("a mail cannot have <%s>", t.Data)
	}
	for _, a := range t.Attr {
		if strings.HasPrefix(a.Key, "on") {
			return unsafe("a mail cannot have the attribute %s", a.Key)
		}
		if !slices.Contains(addressed, a.Key) {
			continue
		}
		// Browsers drop white space and controls inside of a scheme.
		address := strings.Map(func(r rune) rune {
			if r <= ' ' {
				return -1
			}
			return r
		}, a.Val)
		if m := schemePattern.FindStringSubmatch(address); m != nil && !slices.Contains(schemes, strings.ToLower(m[1])) {
			return unsafe("an address in a mail may begin with https, http, mailto or tel, and not with %.20s", m[1])
		}
	}
	return nil
}

func unsafe(format string, args ...any) error {
	return fault.New(fault.Invalid, "render_unsafe", format, args...)
}
