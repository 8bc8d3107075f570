package decimal_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/cockroachdb/apd/v3"
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

// An arbitrary precision library says the same.
func TestAgreement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(numbers, 1, 8).Draw(t, "numbers")
		sum, want := &decimal.Decimal{}, &apd.Decimal{}
		var first *decimal.Decimal
		for _, text := range texts {
			n := parse(t, text)
			exact, _, err := apd.NewFromString(text)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = &decimal.Decimal{}
				first.Set(n)
			}
			a, _ := new(big.Rat).SetString(strings.TrimPrefix(text, "+"))
			b, _ := new(big.Rat).SetString(first.String())
			if got := n.Cmp(first); got != a.Cmp(b) {
				t.Errorf("%s against %s is %d", text, first, got)
			}
			before := n.String()
			sum.Add(n)
			if n.String() != before {
				t.Errorf("adding %s made it %s", before, n)
			}
			if _, err := apd.BaseContext.Add(want, want, exact); err != nil {
				t.Fatal(err)
			}
			if sum.IsZero() != want.IsZero() {
				t.Errorf("%s is zero: %v", sum, sum.IsZero())
			}
		}
		want.Reduce(want)
		if text := want.Text('f'); sum.String() != strings.TrimPrefix(text, "-0") && sum.String() != text {
			t.Errorf("%v is %s, want %s", texts, sum, text)
		}
	})
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
