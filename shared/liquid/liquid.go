// Package liquid renders the Liquid templates that mail is written in. It wraps
// an engine that trusts its authors, and puts bounds around it: nothing is read
// from disk, whatever a person typed is escaped and never evaluated, loops and
// output end at a limit, and half-written tags never leave as mail.
package liquid

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/filters"
	"github.com/osteele/liquid/parser"
	"github.com/osteele/liquid/render"

	"rapport/shared/fault"
)

// The bounds of one template and of one rendering.
const (
	MaxSource     = 256 << 10 // bytes of a template
	MaxOutput     = 256 << 10 // bytes of what comes out, and of any text on the way
	MaxIterations = 10_000    // rounds of all loops together
	maxList       = 1_000     // values in a list that a filter takes or gives
	maxWork       = 100_000   // parts rendered in loops, and 256-byte pieces that went through filters
	maxDepth      = 20        // blocks within blocks, and lists within lists
)

// mode says what a template's output is.
type mode int

const (
	markup mode = iota // HTML: values are escaped
	plain              // a subject or a text part
)

// Template is a template that was parsed. It never changes; any number of
// goroutines may render it.
type Template struct {
	root render.Node
	mode mode
}

// Parse reads a template whose output is HTML.
func Parse(source string) (*Template, error) { return parse(source, markup) }

// ParseText reads a template whose output is plain text, such as a subject.
func ParseText(source string) (*Template, error) { return parse(source, plain) }

// syntax is what the engine knows while it parses. It is only read after init.
var syntax = newSyntax()

func newSyntax() render.Config {
	cfg := render.NewConfig()
	cfg.TemplateStore = noTemplates{}
	addTags(&cfg)
	return cfg
}

// noTemplates stands where the engine would read files: no tag asks for one, and
// this makes sure.
type noTemplates struct{}

func (noTemplates) ReadTemplate(string) ([]byte, error) {
	return nil, errors.New("templates cannot include files")
}

func parse(source string, m mode) (t *Template, err error) {
	if len(source) > MaxSource {
		return nil, fault.New(fault.TooLarge, "render_parse", "a template has at most %d KB", MaxSource>>10)
	}
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, fault.New(fault.Invalid, "render_parse", "this template cannot be read: %.200s", fmt.Sprint(r))
		}
	}()
	root, failure := syntax.Compile(source, parser.SourceLoc{LineNo: 1})
	if failure != nil {
		return nil, fault.New(fault.Invalid, "render_parse", "%s", plainly(failure)).Because(failure)
	}
	if err := bound([]render.Node{root}, 1, 0); err != nil {
		return nil, err
	}
	return &Template{root: root, mode: m}, nil
}

// Render fills the template in. The values may be maps with text keys, lists,
// text, numbers, booleans and times. Faults are of kind Invalid; their codes
// begin with render_, and render_abort is what {% abort "reason" %} leads to.
func (t *Template) Render(vars map[string]any) (string, error) { return t.run(vars, false) }

// Preview renders as Render does, but refuses to print a value that is missing.
func (t *Template) Preview(vars map[string]any) (string, error) { return t.run(vars, true) }

func (t *Template) run(vars map[string]any, strict bool) (out string, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = "", failed(fmt.Errorf("%.500s", fmt.Sprint(r)))
			if cause, ok := r.(error); ok {
				out, err = "", failed(cause)
			}
		}
	}()
	left := &budget{iterations: MaxIterations, work: maxWork}
	bindings := map[string]any{}
	for name, value := range vars {
		if bindings[name], err = tidy(value, 0); err != nil {
			return "", err
		}
	}
	bindings[budgetName] = left
	w := &limitedWriter{left: MaxOutput}
	if failure := render.Render(t.root, w, bindings, t.config(left, strict)); failure != nil {
		return "", failed(failure)
	}
	return t.check(w.String())
}

// config returns the engine's configuration for one rendering: its filters spend
// this rendering's budget.
func (t *Template) config(left *budget, strict bool) render.Config {
	cfg := syntax
	cfg.StrictVariables = strict
	cfg.Config.Config = expressions.NewConfig()
	b := book{cfg: &cfg, left: left, mode: t.mode}
	filters.AddStandardFilters(b)
	for name, fn := range ownFilters(t.mode) {
		b.AddFilter(name, fn)
	}
	cfg.SetAutoEscapeReplacer(escapers[t.mode])
	return cfg
}

// check refuses output that no customer should see.
func (t *Template) check(out string) (string, error) {
	for _, left := range []string{"{{", "{%"} {
		if at := strings.Index(out, left); at >= 0 {
			return "", fault.New(fault.Invalid, "render_unfinished", "the template prints %q near %.60q: close the tag", left, out[max(0, at-20):])
		}
	}
	if at := strings.Index(out, wholeObject); at >= 0 {
		return "", fault.New(fault.Invalid, "render_object", "the template prints a whole object after %.60q: name the value inside that is meant", out[max(0, at-40):at])
	}
	return strings.ReplaceAll(out, guard, ""), nil
}

// failed turns what the engine says into a fault. Its texts may quote values of
// a person, so they stay in the cause.
func failed(err error) error {
	line := 0
	for cause := err; cause != nil; {
		var known *fault.Error
		if errors.As(cause, &known) {
			return known
		}
		if at, ok := cause.(interface{ LineNumber() int }); ok && line == 0 {
			line = at.LineNumber()
		}
		switch e := cause.(type) { //nolint:errorlint // each layer is looked at by itself: not all of them unwrap
		case expressions.FilterError:
			cause = e.Err
		case interface{ Cause() error }:
			cause = e.Cause()
		default:
			cause = nil
		}
	}
	if line > 0 {
		return fault.New(fault.Invalid, "render_failed", "line %d of the template cannot be rendered", line).Because(err)
	}
	return fault.New(fault.Invalid, "render_failed", "the template cannot be rendered").Because(err)
}

// plainly takes the engine's own words off its message.
func plainly(err parser.Error) string {
	text := strings.TrimPrefix(err.Error(), "Liquid error")
	text = strings.TrimPrefix(text, fmt.Sprintf(" (line %d)", err.LineNumber()))
	return fmt.Sprintf("line %d: %s", err.LineNumber(), strings.TrimPrefix(text, ": "))
}

// ownFilters are the filters that differ from the engine's, or that it lacks.
func ownFilters(m mode) map[string]any {
	all := maps.Clone(textFilters)
	if m == markup {
		maps.Copy(all, markupFilters)
	}
	return all
}
