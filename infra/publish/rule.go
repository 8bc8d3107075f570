package publish

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"

	"rapport/shared/audience"
	"rapport/shared/fault"
	"rapport/shared/person"
)

// ruleCompiler parses, checks and translates rules.
type ruleCompiler struct {
	loader *loader
	env    *cel.Env
	times  []string
	traits map[string]person.Op // computed
	fields []audience.Field
}

func newRuleCompiler(l *loader) *ruleCompiler {
	doc := l.document()
	c := &ruleCompiler{loader: l, times: l.times(), traits: map[string]person.Op{}, fields: doc.Preferred}
	for _, t := range doc.Computed {
		c.traits[t.Name] = t.Op
	}
	var err error
	if c.env, err = newEnv(); err != nil {
		l.problems = append(l.problems, Problem{File: "strategy", Message: "rules cannot be checked: " + err.Error()})
	}
	return c
}

// newEnv declares what rules can read. Of CEL's macros only has is left.
func newEnv() (*cel.Env, error) {
	names := cel.MapType(cel.StringType, cel.DynType)
	return cel.NewCustomEnv(
		cel.StdLib(), cel.ClearMacros(), cel.Macros(cel.HasMacro),
		cel.Variable(audience.Traits, names), cel.Variable(audience.Computed, names), cel.Variable(audience.Context, names),
		cel.Variable(audience.Audiences, cel.MapType(cel.StringType, cel.BoolType)), cel.Variable(audience.Lifecycle, cel.StringType),
		cel.Variable(audience.Preferred, names),
		cel.Variable(audience.Known, cel.BoolType), cel.Variable(audience.FirstSeen, cel.TimestampType),
		cel.Variable(audience.LastSeen, cel.TimestampType), cel.Variable(audience.Now, cel.TimestampType),
	)
}

// compile returns the program of the rule that stands in a scalar, nil when
// there is a problem with it.
func (c *ruleCompiler) compile(at place, what string) *audience.Program {
	text := at.node.Value
	if c.env == nil || len(text) > audience.MaxText {
		if c.env != nil {
			c.loader.report(at.file, at.node, "the rule of %s has over %d KB: split it into several audiences", what, audience.MaxText>>10)
		}
		return nil
	}
	before := len(c.loader.problems)
	tree, issues := c.env.Parse(text)
	if c.issues(at, issues) {
		return nil
	}
	t := &translation{compiler: c, at: at, info: tree.NativeRep().SourceInfo()}
	program := t.expr(tree.NativeRep().Expr())
	if len(c.loader.problems) > before {
		return nil
	}
	checked, issues := c.env.Check(tree)
	if c.issues(at, issues) {
		return nil
	}
	if out := checked.OutputType(); !out.IsExactType(cel.BoolType) {
		c.loader.report(at.file, at.node, "the rule of %s gives %s, not true or false: compare it with something", what, typeName(out))
		return nil
	}
	if err := c.try(&program); err != nil {
		c.loader.report(at.file, at.node, "the rule of %s: %s", what, sentence(err))
		return nil
	}
	c.warnUnguarded(at, &program)
	return &program
}

// try compiles a program as the engine will, with all that it could ask for being
// true: what is wrong with those is reported where they stand.
func (c *ruleCompiler) try(p *audience.Program) error {
	names := audience.Names{Times: c.times, Audiences: c.loader.audiences.ids(), Fields: c.fields}
	rules := make([]audience.Program, len(names.Audiences), len(names.Audiences)+1)
	for i := range rules {
		rules[i] = constant(audience.TypeBool, "true")
	}
	_, err := audience.Compile(append(rules, *p), names)
	return err
}

// sentence returns what an error says to its reader, without where it was found.
func sentence(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	if f.Err != nil {
		return f.Message + " (" + f.Err.Error() + ")"
	}
	return f.Message
}

func typeName(t *cel.Type) string {
	if t.IsExactType(cel.DynType) {
		return "any value"
	}
	return "a " + t.String()
}

// issues reports what CEL says, where it says it.
func (c *ruleCompiler) issues(at place, issues *cel.Issues) bool {
	if issues.Err() == nil {
		return false
	}
	for _, e := range issues.Errors() {
		c.reportAt(at, e.Location, "%s", plainWords(e.Message))
	}
	return true
}

// reportAt reports a problem at a location inside a rule.
func (c *ruleCompiler) reportAt(at place, loc common.Location, format string, args ...any) {
	c.loader.report(at.file, at.node, format, args...)
	p := &c.loader.problems[len(c.loader.problems)-1]
	p.Line, p.Column = at.position(offset(at.node.Value, loc))
}

// offset returns how many characters stand before a location.
func offset(text string, loc common.Location) int {
	n := loc.Column()
	for i, line := range strings.SplitAfter(text, "\n") {
		if i+1 < loc.Line() {
			n += len([]rune(line))
		}
	}
	return max(n, 0)
}

// plainWords turns the commonest of CEL's messages into words for people who do
// not know it.
func plainWords(message string) string {
	if name, ok := strings.CutPrefix(message, "undeclared reference to '"); ok {
		name, _, _ = strings.Cut(name, "'")
		return "there is no " + name + didYouMean(name, variables)
	}
	if what, ok := strings.CutPrefix(message, "found no matching overload for '"); ok {
		name, types, _ := strings.Cut(what, "' applied to ")
		return "these two do not go together here: " + operatorName(name) + " of " + strings.Trim(types, "'")
	}
	message = strings.TrimPrefix(message, "Syntax error: ")
	for _, start := range []string{"mismatched input ", "extraneous input ", "no viable alternative at input "} {
		if what, ok := strings.CutPrefix(message, start); ok {
			what, _, _ = strings.Cut(what, " expecting ")
			return unexpected(strings.Trim(what, "'"))
		}
	}
	return message
}

func unexpected(what string) string {
	if what == "<EOF>" {
		return "the rule ends too early"
	}
	return fmt.Sprintf("%q is not expected here", what)
}

var variables = []string{
	audience.Traits, audience.Computed, audience.Context, audience.Audiences, audience.Preferred, audience.Lifecycle, audience.Known, audience.FirstSeen, audience.LastSeen, audience.Now,
}

// warnUnguarded tells that a value which not everybody has makes the whole rule
// undecided, unless the rule asks for it with has() first.
func (c *ruleCompiler) warnUnguarded(at place, p *audience.Program) {
	guarded := map[string]bool{}
	for _, path := range pathsOf(p, audience.OpHas) {
		guarded[strings.Join(path, "\x00")] = true
	}
	var told []string
	for _, path := range pathsOf(p, audience.OpGet) {
		key := strings.Join(path, "\x00")
		if guarded[key] || slices.Contains(told, key) || !c.mayLack(path) {
			continue
		}
		told = append(told, key)
		written := (&audience.Program{Op: audience.OpGet, Path: path}).String()
		guard := (&audience.Program{Op: audience.OpHas, Path: path}).String()
		index := max(strings.Index(at.node.Value, written), 0)
		c.loader.report(at.file, at.node, "whoever has no %s never matches, not even a rule that says != or !: write %s && … to show that this is meant", written, guard)
		w := &c.loader.problems[len(c.loader.problems)-1]
		w.Line, w.Column = at.position(len([]rune(at.node.Value[:index])))
		w.Warning = true
	}
}

// mayLack reports whether a person may have no value at the path.
func (c *ruleCompiler) mayLack(path []string) bool {
	switch path[0] {
	case audience.Traits, audience.Context:
		return true
	case audience.Computed:
		return !c.traits[path[1]].Total() || len(path) > 2
	default:
		return false
	}
}

// paths returns every path in the program.
func paths(p *audience.Program) [][]string {
	return append(pathsOf(p, audience.OpGet), pathsOf(p, audience.OpHas)...)
}

// pathsOf returns the paths that an operation of the program takes.
func pathsOf(p *audience.Program, op string) [][]string {
	var out [][]string
	if p.Op == op {
		out = append(out, p.Path)
	}
	for i := range p.Args {
		out = append(out, pathsOf(&p.Args[i], op)...)
	}
	return out
}
