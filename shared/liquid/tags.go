package liquid

import (
	"errors"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"
	"github.com/osteele/liquid/values"

	"rapport/shared/fault"
)

// renderer is how the engine calls a tag or block.
type renderer = func(io.Writer, render.Context) error

// addTags defines every tag there is. The engine's own are not used: two of them
// read files, and its loops know no limit.
func addTags(cfg *render.Config) {
	cfg.AddBlock("comment")
	cfg.AddBlock("raw")
	cfg.AddBlock("if").Clause("else").Clause("elsif").Compiler(compileIf)
	cfg.AddBlock("unless").Clause("else").Clause("elsif").Compiler(compileIf)
	cfg.AddBlock("case").Clause("when").Clause("else").Compiler(compileCase)
	cfg.AddBlock("for").Clause("else").Compiler(compileFor)
	cfg.AddBlock("capture").Compiler(compileCapture)
	cfg.AddTag("assign", compileAssign)
	cfg.AddTag("abort", compileAbort)
	cfg.AddTag("break", func(string) (renderer, error) { return leave(errBreak), nil })
	cfg.AddTag("continue", func(string) (renderer, error) { return leave(errContinue), nil })
}

var (
	errBreak    = errors.New("break stands outside a loop")
	errContinue = errors.New("continue stands outside a loop")
)

func leave(err error) renderer {
	return func(_ io.Writer, ctx render.Context) error { return ctx.WrapError(err) }
}

// arm is one way through an if or case: what must hold, and what is rendered.
type arm struct {
	holds func(render.Context) (bool, error) // nil: always
	block *render.BlockNode
}

// take renders the first arm that holds.
func take(arms []arm) renderer {
	return func(w io.Writer, ctx render.Context) error {
		for _, a := range arms {
			yes := true
			if a.holds != nil {
				var err error
				if yes, err = a.holds(ctx); err != nil {
					return err
				}
			}
			if yes {
				return ctx.RenderBlock(w, a.block)
			}
		}
		return nil
	}
}

// condition reads what follows if, unless or elsif.
func condition(source string, want bool) (func(render.Context) (bool, error), error) {
	expr, err := expressions.Parse(source)
	if err != nil {
		return nil, err
	}
	return func(ctx render.Context) (bool, error) {
		v, err := ctx.Evaluate(expr)
		return (v != nil && v != false) == want, err
	}, nil
}

func compileIf(node render.BlockNode) (renderer, error) {
	holds, err := condition(node.Args, node.Name == "if")
	if err != nil {
		return nil, err
	}
	arms := []arm{{holds, &node}}
	for _, clause := range node.Clauses {
		a := arm{block: clause}
		if clause.Name == "elsif" {
			if a.holds, err = condition(clause.Args, true); err != nil {
				return nil, err
			}
		}
		arms = append(arms, a)
	}
	return take(arms), nil
}

func compileCase(node render.BlockNode) (renderer, error) {
	subject, err := expressions.Parse(node.Args)
	if err != nil {
		return nil, err
	}
	var arms []arm
	for _, clause := range node.Clauses {
		a := arm{block: clause}
		if clause.Name == "when" {
			when, err := expressions.ParseStatement(expressions.WhenStatementSelector, clause.Args)
			if err != nil {
				return nil, err
			}
			a.holds = equalsAny(subject, when.Exprs)
		}
		arms = append(arms, a)
	}
	return take(arms), nil
}

func equalsAny(subject expressions.Expression, choices []expressions.Expression) func(render.Context) (bool, error) {
	return func(ctx render.Context) (bool, error) {
		is, err := ctx.Evaluate(subject)
		for _, choice := range choices {
			v, failure := ctx.Evaluate(choice)
			if err = errors.Join(err, failure); err == nil && values.Equal(is, v) {
				return true, nil
			}
		}
		return false, err
	}
}

func compileAssign(source string) (renderer, error) {
	stmt, err := expressions.ParseStatement(expressions.AssignStatementSelector, source)
	if err != nil {
		return nil, err
	}
	if len(stmt.Path) > 1 {
		return nil, errors.New("assign takes a name without dots")
	}
	return func(_ io.Writer, ctx render.Context) error {
		v, err := ctx.Evaluate(stmt.ValueFn)
		if err == nil {
			ctx.Set(stmt.Assignment.Variable, v)
		}
		return err
	}, nil
}

var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// compileCapture keeps what a block prints. It is escaped already, so it is
// marked as safe.
func compileCapture(node render.BlockNode) (renderer, error) {
	name := strings.Trim(strings.TrimSpace(node.Args), `"'`)
	if !namePattern.MatchString(name) {
		return nil, errors.New("capture takes one name")
	}
	return func(_ io.Writer, ctx render.Context) error {
		w := &limitedWriter{left: MaxOutput}
		if err := ctx.RenderChildren(w); err != nil {
			return err
		}
		ctx.Set(name, values.SafeValue{Value: w.String()})
		return budgetOf(ctx).spend(1 + w.Len()/256)
	}, nil
}

// compileAbort reads {% abort "reason" %}, which ends the mail.
func compileAbort(source string) (renderer, error) {
	expr, err := expressions.Parse(source)
	if err != nil {
		return nil, errors.New(`abort needs a reason in quotes, like {% abort "nothing in stock" %}`)
	}
	return func(_ io.Writer, ctx render.Context) error {
		v, err := ctx.Evaluate(expr)
		if err != nil {
			return err
		}
		reason, ok := v.(string)
		if !ok || reason == "" {
			reason = "the template ended the mail"
		}
		return ctx.WrapError(fault.New(fault.Invalid, "render_abort", "%.200s", reason))
	}, nil
}

// compileFor reads a loop. Each round is paid for with what is in it.
func compileFor(node render.BlockNode) (renderer, error) {
	stmt, err := expressions.ParseStatement(expressions.LoopStatementSelector, node.Args)
	if err != nil {
		return nil, err
	}
	price := 1 + count(node.Body)
	return func(w io.Writer, ctx render.Context) error {
		v, err := ctx.Evaluate(stmt.Expr)
		if err != nil {
			return err
		}
		index, err := window(ctx, stmt.Loop, length(v))
		if err != nil {
			return err
		}
		if len(index) == 0 && len(node.Clauses) > 0 {
			return ctx.RenderBlock(w, node.Clauses[0])
		}
		outer, shadowed := ctx.Get("forloop"), ctx.Get(stmt.Loop.Variable)
		defer func() {
			ctx.Set("forloop", outer)
			ctx.Set(stmt.Loop.Variable, shadowed)
		}()
		return rounds(w, ctx, len(index), price, func(i int) {
			ctx.Set(stmt.Loop.Variable, element(v, index[i]))
		})
	}, nil
}

// rounds renders the body of a loop n times; set gives the loop's variable its
// value for a round.
func rounds(w io.Writer, ctx render.Context, n, price int, set func(i int)) error {
	for i := range n {
		if err := budgetOf(ctx).round(price); err != nil {
			return err
		}
		set(i)
		ctx.Set("forloop", object{
			"first": i == 0, "last": i == n-1, "index": i + 1, "index0": i,
			"rindex": n - i, "rindex0": n - i - 1, "length": n,
		})
		if ended, err := round(w, ctx); ended || err != nil {
			return err
		}
	}
	return nil
}

// round renders the body of a loop once and reports whether it broke out.
func round(w io.Writer, ctx render.Context) (ended bool, err error) {
	failure := ctx.RenderChildren(w)
	switch {
	case failure == nil || errors.Is(failure.Cause(), errContinue):
		return false, nil
	case errors.Is(failure.Cause(), errBreak):
		return true, nil
	}
	return false, failure
}

// length returns how often a value can be looped over: a range, a list, or an
// object's names.
func length(v any) int {
	if r, ok := v.(values.Range); ok {
		return r.Len()
	}
	if kind := reflect.ValueOf(v).Kind(); kind == reflect.Slice || kind == reflect.Map {
		return reflect.ValueOf(v).Len()
	}
	return 0
}

// element returns the value of one round. An object gives [name, value], sorted
// by name.
func element(v any, at int) any {
	switch v := v.(type) {
	case values.Range:
		return v.Index(at)
	case object:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		return []any{names[at], v[names[at]]}
	default:
		return reflect.ValueOf(v).Index(at).Interface()
	}
}

// window returns the indexes that a loop visits: offset, then limit, and
// reversed at last.
func window(ctx render.Context, loop expressions.Loop, n int) ([]int, error) {
	first, err := wholeNumber(ctx, loop.Offset, 0)
	if err != nil {
		return nil, err
	}
	most, err := wholeNumber(ctx, loop.Limit, math.MaxInt)
	if err != nil {
		return nil, err
	}
	if most = min(most, n-first); most > MaxIterations {
		return nil, tooMuch("the loops of a template make at most %d rounds together", MaxIterations)
	}
	var index []int
	for i := range max(most, 0) {
		index = append(index, first+i)
	}
	if loop.Reversed {
		slices.Reverse(index)
	}
	return index, nil
}

func wholeNumber(ctx render.Context, expr expressions.Expression, without int) (int, error) {
	if expr == nil {
		return without, nil
	}
	v, err := ctx.Evaluate(expr)
	n, ok := v.(int)
	if err == nil && (!ok || n < 0) {
		err = ctx.Errorf("limit and offset must be whole numbers")
	}
	return n, err
}

// count returns how many parts are in the nodes, without those inside of loops,
// which pay for themselves.
func count(nodes []render.Node) int {
	n := len(nodes)
	for _, node := range nodes {
		if b, ok := node.(*render.BlockNode); ok && b.Name != "for" {
			n += count(b.Body)
			for _, clause := range b.Clauses {
				n += count(clause.Body)
			}
		}
	}
	return n
}

var literalRange = regexp.MustCompile(`\(\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*\)`)

// bound refuses loops over written ranges that cannot end within the limit, and
// blocks that are nested too deep.
func bound(nodes []render.Node, rounds, depth int) error {
	if depth > maxDepth {
		return tooMuch("the blocks of a template are nested over %d deep", maxDepth)
	}
	for _, node := range nodes {
		switch n := node.(type) {
		case *render.SeqNode:
			if err := bound(n.Children, rounds, depth); err != nil {
				return err
			}
		case *render.BlockNode:
			if err := boundBlock(n, rounds, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func boundBlock(n *render.BlockNode, rounds, depth int) error {
	if n.Name == "for" {
		rounds *= written(n.Args)
	}
	if rounds > MaxIterations {
		return tooMuch("line %d: the loops here make over %d rounds", n.SourceLoc.LineNo, MaxIterations)
	}
	for _, b := range append([]*render.BlockNode{n}, n.Clauses...) {
		if err := bound(b.Body, rounds, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// written returns the length of a loop's range when it is written out, else 1.
func written(args string) int {
	m := literalRange.FindStringSubmatch(args)
	if m == nil {
		return 1
	}
	first, err := strconv.Atoi(m[1])
	last, failure := strconv.Atoi(m[2])
	if err != nil || failure != nil || last-first >= MaxIterations || last-first < 0 && last > first {
		return MaxIterations + 1
	}
	return max(1, last-first+1)
}
