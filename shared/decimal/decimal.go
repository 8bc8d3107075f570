// Package decimal holds exact decimal numbers: what is added up in them loses
// nothing, in whatever order. It knows what sums of people and prices in mail need
// and no more, so that functions start without a larger library.
package decimal

import (
	"math/big"
	"strconv"
	"strings"
)

// Decimal is coefficient × 10^−scale. The zero value is 0. Copy one with Set: a
// plain copy shares its digits.
type Decimal struct {
	coefficient big.Int
	scale       int // digits behind the point; below 0 for zeros before it
}

// maxExponent bounds what Parse takes: a short text must not become a number
// that fills the memory.
const maxExponent = 1000

// New returns a whole number.
func New(n int64) *Decimal {
	d := &Decimal{}
	d.coefficient.SetInt64(n)
	return d
}

// Parse reads a number like -12.50 or 1e3, as JSON or a shop's text has it, and
// whatever String wrote. It reports false for anything else.
func Parse(text string) (*Decimal, bool) {
	mantissa, exponent := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		n, err := strconv.Atoi(text[i+1:])
		if err != nil || n > maxExponent || n < -maxExponent {
			return nil, false
		}
		mantissa, exponent = text[:i], n
	}
	sign := ""
	if mantissa != "" && (mantissa[0] == '-' || mantissa[0] == '+') {
		sign, mantissa = strings.Trim(mantissa[:1], "+"), mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return nil, false
	}
	d := &Decimal{scale: len(fraction) - exponent}
	_, ok := d.coefficient.SetString(sign+digits, 10)
	return d, ok
}

// Within reports whether d has at most so many significant digits and ends at
// most scale digits from the point, on either side.
func (d *Decimal) Within(digits, scale int) bool {
	return d.scale <= scale && d.scale >= -scale && len(strings.TrimPrefix(d.coefficient.String(), "-")) <= digits
}

// Int64 returns d, and false unless it is a whole number in the range of 64 bits.
func (d *Decimal) Int64() (int64, bool) {
	n, err := strconv.ParseInt(d.String(), 10, 64)
	return n, err == nil
}

// Set makes d what n is.
func (d *Decimal) Set(n *Decimal) {
	d.coefficient.Set(&n.coefficient)
	d.scale = n.scale
}

// Add adds n to d.
func (d *Decimal) Add(n *Decimal) {
	if d.scale < n.scale {
		d.widen(n.scale)
	}
	if n.scale < d.scale {
		wider := &Decimal{}
		wider.Set(n)
		wider.widen(d.scale)
		n = wider
	}
	d.coefficient.Add(&d.coefficient, &n.coefficient)
}

// Mul multiplies d by n.
func (d *Decimal) Mul(n *Decimal) {
	d.coefficient.Mul(&d.coefficient, &n.coefficient)
	d.scale += n.scale
}

// widen gives d that many digits behind the point, more than it has.
func (d *Decimal) widen(scale int) {
	d.coefficient.Mul(&d.coefficient, powerOfTen(scale-d.scale))
	d.scale = scale
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// IsZero reports whether d is 0.
func (d *Decimal) IsZero() bool { return d.coefficient.Sign() == 0 }

// Cmp is -1 when d is less than n, 0 when they are equal, and 1 otherwise.
func (d *Decimal) Cmp(n *Decimal) int {
	a, b := &Decimal{}, &Decimal{}
	a.Set(d)
	b.Set(n)
	scale := max(a.scale, b.scale)
	a.widen(scale)
	b.widen(scale)
	return a.coefficient.Cmp(&b.coefficient)
}

// Float64 returns the nearest binary fraction, an infinity when d is beyond all.
func (d *Decimal) Float64() float64 {
	f, _ := strconv.ParseFloat(d.String(), 64) // fails for infinities only
	return f
}

// Fixed writes d with exactly that many digits behind the point, 0 or more. What
// is cut off rounds to the nearest, a half away from zero, as prices are: 1.005 in
// two digits is 1.01. Nothing is written as -0.
func (d *Decimal) Fixed(digits int) string {
	n := &Decimal{}
	n.Set(d)
	if n.scale < digits {
		n.widen(digits)
	}
	unit := powerOfTen(n.scale - digits)
	half := new(big.Int).Rsh(unit, 1) // units are even, or 1 where nothing is cut off
	if n.coefficient.Sign() < 0 {
		half.Neg(half)
	}
	n.coefficient.Quo(n.coefficient.Add(&n.coefficient, half), unit) // towards zero
	text := new(big.Int).Abs(&n.coefficient).String()
	if len(text) <= digits {
		text = strings.Repeat("0", digits-len(text)+1) + text
	}
	if digits > 0 {
		text = text[:len(text)-digits] + "." + text[len(text)-digits:]
	}
	if n.coefficient.Sign() < 0 {
		return "-" + text
	}
	return text
}

// String writes d without exponent and without trailing zeros behind the point,
// so that equal numbers have equal bytes.
func (d *Decimal) String() string {
	text := d.coefficient.String()
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	switch {
	case text == "0":
		return "0"
	case d.scale <= 0:
		return sign + text + strings.Repeat("0", -d.scale)
	case len(text) <= d.scale:
		text = strings.Repeat("0", d.scale-len(text)+1) + text
	}
	point := len(text) - d.scale
	return sign + strings.TrimSuffix(strings.TrimRight(text[:point]+"."+text[point:], "0"), ".")
}
