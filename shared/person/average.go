package person

import (
	"math/big"
	"strings"
)

// averageDigits is how many digits behind the point an average has at most.
const averageDigits = 6

// quotient divides a decimal as decimalText writes one by a positive count, and
// rounds half away from zero.
func quotient(decimal string, count int64) string {
	negative := strings.HasPrefix(decimal, "-")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(decimal, "-"), ".")
	n, _ := new(big.Int).SetString(whole+fraction, 10)
	n.Mul(n, powerOfTen(averageDigits))
	by := new(big.Int).Mul(big.NewInt(count), powerOfTen(len(fraction)))
	n.Add(n.Mul(n, big.NewInt(2)), by).Quo(n, by.Mul(by, big.NewInt(2)))
	digits := n.String()
	if short := averageDigits + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	point := len(digits) - averageDigits
	text := strings.TrimSuffix(strings.TrimRight(digits[:point]+"."+digits[point:], "0"), ".")
	if negative && text != "0" {
		return "-" + text
	}
	return text
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
