package publish

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/preslavrachev/gomjml/mjml"

	"rapport/shared/liquid"
)

// mjmlTags are the elements of MJML that the compiler knows. It drops others
// without a word.
var mjmlTags = strings.Fields(`
	mjml mj-head mj-body mj-attributes mj-all mj-class mj-breakpoint mj-font mj-html-attributes mj-selector mj-html-attribute mj-preview
	mj-style mj-title mj-accordion mj-accordion-element mj-accordion-title mj-accordion-text mj-button mj-carousel mj-carousel-image
	mj-column mj-divider mj-group mj-hero mj-image mj-navbar mj-navbar-link mj-raw mj-section mj-social mj-social-element mj-spacer
	mj-table mj-text mj-wrapper`)

var (
	mjmlTag     = regexp.MustCompile(`<(mj-?[a-z-]+)`)
	mjmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	liquidTag   = regexp.MustCompile(`(?s)\{\{.*?\}\}|\{%.*?%\}`)
	xmlLine     = regexp.MustCompile(`line (\d+): (.*)`)
)

// compileMJML returns the HTML, and what is wrong with the MJML. Whatever Liquid
// the MJML holds is in the HTML too: what the compiler drops is a problem.
func compileMJML(text string) (string, []liquid.Problem) {
	var problems []liquid.Problem
	for _, at := range mjmlTag.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		if !slices.Contains(mjmlTags, name) {
			problems = append(problems, liquid.Problem{Line: lineAt(text, at[0]), Message: fmt.Sprintf("MJML has no <%s>%s", name, didYouMean(name, mjmlTags))})
		}
	}
	html, err := mjml.Render(text)
	if err != nil {
		return "", append(problems, mjmlProblems(err)...)
	}
	problems = append(problems, lost(text, html)...)
	slices.SortStableFunc(problems, func(a, b liquid.Problem) int { return cmp.Compare(a.Line, b.Line) })
	return html, problems
}

// withoutComments blanks comments, so that places stay what they are. Those that
// Outlook reads are none.
func withoutComments(text string) string {
	return mjmlComment.ReplaceAllStringFunc(text, func(comment string) string {
		if strings.HasPrefix(comment, "<!--[if") || strings.HasPrefix(comment, "<!--<![endif]") {
			return comment
		}
		return strings.Repeat("\n", strings.Count(comment, "\n"))
	})
}

// mjmlProblems splits what the compiler says.
func mjmlProblems(err error) []liquid.Problem {
	var e mjml.Error
	if errors.As(err, &e) {
		var out []liquid.Problem
		for _, d := range e.Details {
			out = append(out, liquid.Problem{Line: max(1, d.Line), Message: d.Message})
		}
		return out
	}
	if m := xmlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1]) // digits
		return []liquid.Problem{{Line: line, Message: "this is not MJML: " + m[2]}}
	}
	return []liquid.Problem{{Line: 1, Message: "this is not MJML: it ends too early"}}
}

// lost finds the Liquid that is not in the HTML.
func lost(text, html string) []liquid.Problem {
	left := map[string]int{}
	for _, tag := range liquidTag.FindAllString(html, -1) {
		left[squeezed(tag)]++
	}
	var problems []liquid.Problem
	for _, at := range liquidTag.FindAllStringIndex(text, -1) {
		tag := squeezed(text[at[0]:at[1]])
		if left[tag]--; left[tag] < 0 {
			problems = append(problems, liquid.Problem{Line: lineAt(text, at[0]), Message: fmt.Sprintf("the compiler drops %s here: put it into <mj-raw>, or into the text of an element", tag)})
		}
	}
	return problems
}

// squeezed makes tags comparable: white space may change on the way.
func squeezed(tag string) string { return strings.Join(strings.Fields(tag), " ") }

func lineAt(text string, offset int) int { return 1 + strings.Count(text[:offset], "\n") }
