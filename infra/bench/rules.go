package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"rapport/infra/publish"
	"rapport/shared/audience"
	"rapport/shared/person"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// rules is one audience of four terms, compiled before, for a person who meets
// all of them. The others get the person decoded.
func rules() (comparison, error) {
	rule, err := published()
	if err != nil {
		return comparison{}, err
	}
	inCEL, err := celRule()
	if err != nil {
		return comparison{}, err
	}
	inExpr, err := exprRule()
	if err != nil {
		return comparison{}, err
	}
	view := &person.View{
		Known: true, LastSeen: now.AddDate(0, 0, -1),
		Traits:   map[string]person.Trait{"country": {Value: json.RawMessage(`"PL"`)}, "segments": {Value: json.RawMessage(`["new","vip"]`)}},
		Computed: map[string]json.RawMessage{"orders": json.RawMessage("3")},
	}
	var facts audience.Facts
	rule.Fill(&facts, view, nil, now)
	match := func() bool { matched, err := rule.Match(0, &facts); return matched && err == nil }
	return comparison{"a rule of four terms", []contestant{
		{"Rapport", match},
		{"Rapport, the person's JSON read too", func() bool { rule.Fill(&facts, view, nil, now); return match() }},
		{"cel-go 0.33.2", inCEL},
		{"expr 1.17.8", inExpr},
	}}, nil
}

// published compiles the rule as the product does.
func published() (*audience.Set, error) {
	dir, err := os.MkdirTemp("", "rapport-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system tidies what stays
	const people = `zone: UTC
computed: {orders: {op: count, event: Order Completed}}
audiences:
  good:
    name: Good
    when: traits.country in ["UA", "PL"] && computed.orders > 2 && now - lastSeen < duration("168h") && "vip" in traits.segments
`
	if err := os.WriteFile(filepath.Join(dir, "people.yaml"), []byte(people), 0o600); err != nil {
		return nil, err
	}
	doc, problems := publish.Load(dir)
	for _, p := range problems {
		if !p.Warning {
			return nil, fmt.Errorf("the rule is not published: %v", p)
		}
	}
	return audience.Compile([]audience.Program{doc.Audiences[0].When}, audience.Names{})
}

func celRule() (func() bool, error) {
	env, err := cel.NewEnv(
		cel.Variable("country", cel.StringType), cel.Variable("orders", cel.IntType), cel.Variable("lastSeen", cel.TimestampType),
		cel.Variable("segments", cel.ListType(cel.StringType)), cel.Variable("now", cel.TimestampType))
	if err != nil {
		return nil, err
	}
	tree, issues := env.Compile(`country in ["UA", "PL"] && orders > 2 && now - lastSeen < duration("168h") && "vip" in segments`)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	program, err := env.Program(tree, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, err
	}
	vars := map[string]any{"country": "PL", "orders": int64(3), "lastSeen": now.AddDate(0, 0, -1), "segments": []string{"new", "vip"}, "now": now}
	return func() bool {
		out, _, err := program.Eval(vars)
		return err == nil && out.Value() == true
	}, nil
}

// profile is the person for expr, which is fastest on a struct.
type profile struct {
	Country  string
	Orders   int
	LastSeen time.Time
	Segments []string
	Now      time.Time
	Week     time.Duration
}

func exprRule() (func() bool, error) {
	p := profile{"PL", 3, now.AddDate(0, 0, -1), []string{"new", "vip"}, now, 7 * 24 * time.Hour}
	program, err := expr.Compile(`Country in ["UA", "PL"] && Orders > 2 && Now - LastSeen < Week && "vip" in Segments`, expr.Env(profile{}), expr.AsBool())
	if err != nil {
		return nil, err
	}
	machine := vm.VM{}
	return func() bool {
		out, err := machine.Run(program, p)
		return err == nil && out == true
	}, nil
}
