package publish

import (
	"cel.dev/cel-go/cel"
	"go.yaml.in/yaml/v4"

	"rapport/shared/audience"
	"rapport/shared/person"
)

// CompileRule compiles one rule as Load does, of a strategy that has these computed
// traits, preferred fields, and the audiences that those are inferred by. The
// program is nil when a problem is more than a warning.
func CompileRule(text string, computed []person.ComputedTrait, preferred []audience.Field) (*audience.Program, []Problem) {
	l := newLoader()
	l.lifecycle = &person.Lifecycle{}
	for _, c := range computed {
		l.computed.at[c.Name] = &entry[person.ComputedTrait]{value: c}
	}
	for _, f := range preferred {
		l.preferred.at[f.Name] = &entry[audience.Field]{value: f}
		for _, one := range f.Inferred {
			l.audiences.at[one.Audience] = &entry[audience.Audience]{}
		}
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: 1, Column: 1}
	f := &file{name: "rule", lines: [][]rune{[]rune(text)}}
	program := newRuleCompiler(l).compile(place{f, n}, "the rule")
	return program, l.problems
}

// Env returns the environment that rules are checked in.
func Env() (*cel.Env, error) { return newEnv() }

// PlainText makes the text part of a mail.
var PlainText = plainText
