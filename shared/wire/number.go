package wire

import (
	"encoding/json"
	"strconv"
	"strings"

	"rapport/shared/fault"
)

// A number keeps its digits exactly as sent as long as the table and exact
// decimals can hold it.
const (
	maxDigits   = 38
	maxExponent = 127
)

func number(text string) (any, *fault.Error) {
	if !storable(text) {
		return nil, fault.New(fault.Invalid, "number_out_of_range",
			"send numbers of at most %d digits and an exponent of at most ±%d", maxDigits, maxExponent)
	}
	return json.Number(text), nil
}

// storable judges a number in JSON's grammar.
func storable(text string) bool {
	mantissa, exponent := strings.TrimPrefix(text, "-"), 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		n, err := strconv.Atoi(mantissa[i+1:])
		if err != nil || n > maxExponent || n < -maxExponent {
			return false
		}
		mantissa, exponent = mantissa[:i], n
	}
	whole, part, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+part, "0")
	if len(digits) > maxDigits {
		return false
	}
	if digits == "" {
		return true
	}
	// The exponent that the number has with one digit before the point.
	scientific := exponent + len(digits) - len(part) - 1
	return scientific <= maxExponent && scientific >= -maxExponent
}
