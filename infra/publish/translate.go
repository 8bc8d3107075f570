package publish

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"rapport/shared/audience"
)

// translation turns one CEL tree into a program, and reports what a program
// cannot express.
type translation struct {
	compiler *ruleCompiler
	at       place
	info     *ast.SourceInfo
}

// supported is said of everything else.
const supported = "rules know has, in, size, contains, startsWith, endsWith, matches, int, double, string, timestamp, duration, comparisons, && || ! ?: and + - * / %"

func (t *translation) refuse(e ast.Expr, format string, args ...any) audience.Program {
	t.compiler.reportAt(t.at, t.info.GetStartLocation(e.ID()), format, args...)
	return audience.Program{}
}

// expr translates one expression.
func (t *translation) expr(e ast.Expr) audience.Program {
	switch e.Kind() {
	case ast.LiteralKind:
		return t.literal(e)
	case ast.IdentKind, ast.SelectKind:
		return t.path(e)
	case ast.ListKind:
		return audience.Program{Op: audience.OpList, Args: t.exprs(e.AsList().Elements())}
	case ast.CallKind:
		return t.call(e)
	default:
		return t.refuse(e, "this cannot be used in a rule: %s", supported)
	}
}

func (t *translation) exprs(list []ast.Expr) []audience.Program {
	out := make([]audience.Program, len(list))
	for i, e := range list {
		out[i] = t.expr(e)
	}
	return out
}

func constant(kind, text string) audience.Program {
	return audience.Program{Op: audience.OpConst, Type: kind, Text: text}
}

func (t *translation) literal(e ast.Expr) audience.Program {
	switch v := e.AsLiteral().(type) {
	case types.Null:
		return constant(audience.TypeNull, "")
	case types.Bool:
		return constant(audience.TypeBool, strconv.FormatBool(bool(v)))
	case types.Int:
		return constant(audience.TypeInt, strconv.FormatInt(int64(v), 10))
	case types.Double:
		return constant(audience.TypeDouble, strconv.FormatFloat(float64(v), 'g', -1, 64))
	case types.String:
		return constant(audience.TypeString, string(v))
	default:
		return t.refuse(e, "write numbers without u, and text without b: %s", supported)
	}
}

// path translates traits.address.city and has(traits.address.city).
func (t *translation) path(e ast.Expr) audience.Program {
	op := audience.OpGet
	if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
		op = audience.OpHas
	}
	path := t.names(e)
	if path == nil {
		return audience.Program{}
	}
	return t.checkPath(e, audience.Program{Op: op, Path: path})
}

// names returns the names of a path from its variable on; nil after a problem.
func (t *translation) names(e ast.Expr) []string {
	switch e.Kind() {
	case ast.IdentKind:
		return []string{e.AsIdent()}
	case ast.SelectKind:
		s := e.AsSelect()
		if inner := t.names(s.Operand()); inner != nil {
			return append(inner, s.FieldName())
		}
		return nil
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == operators.Index && len(c.Args()) == 2 {
			return t.indexed(e, c)
		}
	}
	t.refuse(e, "only traits, computed and context have names inside")
	return nil
}

// indexed translates traits["loyalty-tier"].
func (t *translation) indexed(e ast.Expr, c ast.CallExpr) []string {
	name, ok := types.String(""), false
	if c.Args()[1].Kind() == ast.LiteralKind {
		name, ok = c.Args()[1].AsLiteral().(types.String)
	}
	if !ok {
		t.refuse(e, "between [ and ] must stand a name in quotes, like traits[\"loyalty-tier\"]")
		return nil
	}
	if inner := t.names(c.Args()[0]); inner != nil {
		return append(inner, string(name))
	}
	return nil
}

// checkPath refuses paths that lead nowhere.
func (t *translation) checkPath(e ast.Expr, p audience.Program) audience.Program {
	names := p.Path[1:]
	switch p.Path[0] {
	case audience.Known, audience.Lifecycle, audience.FirstSeen, audience.LastSeen, audience.Now:
		if len(names) > 0 {
			return t.refuse(e, "%s has nothing inside: use it as it is", p.Path[0])
		}
		if p.Path[0] == audience.Lifecycle && t.compiler.loader.lifecycle == nil {
			return t.refuse(e, "the strategy has no lifecycle: declare one before rules ask for it")
		}
	case audience.Audiences:
		return t.checkAudience(e, p)
	case audience.Preferred:
		return t.checkPreferred(e, p)
	case audience.Traits, audience.Computed, audience.Context:
		if len(names) == 0 {
			return t.refuse(e, "%s holds many values: write which one, like %s.name", p.Path[0], p.Path[0])
		}
		if _, declared := t.compiler.traits[names[0]]; p.Path[0] == audience.Computed && !declared {
			known := slices.Collect(maps.Keys(t.compiler.traits))
			return t.refuse(e, "there is no computed trait %q%s", names[0], didYouMean(names[0], known))
		}
	default:
		return t.refuse(variable(e), "there is no %s%s", p.Path[0], didYouMean(p.Path[0], variables))
	}
	return p
}

// checkAudience refuses to ask for an audience that does not exist.
func (t *translation) checkAudience(e ast.Expr, p audience.Program) audience.Program {
	known := t.compiler.loader.audiences
	switch {
	case p.Op == audience.OpHas || len(p.Path) != 2:
		return t.refuse(e, "ask for an audience by its id, like audiences.vip or audiences[\"new-visitor\"]")
	case known.at[p.Path[1]] == nil:
		return t.refuse(e, "there is no audience %q%s", p.Path[1], didYouMean(p.Path[1], known.ids()))
	}
	return p
}

// checkPreferred refuses to read a field that does not exist, and to ask whether
// somebody has one that does.
func (t *translation) checkPreferred(e ast.Expr, p audience.Program) audience.Program {
	known := t.compiler.loader.preferred
	switch {
	case p.Op == audience.OpHas:
		return t.refuse(e, "everybody has every preferred field: compare it, like preferred.theme == \"dark\"")
	case len(p.Path) != 2:
		return t.refuse(e, "read a preferred field by its name, like preferred.theme")
	case known.at[p.Path[1]] == nil:
		return t.refuse(e, "there is no preferred field %q%s", p.Path[1], didYouMean(p.Path[1], known.ids()))
	}
	return p
}

// variable returns the expression that a path begins with.
func variable(e ast.Expr) ast.Expr {
	switch {
	case e.Kind() == ast.SelectKind:
		return variable(e.AsSelect().Operand())
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index:
		return variable(e.AsCall().Args()[0])
	default:
		return e
	}
}

// operations maps CEL's functions to the operations of a program, where they
// differ in name.
var operations = map[string]string{
	operators.LogicalAnd: audience.OpAnd, operators.LogicalOr: audience.OpOr, operators.LogicalNot: audience.OpNot,
	operators.Conditional: audience.OpIf, operators.Equals: audience.OpEqual, operators.NotEquals: audience.OpUnequal,
	operators.Less: audience.OpLess, operators.LessEquals: audience.OpAtMost,
	operators.Greater: audience.OpGreater, operators.GreaterEquals: audience.OpAtLeast,
	operators.In: audience.OpIn, operators.Add: audience.OpAdd, operators.Subtract: audience.OpSubtract,
	operators.Multiply: audience.OpMultiply, operators.Divide: audience.OpDivide, operators.Modulo: audience.OpRemainder,
	operators.Negate: audience.OpNegate,
	"size":           audience.OpSize, "contains": audience.OpContains, "startsWith": audience.OpStarts,
	"endsWith": audience.OpEnds, "matches": audience.OpMatches, "int": audience.OpInt, "double": audience.OpDouble,
	"string": audience.OpString, "timestamp": audience.OpTime, "duration": audience.OpSpan,
}

func (t *translation) call(e ast.Expr) audience.Program {
	c := e.AsCall()
	if c.FunctionName() == operators.Index {
		return t.path(e)
	}
	op, ok := operations[c.FunctionName()]
	if !ok {
		return t.refuse(e, "%s cannot be used in a rule: %s", operatorName(c.FunctionName()), supported)
	}
	args := c.Args()
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	if op == audience.OpIn && len(args) == 2 && args[1].Kind() == ast.IdentKind {
		return t.nameIn(e, args)
	}
	p := audience.Program{Op: op, Args: t.exprs(args)}
	if wrong, ok := t.checkStages(p); !ok {
		return t.refuse(e, "there is no stage %q%s", wrong, didYouMean(wrong, stageNames()))
	}
	switch op {
	case audience.OpTime, audience.OpSpan:
		return t.foldTime(e, p)
	case audience.OpMatches:
		if err := t.compiler.try(&p); err != nil && len(args) == 2 {
			return t.refuse(args[1], "%s", sentence(err))
		}
	}
	return p
}

// nameIn translates "country" in traits, another way to write has().
func (t *translation) nameIn(e ast.Expr, args []ast.Expr) audience.Program {
	if args[0].Kind() == ast.LiteralKind {
		if name, ok := args[0].AsLiteral().(types.String); ok {
			return t.checkPath(e, audience.Program{Op: audience.OpHas, Path: []string{args[1].AsIdent(), string(name)}})
		}
	}
	return t.refuse(e, "before in %s must stand a name in quotes", args[1].AsIdent())
}

// foldTime makes timestamp("…") and duration("…") constants.
func (t *translation) foldTime(e ast.Expr, p audience.Program) audience.Program {
	if len(p.Args) != 1 || p.Args[0].Op != audience.OpConst || p.Args[0].Type != audience.TypeString {
		return p
	}
	written := types.String(p.Args[0].Text)
	if p.Op == audience.OpSpan {
		d, ok := written.ConvertToType(types.DurationType).(types.Duration)
		if !ok {
			return t.refuse(e, "%q is no duration: write hours, minutes and seconds, like \"168h\" or \"1h30m\"", string(written))
		}
		return constant(audience.TypeSpan, d.Duration.String())
	}
	at, ok := written.ConvertToType(types.TimestampType).(types.Timestamp)
	if !ok {
		return t.refuse(e, "%q is no time: write it like \"2026-11-30T09:00:00Z\"", string(written))
	}
	return constant(audience.TypeTime, at.Time.UTC().Format(time.RFC3339Nano))
}

// operatorName writes one of CEL's internal names as authors write it.
func operatorName(function string) string {
	if symbol, ok := operators.FindReverse(function); ok && symbol != "" {
		return symbol
	}
	return strings.Trim(function, "_@")
}
