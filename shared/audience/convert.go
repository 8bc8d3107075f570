package audience

import (
	"math"
	"strconv"
	"time"

	"rapport/shared/fault"
)

// constant compiles a constant.
func constant(p *Program) (operand, *fault.Error) {
	v, ok := parseConstant(p.Type, p.Text)
	if !ok {
		return nil, malformed("%q is no constant of type %q", p.Text, p.Type)
	}
	return func(*Facts) *value { return &v }, nil
}

func parseConstant(kindName, written string) (v value, ok bool) {
	var err error
	switch kindName {
	case TypeNull:
		v.kind = null
	case TypeBool:
		v.kind = boolean
		if written == "true" {
			v.n = 1
		}
		return v, written == "true" || written == "false"
	case TypeInt:
		v.kind = integer
		v.n, err = strconv.ParseInt(written, 10, 64)
	case TypeDouble:
		var f float64
		f, err = strconv.ParseFloat(written, 64)
		v.setFloat(f)
	case TypeString:
		v.kind, v.text = text, []byte(written)
	case TypeTime:
		return v, v.readTime(written)
	case TypeSpan:
		var d time.Duration
		d, err = time.ParseDuration(written)
		v.kind, v.n = span, int64(d)
	default:
		return v, false
	}
	return v, err == nil
}

// readTime sets v to the time that is written in RFC 3339.
func (v *value) readTime(written string) bool {
	t, err := time.Parse(time.RFC3339, written)
	if err != nil || !strictTime(written) || t.Unix() < firstSecond || t.Unix() > lastSecond {
		return false
	}
	v.setTime(t)
	return true
}

// strictTime refuses what time.Parse forgives and RFC 3339 does not allow: an
// hour of one digit, a comma before the fraction, an offset out of range.
func strictTime(written string) bool {
	if len(written) < len("2006-01-02T15:04:05Z") || written[11] == ' ' || written[13] != ':' {
		return false
	}
	zone := written[len(written)-1:]
	if zone == "Z" {
		return written[19] != ','
	}
	n := len(written) - len("+07:00")
	return n >= 19 && written[19] != ',' && written[n+1:n+3] < "24" && written[n+4:] < "60"
}

func (out *value) toInt(x *value) reason {
	out.kind = integer
	switch x.kind {
	case integer, span, instant:
		out.n = x.n
	case double:
		f := x.float()
		if !(f > math.MinInt64 && f < math.MaxInt64) {
			return overflow
		}
		out.n = int64(f)
	case text:
		n, err := strconv.ParseInt(string(x.text), 10, 64)
		if err != nil {
			return notConvertible
		}
		out.n = n
	default:
		return wrongType
	}
	return 0
}

func (out *value) toDouble(x *value) reason {
	switch x.kind {
	case integer:
		out.setFloat(float64(x.n))
	case double:
		out.setFloat(x.float())
	case text:
		f, err := strconv.ParseFloat(string(x.text), 64)
		if err != nil {
			return notConvertible
		}
		out.setFloat(f)
	default:
		return wrongType
	}
	return 0
}

func (out *value) toText(x *value) reason {
	to := out.text[:0]
	switch x.kind {
	case text:
		to = append(to, x.text...)
	case integer:
		to = strconv.AppendInt(to, x.n, 10)
	case double:
		to = strconv.AppendFloat(to, x.float(), 'g', -1, 64)
	case boolean:
		to = strconv.AppendBool(to, x.n == 1)
	case instant:
		to = x.time().AppendFormat(to, time.RFC3339Nano)
	case span:
		to = append(strconv.AppendFloat(to, time.Duration(x.n).Seconds(), 'f', -1, 64), 's')
	default:
		return wrongType
	}
	out.kind, out.text = text, to
	return 0
}

func (out *value) toTime(x *value) reason {
	switch x.kind {
	case instant:
		out.kind, out.n, out.nanos = instant, x.n, x.nanos
	case integer:
		if x.n < firstSecond || x.n > lastSecond {
			return outOfTime
		}
		out.kind, out.n, out.nanos = instant, x.n, 0
	case text:
		if !out.readTime(string(x.text)) {
			return notConvertible
		}
	default:
		return wrongType
	}
	return 0
}

func (out *value) toSpan(x *value) reason {
	switch x.kind {
	case span:
		out.n = x.n
	case text:
		d, err := time.ParseDuration(string(x.text))
		if err != nil {
			return notConvertible
		}
		out.n = int64(d)
	default:
		return wrongType
	}
	out.kind = span
	return 0
}
