package audience

import (
	"fmt"
	"slices"
	"strings"

	"rapport/shared/fault"
)

// compiler turns programs into closures over slots.
type compiler struct {
	set    *Set
	slotOf map[string]int // by path, names joined with NUL
	timed  map[string]bool
	names  Names
	states []state // by rule
	uses   []int
	temps  int
	whole  int // operations, with those of the rules that are asked for

	// Explaining tells a field by its name rather than by all that it may be read
	// from; told are the fields that were.
	explaining bool
	told       []int
}

// state is how far a rule is compiled.
type state uint8

const (
	untouched state = iota
	begun
	done
)

// compileRule compiles rule i unless that was done, and before it the rules that
// it asks for.
func (c *compiler) compileRule(programs []Program, i int) *fault.Error {
	switch c.states[i] {
	case done:
		return nil
	case begun:
		return fault.New(fault.Invalid, "rule_cycle", "the audience %s asks for itself, directly or by way of others; let one of them do without", c.names.Audiences[i]).In(fmt.Sprintf("rules[%d]", i))
	}
	c.states[i] = begun
	for _, j := range c.asked(&programs[i]) {
		if err := c.compileRule(programs, j); err != nil {
			return err
		}
	}
	r, err := c.rule(&programs[i], i)
	if err != nil {
		return err
	}
	c.set.rules[i], c.states[i] = r, done
	return nil
}

// asked returns the rules of the audiences that a program asks for, itself or by
// way of a preferred field.
func (c *compiler) asked(p *Program) []int {
	var out []int
	for _, id := range p.Asks(c.names.Fields) {
		if i := slices.Index(c.names.Audiences, id); i >= 0 {
			out = append(out, i)
		}
	}
	for i := range p.Args {
		out = append(out, c.asked(&p.Args[i])...)
	}
	return out
}

func (c *compiler) rule(p *Program, i int) (rule, *fault.Error) {
	c.uses, c.temps, c.whole = nil, 0, count(p, MaxNodes)
	r := rule{program: *p}
	for _, j := range c.asked(p) {
		// Its intermediate values stay apart from ours.
		c.temps = max(c.temps, c.set.rules[j].temps)
		c.whole += c.set.rules[j].whole
	}
	err := check(p)
	if err == nil && c.whole > MaxWhole {
		err = fault.New(fault.TooLarge, "rule_too_big", "with the audiences that it asks for a rule has at most %d operations; ask for fewer", MaxWhole)
	}
	if err == nil {
		r.test, err = c.predicate(p)
	}
	if err != nil {
		return rule{}, err.In(fmt.Sprintf("rules[%d]", i))
	}
	slices.Sort(c.uses)
	r.uses, r.temps, r.whole = slices.Compact(c.uses), c.temps, c.whole
	c.set.scratch = max(c.set.scratch, c.temps)
	return r, nil
}

// member compiles the question whether the person is in another audience. Who
// cannot be decided is not in it.
func (c *compiler) member(id string) (predicate, *fault.Error) {
	i := slices.Index(c.names.Audiences, id)
	if i < 0 {
		return nil, malformed("there is no audience %q", id)
	}
	other := &c.set.rules[i]
	c.uses = append(c.uses, other.uses...)
	return func(f *Facts) verdict { return max(other.test(f), no) }, nil
}

// temp reserves the place of an intermediate value.
func (c *compiler) temp() int {
	c.temps++
	return c.temps - 1
}

func (c *compiler) slot(path []string) int {
	key := strings.Join(path, "\x00")
	k, ok := c.slotOf[key]
	if !ok {
		k = len(c.set.slots)
		c.slotOf[key] = k
		c.set.slots = append(c.set.slots, slot{path: path, timed: c.timed[pathText(path)]})
	}
	c.uses = append(c.uses, k)
	return k
}

// arity is how many arguments an operation takes; lists take any number.
var arity = map[string]int{
	OpConst: 0, OpGet: 0, OpHas: 0,
	OpNot: 1, OpSize: 1, OpNegate: 1, OpInt: 1, OpDouble: 1, OpString: 1, OpTime: 1, OpSpan: 1,
	OpAnd: 2, OpOr: 2, OpEqual: 2, OpUnequal: 2, OpLess: 2, OpAtMost: 2, OpGreater: 2, OpAtLeast: 2,
	OpIn: 2, OpAdd: 2, OpSubtract: 2, OpMultiply: 2, OpDivide: 2, OpRemainder: 2,
	OpContains: 2, OpStarts: 2, OpEnds: 2, OpMatches: 2,
	OpIf: 3,
}

// check refuses a program that is not well formed, or that is too big.
func check(p *Program) *fault.Error {
	if n := count(p, MaxNodes); n > MaxNodes {
		return fault.New(fault.TooLarge, "rule_too_big", "a rule has at most %d operations; split it into several audiences", MaxNodes)
	}
	if err := p.checkShape(); err != nil {
		return err
	}
	return p.checkTime()
}

// count counts nodes and stops soon after the limit.
func count(p *Program, limit int) int {
	n := 1
	for i := range p.Args {
		if n > limit {
			break
		}
		n += count(&p.Args[i], limit-n)
	}
	return n
}

func (p *Program) checkShape() *fault.Error {
	n, known := arity[p.Op]
	if !known && p.Op != OpList {
		return malformed("the operation %q does not exist", p.Op)
	}
	if known && len(p.Args) != n {
		return malformed("%s takes %d arguments, not %d", p.Op, n, len(p.Args))
	}
	if p.Op == OpGet || p.Op == OpHas {
		if err := p.checkPath(); err != nil {
			return err
		}
	}
	for i := range p.Args {
		if err := p.Args[i].checkShape(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Program) checkPath() *fault.Error {
	if len(p.Path) == 0 {
		return malformed("a path needs a variable")
	}
	names := len(p.Path) - 1
	switch p.Path[0] {
	case Audiences:
		if names != 1 || p.Op == OpHas {
			return malformed("%s is asked for one id, as in %s.vip", p.Path[0], p.Path[0])
		}
	case Preferred:
		if names != 1 || p.Op == OpHas {
			return malformed("%s is read by name and everybody has it, as in %s.theme", p.Path[0], p.Path[0])
		}
	case Traits, Computed, Context:
		if names == 0 {
			return malformed("%s is read by name, as in %s.country", p.Path[0], p.Path[0])
		}
	case Known, Lifecycle, FirstSeen, LastSeen, Now:
		if names > 0 || p.Op == OpHas {
			return malformed("%s has nothing inside", p.Path[0])
		}
	default:
		return malformed("there is no variable %q", p.Path[0])
	}
	return nil
}

func malformed(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "rule_malformed", format+"; publish the strategy again", args...)
}

// moving reports whether the value of p moves as time passes: now itself, and
// what is added to it or subtracted from it.
func (p *Program) moving() bool {
	switch p.Op {
	case OpGet:
		return p.Path[0] == Now
	case OpAdd, OpSubtract, OpNegate:
		return slices.ContainsFunc(p.Args, func(a Program) bool { return a.moving() })
	case OpIf:
		return p.Args[1].moving() || p.Args[2].moving()
	default:
		return false
	}
}

// checkTime refuses operations on now after which nobody could tell when the
// rule changes by itself.
func (p *Program) checkTime() *fault.Error {
	for i := range p.Args {
		a := &p.Args[i]
		if a.moving() && !keepsTime(p.Op) {
			return fault.New(fault.Invalid, "rule_time", "now can only be compared, added to and subtracted; %s cannot take it", p.Op)
		}
		if p.Op == OpString && a.zoned() {
			return fault.New(fault.Invalid, "rule_time", "a time that the rule itself read from text cannot be turned into text again")
		}
		if err := a.checkTime(); err != nil {
			return err
		}
	}
	return nil
}

// keepsTime reports whether the operation compares, adds or subtracts.
func keepsTime(op string) bool {
	switch op {
	case OpEqual, OpUnequal, OpLess, OpAtMost, OpGreater, OpAtLeast, OpAdd, OpSubtract, OpNegate, OpIf:
		return true
	default:
		return false
	}
}

// zoned reports whether p may be a time with an offset of its own, which this
// package does not keep.
func (p *Program) zoned() bool {
	return p.Op == OpTime || slices.ContainsFunc(p.Args, func(a Program) bool { return a.zoned() })
}
