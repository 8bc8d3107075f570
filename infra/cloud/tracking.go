package cloud

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"

	"golang.org/x/net/html"

	"rapport/shared/fault"
)

// tracked is the HTML of a mail as a mailbox gets it from SES: links lead over
// the click route, an image at the end tells that the mail was opened, and
// links marked ses:no-track stay as they are. Everything opens beside the mail.
// Links holds the destinations by their number in the click route.
func tracked(m sentMail) (page []byte, links []string, err error) {
	var out bytes.Buffer
	out.WriteString(`<!doctype html><base target="_blank">`)
	z := html.NewTokenizer(bytes.NewReader([]byte(m.HTML)))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				return nil, nil, fault.New(fault.Invalid, "bad_html", "the HTML of the mail cannot be read").Because(z.Err())
			}
			break
		}
		raw := slices.Clone(z.Raw())
		token := z.Token()
		if kind == html.DoctypeToken {
			continue // it stands in front of base already
		}
		if (kind != html.StartTagToken && kind != html.SelfClosingTagToken) || (token.Data != "a" && token.Data != "area") {
			out.Write(raw)
			continue
		}
		if to := destination(token); to != "" {
			links = append(links, to)
			token = leadOver(token, fmt.Sprintf("/local/mail/%s/click/%d", m.ID, len(links)-1))
		}
		out.WriteString(token.String())
	}
	fmt.Fprintf(&out, `<img src="/local/mail/%s/open" width="1" height="1" alt="">`, m.ID)
	return out.Bytes(), links, nil
}

// destination is where a link goes that SES would track, else "".
func destination(link html.Token) string {
	to := ""
	for _, a := range link.Attr {
		switch a.Key {
		case "ses:no-track":
			return ""
		case "href":
			to = a.Val
		}
	}
	if parsed, err := url.Parse(to); err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return ""
	}
	return to
}

func leadOver(link html.Token, to string) html.Token {
	for i, a := range link.Attr {
		if a.Key == "href" {
			link.Attr[i].Val = to
		}
	}
	return link
}
