package publish

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/inbucket/html2text"
	"golang.org/x/net/html"

	"rapport/shared/liquid"
)

// held is what stands for a Liquid tag while HTML becomes text: its number
// between two characters that mean nothing to anybody.
const (
	heldOpen  = "\ue000"
	heldClose = "\ue001"
)

var heldTag = regexp.MustCompile(heldOpen + `([0-9]+)` + heldClose)

// plainText makes the text part of a mail's HTML, with its Liquid. A tag stays
// where it stands in what people read and in the addresses of links; what only
// styles is left out with the style.
func plainText(page string) (string, error) {
	var tags []string
	page = liquidTag.ReplaceAllStringFunc(page, func(tag string) string {
		tags = append(tags, tag)
		return heldOpen + strconv.Itoa(len(tags)-1) + heldClose
	})
	page, err := withoutTables(page)
	if err != nil {
		return "", err
	}
	text, err := html2text.FromString(page)
	if err != nil {
		return "", err
	}
	text = heldTag.ReplaceAllStringFunc(text, func(held string) string {
		n, err := strconv.Atoi(heldTag.FindStringSubmatch(held)[1])
		if err != nil || n >= len(tags) {
			return held
		}
		return tags[n]
	})
	if _, err := liquid.ParseText(text); err != nil {
		return "", fmt.Errorf("its Liquid begins in one place and ends in another (%w)", err)
	}
	return text, nil
}

// withoutTables turns rows into blocks and takes the rest of tables away. An HTML
// parser would move a tag that stands between rows out of the table.
func withoutTables(page string) (string, error) {
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return "", err
			}
			return b.String(), nil
		}
		raw := string(z.Raw())
		name, _ := z.TagName()
		switch string(name) {
		case "table", "thead", "tbody", "tfoot", "colgroup", "col":
		case "tr", "caption":
			b.WriteString(map[html.TokenType]string{html.StartTagToken: "<div>", html.EndTagToken: "</div>"}[kind])
		case "td", "th":
			b.WriteByte(' ')
		default:
			b.WriteString(raw)
		}
	}
}
