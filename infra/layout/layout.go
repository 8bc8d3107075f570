// Package layout holds the rules of this repository's own shape: which package
// may import which, what stays pure, how large a file may grow, and that
// functions, template and sample events carry the same names. Its tests apply
// them to the whole tree, so that the shape holds without anyone watching.
//
// The rules read files themselves and never start another program: Go's test
// cache does not see what a child process reads, and would repeat an old answer.
package layout

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
)

// Problem is one place where the tree breaks a rule.
type Problem struct {
	Rule    string // the rule's name
	File    string // path from the top of the tree
	Line    int    // from 1; 0 when the whole file or folder is meant
	Message string // what is wrong and what to do instead
}

// String returns "file:line: message (rule)".
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s (%s)", p.File, p.Message, p.Rule)
	}
	return fmt.Sprintf("%s:%d: %s (%s)", p.File, p.Line, p.Message, p.Rule)
}

// Rule is one property of the tree.
type Rule struct {
	Name  string
	check func(*Tree, report)
}

// report records a problem at a place of the tree.
type report func(file string, line int, format string, args ...any)

// Rules returns every rule, in the order in which a newcomer would want to read
// them.
func Rules() []Rule {
	return []Rule{
		{"rings", rings},
		{"third-party", thirdParty},
		{"pure", pure},
		{"test-only", testOnly},
		{"package-comment", packageComments},
		{"documented", documented},
		{"names", names},
		{"budget", budgets},
		{"functions", functions},
		{"lambda", lambdas},
		{"events", events},
		{"template-secrets", templateSecrets},
		{"text", texts},
	}
}

// Check applies the rule and returns its problems in the order of files and
// lines.
func (r Rule) Check(t *Tree) []Problem {
	var out []Problem
	r.check(t, func(file string, line int, format string, args ...any) {
		out = append(out, Problem{Rule: r.Name, File: file, Line: line, Message: fmt.Sprintf(format, args...)})
	})
	slices.SortFunc(out, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
	return out
}

// Check reads the tree and applies every rule. An error means that the tree
// could not be read or parsed.
func Check(fsys fs.FS) ([]Problem, error) {
	t, err := Read(fsys)
	if err != nil {
		return nil, err
	}
	var out []Problem
	for _, r := range Rules() {
		out = append(out, r.Check(t)...)
	}
	return out, nil
}
