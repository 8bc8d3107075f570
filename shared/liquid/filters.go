package liquid

import (
	"encoding/json"
	"html"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/osteele/liquid/render"
	"github.com/osteele/liquid/values"
)

// book registers filters for one rendering, each behind a check of what goes in
// and what comes out.
type book struct {
	cfg  *render.Config
	left *budget
	mode mode
}

// removed are the engine's filters that show Go values as they are.
var removed = map[string]bool{"inspect": true, "type": true}

// AddFilter implements filters.FilterDictionary.
func (b book) AddFilter(name string, fn any) {
	if removed[name] {
		return
	}
	call := reflect.ValueOf(fn)
	takesSafe := name == "safe" || b.mode == markup && markupFilters[name] != nil
	b.cfg.Config.Config.AddFilter(name, func(args ...any) (any, error) {
		if err := b.left.check(name, args); err != nil {
			return nil, err
		}
		if !takesSafe {
			for i := range args {
				args[i] = unwrap(args[i])
			}
		}
		out, err := values.Call(call, args)
		if err != nil {
			return nil, err
		}
		_, err = weigh(out, 0)
		return out, err
	})
}

// check weighs what a filter is given, and foresees what the two filters make of
// it whose result can be much larger.
func (b *budget) check(name string, args []any) error {
	total, list := 0, 0
	for _, arg := range args {
		n, err := weigh(arg, 0)
		if err != nil {
			return err
		}
		total += n
	}
	if rv := reflect.ValueOf(args[0]); rv.Kind() == reflect.Slice {
		list = rv.Len()
	}
	text := func(i int) string {
		if i >= len(args) {
			return ""
		}
		s, _ := unwrap(args[i]).(string)
		return s
	}
	switch name {
	case "replace":
		if grown := strings.Count(text(0), text(1)) * len(text(2)); grown > MaxOutput {
			return tooMuch("a value has at most %d KB in a template", MaxOutput>>10)
		}
	case "join":
		if list*len(text(1)) > MaxOutput {
			return tooMuch("a value has at most %d KB in a template", MaxOutput>>10)
		}
	case "uniq", "json", "sort", "sort_natural": // take far longer than others
		total *= 8
	}
	return b.spend(1 + total/256)
}

// unwrap takes the mark off text that was marked as safe: what a filter makes of
// it is not known to be.
func unwrap(v any) any {
	if safe, ok := v.(values.SafeValue); ok {
		return safe.Value
	}
	return v
}

// textFilters are filters that work alike in HTML and in text.
var textFilters = map[string]any{
	"capitalize":    capitalize,
	"truncate":      truncate,
	"uniq":          uniq,
	"escape":        func(s string) string { return s },
	"escape_once":   func(s string) string { return s },
	"newline_to_br": func(s string) string { return s },
	"date":          date,
	"time_zone":     timeZone,
	"money":         money,
	"t":             translate,
}

// markupFilters replace those for HTML. What they return is escaped already, so
// nothing is escaped twice, whether authors write escape or not.
var markupFilters = map[string]any{
	"escape":      escape,
	"escape_once": escapeOnce,
	"newline_to_br": func(v any) any {
		s, _ := escape(v).Value.(string)
		return values.SafeValue{Value: strings.ReplaceAll(s, "\n", "<br>\n")}
	},
}

func escape(v any) values.SafeValue {
	if safe, ok := v.(values.SafeValue); ok {
		return safe
	}
	return values.SafeValue{Value: htmlEscaper.Replace(textOf(v))}
}

func escapeOnce(v any) values.SafeValue {
	if safe, ok := v.(values.SafeValue); ok {
		return safe
	}
	return escape(html.UnescapeString(textOf(v)))
}

// textOf writes a value as printing it would.
func textOf(v any) string {
	s, err := values.Convert(v, reflect.TypeFor[string]())
	if text, ok := s.(string); ok && err == nil && v != nil {
		return text
	}
	return ""
}

// uniq drops values that were there before. It compares what they look like as
// JSON, as comparing each with each takes too long.
func uniq(list []any) ([]any, error) {
	var out []any
	seen := map[string]bool{}
	for _, v := range list {
		looks, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		if !seen[string(looks)] {
			seen[string(looks)] = true
			out = append(out, v)
		}
	}
	return out, nil
}

// capitalize makes the first letter a capital one, in any script.
func capitalize(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 || first == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

// truncate shortens to a number of characters, the ellipsis included.
func truncate(s string, length func(int) int, ellipsis func(string) string) string {
	n, dots := length(50), []rune(ellipsis("..."))
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:min(max(0, n-len(dots)), utf8.RuneCountInString(s))]) + string(dots)
}

// htmlEscaper makes text harmless in HTML and in quoted attributes. A brace is
// escaped too, so that a value can never look like a tag that was left over.
var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "{", "&#123;")

// guard follows each brace of a value in text until the output was checked.
const guard = "\x00"

// escapers are applied to every value that is printed, by mode.
var escapers = map[mode]render.Replacer{
	markup: htmlEscaper,
	plain:  strings.NewReplacer("{", "{"+guard),
}
