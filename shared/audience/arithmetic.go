package audience

import (
	"math"
	"math/bits"
	"time"
)

// compute sets out to x op y. Like CEL it never mixes int and double, and it
// fails rather than wrap around.
func (out *value) compute(op string, x, y *value) reason {
	out.slope = 0
	switch {
	case x.kind == integer && y.kind == integer:
		out.kind = integer
		return out.computeInt(op, x.n, y.n)
	case x.kind == double && y.kind == double:
		return out.computeFloat(op, x.float(), y.float())
	case op == OpAdd:
		return out.join(x, y)
	case op == OpSubtract:
		return out.part(x, y)
	default:
		return wrongType
	}
}

func (out *value) computeInt(op string, x, y int64) (why reason) {
	switch op {
	case OpAdd:
		out.n, why = add(x, y)
	case OpSubtract:
		out.n, why = subtract(x, y)
	case OpMultiply:
		out.n, why = multiply(x, y)
	case OpDivide, OpRemainder:
		switch {
		case y == 0:
			return zeroDivisor
		case y == -1 && x == math.MinInt64:
			return overflow
		case op == OpDivide:
			out.n = x / y
		default:
			out.n = x % y
		}
	}
	return why
}

func (out *value) computeFloat(op string, x, y float64) reason {
	switch op {
	case OpAdd:
		out.setFloat(x + y)
	case OpSubtract:
		out.setFloat(x - y)
	case OpMultiply:
		out.setFloat(x * y)
	case OpDivide:
		out.setFloat(x / y)
	default:
		return wrongType
	}
	return 0
}

// join adds what is not a number: times, texts and lists.
func (out *value) join(x, y *value) reason {
	switch {
	case x.kind == text && y.kind == text:
		out.kind = text
		out.text = append(append(out.text[:0], x.text...), y.text...)
	case x.kind == list && y.kind == list:
		out.kind = list
		out.items = append(append(out.items[:0], x.items...), y.items...)
	case x.kind == span && y.kind == span:
		n, why := add(x.n, y.n)
		out.kind, out.n, out.slope = span, n, x.slope+y.slope
		return why
	case x.kind == instant && y.kind == span:
		return out.shift(x, y.n, x.slope+y.slope)
	case x.kind == span && y.kind == instant:
		return out.shift(y, x.n, x.slope+y.slope)
	default:
		return wrongType
	}
	return 0
}

// part subtracts times.
func (out *value) part(x, y *value) reason {
	switch {
	case x.kind == span && y.kind == span:
		n, why := subtract(x.n, y.n)
		out.kind, out.n, out.slope = span, n, x.slope-y.slope
		return why
	case x.kind == instant && y.kind == instant:
		n, why := between(x, y)
		out.kind, out.n, out.slope = span, n, x.slope-y.slope
		return why
	case x.kind == instant && y.kind == span:
		if y.n == math.MinInt64 {
			return overflow
		}
		return out.shift(x, -y.n, x.slope-y.slope)
	default:
		return wrongType
	}
}

// The years that a time may be in, as CEL has it: 1 to 9999.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// shift sets out to an instant and some nanoseconds.
func (out *value) shift(from *value, by int64, slope int8) reason {
	sum := time.Unix(from.n+by/1e9, int64(from.nanos)+by%1e9)
	if sum.Unix() < firstSecond || sum.Unix() > lastSecond {
		return outOfTime
	}
	out.setTime(sum)
	out.slope = slope
	return 0
}

// between returns the nanoseconds from y to x.
func between(x, y *value) (int64, reason) {
	seconds, why := multiply(x.n-y.n, 1e9) // instants lie in the years above
	if why != 0 {
		return 0, why
	}
	return add(seconds, int64(x.nanos)-int64(y.nanos))
}

func add(x, y int64) (int64, reason) {
	if sum := x + y; (sum > x) == (y > 0) {
		return sum, 0
	}
	return 0, overflow
}

func subtract(x, y int64) (int64, reason) {
	if diff := x - y; (diff < x) == (y > 0) {
		return diff, 0
	}
	return 0, overflow
}

func multiply(x, y int64) (int64, reason) {
	high, low := bits.Mul64(magnitude(x), magnitude(y))
	negative := (x < 0) != (y < 0)
	switch {
	case high != 0:
		return 0, overflow
	case negative && low <= 1<<63:
		return -int64(low), 0
	case !negative && low < 1<<63:
		return int64(low), 0
	default:
		return 0, overflow
	}
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}
