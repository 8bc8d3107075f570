package liquid

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/filters"
	"github.com/osteele/liquid/parser"
	"github.com/osteele/liquid/render"

	"rapport/shared/fault"
)

// Known lists the values that a template will be given, by path: "cart.count",
// "cart.items[].name", "person.*" for any name there. It says whether the value
// is always there.
type Known map[string]bool

// Problem is something in a template that its author should look at.
type Problem struct {
	Line    int // of the template; 1 is the first
	Message string
}

// Lint reads a template as Parse does, and finds what would otherwise show in a
// customer's mailbox only: values that do not exist or may be missing without a
// default, unknown filters, tags that are not closed.
func Lint(source string, known Known) []Problem {
	t, err := Parse(source)
	if err != nil {
		return []Problem{{Line: lineOf(err), Message: messageOf(err)}}
	}
	l := linter{known: known}
	l.nodes(t.root.(*render.SeqNode).Children, scope{vars: map[string]string{"forloop": ""}, sure: map[string]bool{}})
	return l.problems
}

func lineOf(err error) int {
	var at parser.Error
	if errors.As(err, &at) {
		return max(1, at.LineNumber())
	}
	return 1
}

func messageOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return strings.TrimPrefix(f.Message, fmt.Sprintf("line %d: ", lineOf(err)))
	}
	return err.Error()
}

// filterNames are all filters that templates may use.
var filterNames = newNames()

type names map[string]bool

// AddFilter implements filters.FilterDictionary.
func (n names) AddFilter(name string, _ any) { n[name] = !removed[name] }

func newNames() names {
	n := names{"safe": true}
	filters.AddStandardFilters(n)
	for name := range ownFilters(markup) {
		n[name] = true
	}
	return n
}

// scope is what is known at one place of a template.
type scope struct {
	vars map[string]string // names from loops and assign: the path that they stand for, "" when that is no path
	sure map[string]bool   // paths that a condition around asked for
}

func (s scope) inner() scope { return scope{maps.Clone(s.vars), maps.Clone(s.sure)} }

type linter struct {
	known    Known
	problems []Problem
}

func (l *linter) report(at parser.Token, format string, args ...any) {
	l.problems = append(l.problems, Problem{Line: at.SourceLoc.LineNo, Message: fmt.Sprintf(format, args...)})
}

func (l *linter) nodes(nodes []render.Node, s scope) {
	before := ""
	for _, node := range nodes {
		switch n := node.(type) {
		case *render.TextNode:
			l.text(n)
			before = n.Source
			continue
		case *render.ObjectNode:
			if strings.HasSuffix(before, "=") {
				l.report(n.Token, "put quotes around %s: a value with a space would end the attribute", n.Source)
			}
			l.printed(n, s)
		case *render.TagNode:
			if n.Name == "assign" {
				l.assigned(n, s)
			}
		case *render.BlockNode:
			l.block(n, s)
		}
		before = ""
	}
}

// text finds tags that the engine took for text.
func (l *linter) text(n *render.TextNode) {
	for _, open := range []string{"{{", "{%"} {
		if before, _, found := strings.Cut(n.Source, open); found {
			at := n.Token
			at.SourceLoc.LineNo += strings.Count(before, "\n")
			l.report(at, "%q is not closed, or holds what cannot stand there", open)
		}
	}
}

// printed checks a value that is printed.
func (l *linter) printed(n *render.ObjectNode, s scope) {
	e := readExpression(n.Args)
	l.expression(n.Token, e, s)
	head := ""
	if len(e.head) == 1 {
		head = e.head[0]
	}
	if l.state(head, s) == whole && len(e.filters) == 0 {
		l.report(n.Token, "%s prints everything in %s: name the value inside that is meant", n.Source, head)
		return
	}
	if l.mayMiss(e, s) {
		l.report(n.Token, "%s may be missing: add what to write then, like | default: \"there\"", n.Source)
	}
}

func (l *linter) assigned(n *render.TagNode, s scope) {
	name, value, _ := strings.Cut(n.Args, "=")
	e := readExpression(value)
	l.expression(n.Token, e, s)
	name = strings.TrimSpace(name)
	s.vars[name] = ""
	if len(e.filters) == 0 && len(e.head) == 1 {
		s.vars[name] = s.resolve(e.head[0])
	} else if l.mayMiss(e, s) {
		s.vars[name] = perhaps
	}
}

func (l *linter) block(n *render.BlockNode, s scope) {
	inner := s.inner()
	switch n.Name {
	case "capture":
		defer func() { s.vars[strings.Trim(strings.TrimSpace(n.Args), `"'`)] = "" }()
	case "for":
		l.loop(n, inner)
	default:
		l.conditions(n, inner)
	}
	l.nodes(n.Body, inner)
	for _, clause := range n.Clauses {
		l.nodes(clause.Body, inner.inner())
	}
}

// loop names the elements of what is looped over.
func (l *linter) loop(n *render.BlockNode, inner scope) {
	stmt, err := expressions.ParseStatement(expressions.LoopStatementSelector, n.Args)
	if err != nil {
		return
	}
	_, over, _ := strings.Cut(n.Args, " in ")
	e := readExpression(over)
	l.expression(n.Token, e, inner)
	inner.vars[stmt.Loop.Variable] = ""
	if len(e.head) > 0 && !strings.HasPrefix(strings.TrimSpace(over), "(") {
		if path := inner.resolve(e.head[0]); path != "" && path != perhaps {
			inner.vars[stmt.Loop.Variable] = path + "[]"
		}
	}
}

// conditions makes sure of what an if asks for.
func (l *linter) conditions(n *render.BlockNode, inner scope) {
	for _, b := range append([]*render.BlockNode{n}, n.Clauses...) {
		e := readExpression(b.Args)
		l.expression(b.Token, e, inner)
		for _, path := range e.head {
			inner.sure[inner.resolve(path)] = true
		}
	}
}

// expression checks that the names of an expression exist.
func (l *linter) expression(at parser.Token, e expression, s scope) {
	paths := slices.Clone(e.head)
	for _, f := range e.filters {
		if !filterNames[f.name] {
			l.report(at, "there is no filter %q", f.name)
		}
		paths = append(paths, f.paths...)
	}
	for _, path := range paths {
		if l.state(path, s) == unknown {
			l.report(at, "there is no %s; a template knows %s", path, strings.Join(l.roots(), ", "))
		}
	}
}

// roots returns the names that known paths begin with.
func (l *linter) roots() []string {
	var roots []string
	for path := range l.known {
		root, _, _ := strings.Cut(strings.ReplaceAll(path, "[]", "."), ".")
		roots = append(roots, root)
	}
	slices.Sort(roots)
	return slices.Compact(roots)
}

// mayMiss reports whether the expression can come out as nothing.
func (l *linter) mayMiss(e expression, s scope) bool {
	maybe := func(paths []string) bool {
		return slices.ContainsFunc(paths, func(path string) bool { return l.state(path, s) == missing })
	}
	miss := maybe(e.head)
	for _, f := range e.filters {
		switch f.name {
		case "default":
			miss = miss && maybe(f.paths)
		case "t":
			miss = false
		}
	}
	return miss
}
