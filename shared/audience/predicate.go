package audience

import (
	"bytes"
	"regexp"

	"rapport/shared/fault"
)

// verdict is the outcome of a condition: yes, no, or the negative of a reason.
type verdict int64

const (
	no  verdict = 0
	yes verdict = 1
)

func undecided(why reason) verdict { return -verdict(why) }

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// predicate decides a condition, operand computes a value.
type (
	predicate func(*Facts) verdict
	operand   func(*Facts) *value
)

// predicate compiles p as a condition.
func (c *compiler) predicate(p *Program) (predicate, *fault.Error) {
	if p.asksAudience() {
		return c.member(p.Path[1])
	}
	switch p.Op {
	case OpAnd, OpOr, OpNot:
		return c.logic(p)
	case OpIf:
		return c.choice(p)
	case OpHas:
		return has(c.slot(p.Path)), nil
	case OpEqual, OpUnequal:
		return c.equality(p)
	case OpLess, OpAtMost, OpGreater, OpAtLeast:
		return c.comparison(p)
	case OpIn:
		return c.two(p, isIn)
	case OpContains:
		return c.two(p, onText(bytes.Contains))
	case OpStarts:
		return c.two(p, onText(bytes.HasPrefix))
	case OpEnds:
		return c.two(p, onText(bytes.HasSuffix))
	case OpMatches:
		return c.matches(p)
	default:
		return c.truth(p)
	}
}

// asksAudience reports whether p is audiences.id.
func (p *Program) asksAudience() bool { return p.Op == OpGet && p.Path[0] == Audiences }

// truth takes a value as a condition.
func (c *compiler) truth(p *Program) (predicate, *fault.Error) {
	a, err := c.operand(p)
	return func(f *Facts) verdict {
		v := a(f)
		switch {
		case v.lacking():
			return undecided(reason(v.n))
		case v.kind != boolean:
			return undecided(wrongType)
		default:
			return verdict(v.n)
		}
	}, err
}

// logic compiles && and ||, which overlook a failure on either side when the
// other side decides, and !.
func (c *compiler) logic(p *Program) (predicate, *fault.Error) {
	a, err := c.predicate(&p.Args[0])
	if err != nil {
		return nil, err
	}
	if p.Op == OpNot {
		return func(f *Facts) verdict {
			v := a(f)
			if v < no {
				return v
			}
			return yes - v
		}, nil
	}
	b, err := c.predicate(&p.Args[1])
	decides := verdictOf(p.Op == OpOr)
	return func(f *Facts) verdict {
		v := a(f)
		if v == decides {
			return v
		}
		w := b(f)
		if w == decides || v >= no {
			return w
		}
		return v
	}, err
}

func (c *compiler) choice(p *Program) (predicate, *fault.Error) {
	cond, err := c.predicate(&p.Args[0])
	if err != nil {
		return nil, err
	}
	a, err := c.predicate(&p.Args[1])
	if err != nil {
		return nil, err
	}
	b, err := c.predicate(&p.Args[2])
	return func(f *Facts) verdict {
		switch v := cond(f); v {
		case yes:
			return a(f)
		case no:
			return b(f)
		default:
			return v
		}
	}, err
}

func has(k int) predicate {
	return func(f *Facts) verdict {
		switch v := &f.slots[k]; v.kind {
		case missing:
			return no
		case broken, failed:
			return undecided(reason(v.n))
		default:
			return yes
		}
	}
}

func (c *compiler) equality(p *Program) (predicate, *fault.Error) {
	want := verdictOf(p.Op == OpEqual)
	return c.two(p, func(f *Facts, a, b *value) verdict {
		if a.slope != b.slope {
			f.crossing(p.Op, a, b)
		}
		if equal(a, b) {
			return want
		}
		return yes - want
	})
}

func (c *compiler) comparison(p *Program) (predicate, *fault.Error) {
	op := p.Op
	return c.two(p, func(f *Facts, a, b *value) verdict {
		if a.slope != b.slope {
			f.crossing(op, a, b)
		}
		if a.ordered() && (a.isNaN() || b.isNaN()) {
			return no
		}
		sign, why := order(a, b)
		if why != 0 {
			return undecided(why)
		}
		return verdictOf(holds(op, sign))
	})
}

// holds reports whether a comparison is true when a - b has that sign.
func holds(op string, sign int) bool {
	switch op {
	case OpEqual:
		return sign == 0
	case OpUnequal:
		return sign != 0
	case OpLess:
		return sign < 0
	case OpAtMost:
		return sign <= 0
	case OpGreater:
		return sign > 0
	default:
		return sign >= 0
	}
}

// two compiles a condition on two values.
func (c *compiler) two(p *Program, decide func(f *Facts, a, b *value) verdict) (predicate, *fault.Error) {
	a, err := c.operand(&p.Args[0])
	if err != nil {
		return nil, err
	}
	b, err := c.operand(&p.Args[1])
	return func(f *Facts) verdict {
		x := a(f)
		if x.lacking() {
			return undecided(reason(x.n))
		}
		y := b(f)
		if y.lacking() {
			return undecided(reason(y.n))
		}
		return decide(f, x, y)
	}, err
}

func isIn(_ *Facts, a, b *value) verdict {
	switch b.kind {
	case list:
		for i := range b.items {
			if equal(a, &b.items[i]) {
				return yes
			}
		}
		return no
	case object:
		return verdictOf(a.kind == text && b.field(a.text) != nil)
	default:
		return undecided(wrongType)
	}
}

func onText(decide func(s, part []byte) bool) func(*Facts, *value, *value) verdict {
	return func(_ *Facts, a, b *value) verdict {
		if a.kind != text || b.kind != text {
			return undecided(wrongType)
		}
		return verdictOf(decide(a.text, b.text))
	}
}

// matches compiles a regular expression once, for all people.
func (c *compiler) matches(p *Program) (predicate, *fault.Error) {
	pattern := &p.Args[1]
	if pattern.Op != OpConst || pattern.Type != TypeString {
		return nil, fault.New(fault.Invalid, "rule_pattern", "the pattern of matches must be written in the rule itself")
	}
	if len(pattern.Text) > MaxPattern {
		return nil, fault.New(fault.TooLarge, "rule_pattern", "a pattern has at most %d bytes", MaxPattern)
	}
	re, err := regexp.Compile(pattern.Text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "rule_pattern", "the pattern %q cannot be read: write it as RE2 does", pattern.Text).Because(err)
	}
	return c.two(p, func(_ *Facts, a, _ *value) verdict {
		if a.kind != text {
			return undecided(wrongType)
		}
		return verdictOf(re.Match(a.text))
	})
}
