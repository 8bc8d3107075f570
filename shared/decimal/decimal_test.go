package decimal_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rapport/shared/decimal"
)

func parse(t interface{ Fatalf(string, ...any) }, text string) *decimal.Decimal {
	d, ok := decimal.Parse(text)
	if !ok {
		t.Fatalf("%q is not read", text)
	}
	return d
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0.00": "0", "0e50": "0", "12": "12", "-12.50": "-12.5", "+7": "7", "1e3": "1000", "1.5E-2": "0.015", ".5": "0.5",
		"5.": "5", "00012": "12", "-0.001": "-0.001", "1e200": "1" + strings.Repeat("0", 200), "1200": "1200", "1.0000000000000000000000000000000000001": "1.0000000000000000000000000000000000001",
		strings.Repeat("0", 80) + "1": "1",
	} {
		if got := parse(t, text).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{
		"", "-", "+", ".", "e5", "1e", "1e+", "--1", "+-1", "1-", "1.2.3", "1_000", "NaN", "Infinity", "0x10", "1e1001", "1e-1001", "1e99999999999999999999", " 1", "1 ",
	} {
		if d, ok := decimal.Parse(text); ok {
			t.Errorf("%q is read as %s", text, d)
		}
	}
}

var numbers = rapid.StringMatching(`[+-]?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?`)

// exact is the number as the standard library's fractions have it.
func exact(t interface{ Fatalf(string, ...any) }, text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no fraction", text)
	}
	return r
}

// Fractions of whole numbers say the same.
func TestAgreement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(numbers, 1, 8).Draw(t, "numbers")
		sum, wantSum := &decimal.Decimal{}, new(big.Rat)
		product, wantProduct := decimal.New(1), big.NewRat(1, 1)
		first := parse(t, texts[0])
		for _, text := range texts {
			n, want := parse(t, text), exact(t, text)
			if got := n.Cmp(first); got != want.Cmp(exact(t, texts[0])) {
				t.Errorf("%s against %s is %d", text, first, got)
			}
			before := n.String()
			sum.Add(n)
			wantSum.Add(wantSum, want)
			product.Mul(n)
			wantProduct.Mul(wantProduct, want)
			if n.String() != before {
				t.Errorf("calculating with %s made it %s", before, n)
			}
			if sum.IsZero() != (wantSum.Sign() == 0) {
				t.Errorf("%s is zero: %v", sum, sum.IsZero())
			}
		}
		if exact(t, sum.String()).Cmp(wantSum) != 0 || exact(t, product.String()).Cmp(wantProduct) != 0 {
			t.Errorf("%v: the sum is %s, the product %s", texts, sum, product)
		}
		shortest(t, sum)
	})
}

// shortest asks that equal numbers have equal bytes: no exponent, no zero at
// either end that could be left out.
func shortest(t *rapid.T, d *decimal.Decimal) {
	text := strings.TrimPrefix(d.String(), "-")
	whole, fraction, point := strings.Cut(text, ".")
	if strings.Trim(whole+fraction, "0123456789") != "" || whole == "" || len(whole) > 1 && whole[0] == '0' ||
		point && (fraction == "" || strings.HasSuffix(fraction, "0")) || d.IsZero() && d.String() != "0" {
		t.Errorf("%s could be shorter", d)
	}
}

func TestFixed(t *testing.T) {
	for _, c := range []struct {
		text   string
		digits int
		want   string
	}{
		{"1.005", 2, "1.01"},
		{"1.0049999", 2, "1.00"},
		{"-1.005", 2, "-1.01"},
		{"-0.004", 2, "0.00"},
		{"-0.005", 2, "-0.01"},
		{"0", 2, "0.00"},
		{"12", 2, "12.00"},
		{"1e3", 2, "1000.00"},
		{"1e3", 0, "1000"},
		{"0.5", 0, "1"},
		{"0.49", 0, "0"},
		{"-2.5", 0, "-3"},
		{"999.995", 2, "1000.00"},
		{"0.05", 3, "0.050"},
	} {
		d := parse(t, c.text)
		if got := d.Fixed(c.digits); got != c.want {
			t.Errorf("%s in %d digits is %s, want %s", c.text, c.digits, got, c.want)
		}
		if d.Cmp(parse(t, c.text)) != 0 {
			t.Errorf("writing %s made it %s", c.text, d)
		}
	}
}

// The standard library rounds halves away from zero as well.
func TestFixedAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, digits := numbers.Draw(t, "number"), rapid.IntRange(0, 6).Draw(t, "digits")
		want := exact(t, text).FloatString(digits)
		if strings.Trim(want, "-0.") == "" {
			want = strings.TrimPrefix(want, "-")
		}
		if got := parse(t, text).Fixed(digits); got != want {
			t.Errorf("%s in %d digits is %s, want %s", text, digits, got, want)
		}
	})
}

func TestFloat64(t *testing.T) {
	for text, want := range map[string]float64{"0.1": 0.1, "-12.50": -12.5, "1e3": 1000, "1e999": math.Inf(1), "0": 0, "7.30": 7.3} {
		if got := parse(t, text).Float64(); got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
}

func TestWithin(t *testing.T) {
	for text, want := range map[string]bool{
		"999": true, "-999": true, "1000": false, "000999": true, "9.99": true, "0.0012": false, "12e3": false, "12e2": true, "0": true, "0e9": false,
	} {
		if got := parse(t, text).Within(3, 2); got != want {
			t.Errorf("%s is within: %v", text, got)
		}
	}
}

func TestInt64(t *testing.T) {
	for text, want := range map[string]int64{"12": 12, "-1.20e2": -120, "9223372036854775807": 1<<63 - 1, "0": 0} {
		if n, ok := parse(t, text).Int64(); !ok || n != want {
			t.Errorf("%s is %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{"0.5", "9223372036854775808"} {
		if n, ok := parse(t, text).Int64(); ok {
			t.Errorf("%s is %d", text, n)
		}
	}
}

// What String writes is read again, however long it became.
func TestLongNumbersComeBack(t *testing.T) {
	sum := parse(t, "1e200")
	sum.Add(parse(t, "1e-200"))
	if back := parse(t, sum.String()); back.Cmp(sum) != 0 || len(sum.String()) != 402 {
		t.Errorf("%s came back as %s", sum, back)
	}
}

func TestSetCopies(t *testing.T) {
	a, b := parse(t, "1.5"), &decimal.Decimal{}
	b.Set(a)
	b.Add(a)
	if a.String() != "1.5" || b.String() != "3" {
		t.Errorf("%s and %s", a, b)
	}
}
