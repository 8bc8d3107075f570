package audience

import (
	"math"
	"unicode/utf8"

	"rapport/shared/fault"
)

var (
	truthValue   = value{kind: boolean, n: 1}
	falsityValue = value{kind: boolean, n: 0}
)

// operand compiles p as a value.
func (c *compiler) operand(p *Program) (operand, *fault.Error) {
	if p.asksAudience() {
		return c.decided(p)
	}
	switch p.Op {
	case OpConst:
		return constant(p)
	case OpGet:
		if p.Path[0] == Preferred {
			return c.preferred(p.Path[1])
		}
		k := c.slot(p.Path)
		return func(f *Facts) *value { return &f.slots[k] }, nil
	case OpIf:
		return c.either(p)
	case OpList:
		return c.list(p)
	case OpAdd, OpSubtract, OpMultiply, OpDivide, OpRemainder:
		return c.binary(p)
	case OpNegate, OpSize, OpInt, OpDouble, OpString, OpTime, OpSpan:
		return c.unary(p)
	default:
		return c.decided(p)
	}
}

// decided takes a condition as a value.
func (c *compiler) decided(p *Program) (operand, *fault.Error) {
	test, err := c.predicate(p)
	set := c.set
	return func(f *Facts) *value {
		switch v := test(f); v {
		case yes:
			return &truthValue
		case no:
			return &falsityValue
		default:
			return &set.failures[-v]
		}
	}, err
}

func (c *compiler) either(p *Program) (operand, *fault.Error) {
	cond, err := c.predicate(&p.Args[0])
	if err != nil {
		return nil, err
	}
	a, err := c.operand(&p.Args[1])
	if err != nil {
		return nil, err
	}
	b, err := c.operand(&p.Args[2])
	set := c.set
	return func(f *Facts) *value {
		switch v := cond(f); v {
		case yes:
			return a(f)
		case no:
			return b(f)
		default:
			return &set.failures[-v]
		}
	}, err
}

func (c *compiler) list(p *Program) (operand, *fault.Error) {
	members := make([]operand, len(p.Args))
	fixed := true
	for i := range p.Args {
		var err *fault.Error
		if members[i], err = c.operand(&p.Args[i]); err != nil {
			return nil, err
		}
		fixed = fixed && p.Args[i].Op == OpConst
	}
	if fixed {
		whole := &value{kind: list}
		for _, m := range members {
			whole.items = append(whole.items, *m(nil))
		}
		return func(*Facts) *value { return whole }, nil
	}
	k := c.temp()
	return func(f *Facts) *value {
		out := &f.scratch[k]
		out.kind, out.slope, out.items = list, 0, out.items[:0]
		for _, m := range members {
			v := m(f)
			if v.lacking() {
				return v
			}
			out.items = append(out.items, *v)
		}
		return out
	}, nil
}

// binary compiles arithmetic.
func (c *compiler) binary(p *Program) (operand, *fault.Error) {
	a, err := c.operand(&p.Args[0])
	if err != nil {
		return nil, err
	}
	b, err := c.operand(&p.Args[1])
	if err != nil {
		return nil, err
	}
	op, k, set := p.Op, c.temp(), c.set
	return func(f *Facts) *value {
		x := a(f)
		if x.lacking() {
			return x
		}
		y := b(f)
		if y.lacking() {
			return y
		}
		out := &f.scratch[k]
		if why := out.compute(op, x, y); why != 0 {
			return &set.failures[why]
		}
		return out
	}, nil
}

// unary compiles an operation on one value.
func (c *compiler) unary(p *Program) (operand, *fault.Error) {
	a, err := c.operand(&p.Args[0])
	if err != nil {
		return nil, err
	}
	convert, k, set := conversions[p.Op], c.temp(), c.set
	return func(f *Facts) *value {
		x := a(f)
		if x.lacking() {
			return x
		}
		out := &f.scratch[k]
		out.slope = 0
		if why := convert(out, x); why != 0 {
			return &set.failures[why]
		}
		return out
	}, nil
}

// conversions are the operations on one value: the result goes to out.
var conversions = map[string]func(out, x *value) reason{
	OpNegate: (*value).negate,
	OpSize:   (*value).size,
	OpInt:    (*value).toInt,
	OpDouble: (*value).toDouble,
	OpString: (*value).toText,
	OpTime:   (*value).toTime,
	OpSpan:   (*value).toSpan,
}

func (out *value) negate(x *value) reason {
	switch {
	case x.kind == double:
		out.setFloat(-x.float())
	case x.kind != integer && x.kind != span:
		return wrongType
	case x.n == math.MinInt64:
		return overflow
	default:
		out.kind, out.n, out.slope = x.kind, -x.n, -x.slope
	}
	return 0
}

func (out *value) size(x *value) reason {
	out.kind = integer
	switch x.kind {
	case text:
		out.n = int64(utf8.RuneCount(x.text))
	case list:
		out.n = int64(len(x.items))
	case object:
		out.n = int64(len(x.items) / 2)
	default:
		return wrongType
	}
	return 0
}
