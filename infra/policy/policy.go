// Package policy holds what every deployment must keep: failures end where
// somebody sees them, nothing may do more than it does, and what is stored or
// logged has an end. Its tests apply the rules to template.yaml and the templates
// nested in it, so that a function or queue that comes later keeps them too.
package policy

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
)

// Problem is one place where a template breaks a rule.
type Problem struct {
	Rule    string // the rule's name
	File    string // path from the top of the tree
	Line    int    // from 1, of the resource; 0 when the whole file is meant
	Message string // what is wrong and what to do instead
}

// String returns "file:line: message (rule)".
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s (%s)", p.File, p.Line, p.Message, p.Rule)
}

// Rule is one property of the deployment.
type Rule struct {
	Name  string
	check func(*Deployment, report)
}

// report records a problem of a resource; its line is found by the id.
type report func(id, format string, args ...any)

// Rules returns every rule, in the order in which a newcomer would want to read
// them.
func Rules() []Rule {
	return []Rule{
		{"described", described},
		{"runtime", runtime},
		{"concurrency", concurrency},
		{"timeouts", timeouts},
		{"partial-failures", partialFailures},
		{"dead-letters", deadLetters},
		{"delivery", delivery},
		{"alarms", alarms},
		{"logs", logs},
		{"table", tables},
		{"endpoint", endpoint},
		{"roles", roles},
		{"grants", grants},
	}
}

// Check applies the rule and returns its problems in the order of lines.
func (r Rule) Check(d *Deployment) []Problem {
	var out []Problem
	r.check(d, func(id, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		if id != "" {
			text = id + " " + text
		}
		out = append(out, Problem{Rule: r.Name, File: templateFile, Line: d.lines[id], Message: text})
	})
	slices.SortFunc(out, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
	return out
}

// Check reads the deployment described in the tree and applies every rule. An
// error means that it could not be read.
func Check(tree fs.FS) ([]Problem, error) {
	d, err := Read(tree)
	if err != nil {
		return nil, err
	}
	var out []Problem
	for _, r := range Rules() {
		out = append(out, r.Check(d)...)
	}
	return out, nil
}
