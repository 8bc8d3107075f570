package insight

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"sync"

	"rapport/shared/event"
)

// properties are those of one event.
type properties map[string]json.RawMessage

func propertiesOf(e *event.Event) properties {
	var p properties
	_ = json.Unmarshal(e.Properties, &p) // without any, all are absent
	return p
}

// text returns the property if it is text or a number, as ids are sent.
func (p properties) text(name string) string {
	var s string
	if json.Unmarshal(p[name], &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(p[name], &n) == nil {
		return n.String()
	}
	return ""
}

// noCurrency is ISO 4217's code for none.
const noCurrency = "XXX"

// Patterns are compiled when they are first asked for: decide starts with this
// package too, and never asks.
var (
	currencyCode = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Z]{3}$`) })

	// amounts are decimals of a size that money has: an exponent without a bound
	// costs time without one.
	amounts = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?$`)
	})
)

// money returns what an order was worth: its revenue, else its total, in
// hundredths and rounded to the nearest. It is 0 when there is no such amount.
func (p properties) money() (currency string, hundredths int64) {
	currency = strings.ToUpper(p.text("currency"))
	if !currencyCode().MatchString(currency) {
		currency = noCurrency
	}
	for _, name := range []string{"revenue", "total"} {
		text := p.text(name)
		if !amounts().MatchString(text) {
			continue
		}
		if amount, ok := new(big.Rat).SetString(text); ok {
			return currency, roundHundredths(amount)
		}
	}
	return currency, 0
}

// roundHundredths rounds half up and gives 0 for what cannot be counted.
func roundHundredths(amount *big.Rat) int64 {
	scaled := new(big.Rat).Add(new(big.Rat).Mul(amount, big.NewRat(100, 1)), big.NewRat(1, 2))
	whole := new(big.Int).Div(scaled.Num(), scaled.Denom())
	if !whole.IsInt64() || whole.Int64() > maxAmount {
		return 0
	}
	return whole.Int64()
}
