package liquid

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/osteele/tuesday"

	"rapport/shared/decimal"
	"rapport/shared/fault"
)

// moment reads a time: one that is passed in, or text as events carry it.
func moment(v any) (time.Time, error) {
	switch v := v.(type) {
	case time.Time:
		return v, nil
	case string:
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if t, err := time.Parse(layout, v); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "render_date", "a value that date or time_zone was given is no time: use a time of an event, or now")
}

// date writes a time by a pattern like "%d %B %Y".
func date(v any, format func(string) string) (string, error) {
	pattern := format("%d %B %Y")
	for i := 1; i < len(pattern); i++ {
		if digit := pattern[i] >= '0' && pattern[i] <= '9'; digit && (pattern[i-1] == '%' || strings.IndexByte("-_^#", pattern[i-1]) >= 0) {
			return "", fault.New(fault.Invalid, "render_date", "the pattern of date has a width: leave it out")
		}
	}
	t, err := moment(v)
	if err != nil {
		return "", err
	}
	return tuesday.Strftime(pattern, t)
}

// timeZone moves a time to a zone, by its IANA name.
func timeZone(v any, zone string) (time.Time, error) {
	t, err := moment(v)
	if err != nil {
		return t, err
	}
	place, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return t, fault.New(fault.Invalid, "render_zone", "time_zone needs an IANA name like Europe/Kyiv")
	}
	return t.In(place), nil
}

// currencies that are written with a sign before the amount, and those without
// cents.
var (
	signs    = map[string]string{"EUR": "€", "USD": "$", "GBP": "£", "UAH": "₴", "JPY": "¥", "INR": "₹"}
	centless = map[string]bool{"JPY": true, "KRW": true, "CLP": true, "VND": true, "ISK": true, "HUF": true}
)

// money writes an amount with its currency: €7.20, or 7.20 CHF. It rounds
// decimals and not binary fractions, so that 1.005 becomes 1.01.
func money(v any, currency func(string) string) (string, error) {
	code, text := strings.ToUpper(currency("")), ""
	switch v := v.(type) {
	case int:
		text = strconv.Itoa(v)
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		text = v
	}
	amount, ok := decimal.Parse(strings.TrimSpace(text))
	if !ok || len(text) > 40 || !amount.Within(40, 40) {
		return "", fault.New(fault.Invalid, "render_money", "a value that money was given is no amount")
	}
	cents := 2
	if centless[code] {
		cents = 0
	}
	digits, minus := amount.Fixed(cents), ""
	if digits[0] == '-' {
		digits, minus = digits[1:], "-"
	}
	switch sign, known := signs[code]; {
	case known:
		return minus + sign + grouped(digits), nil
	case code != "":
		return fmt.Sprintf("%s%s %.10s", minus, grouped(digits), code), nil
	default:
		return minus + grouped(digits), nil
	}
}

// grouped puts a comma between thousands.
func grouped(digits string) string {
	whole, cents, _ := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if cents == "" {
		return whole
	}
	return whole + "." + cents
}

// translate chooses a text by a language:
//
//	{{ person.language | t: "Hello", uk: "Вітаємо", de: "Hallo" }}
//
// The first text is for everybody else.
func translate(language any, otherwise string, texts ...map[string]any) string {
	wanted, _ := language.(string)
	wanted = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(wanted)), "-", "_")
	short, _, _ := strings.Cut(wanted, "_")
	for _, byLanguage := range texts {
		for _, name := range []string{wanted, short} {
			if text, ok := byLanguage[name].(string); ok {
				return text
			}
		}
	}
	return otherwise
}
