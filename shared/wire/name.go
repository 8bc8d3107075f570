package wire

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"rapport/shared/fault"
)

// Fold maps names that differ only by case, by any rule of Unicode, to the same
// text: "userId", "USERID" and "uſerId" are one.
func Fold(name string) string {
	ascii := true
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToUpper(name)
	}
	return strings.Map(smallest, name)
}

// smallest returns the first rune of all that fold together, which for a letter
// of ASCII is the capital one.
func smallest(r rune) rune {
	low := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		low = min(low, next)
	}
	return low
}

// Repeated is the fault of a name that comes twice, exactly or folded.
func Repeated(name string) *fault.Error {
	return fault.New(fault.Malformed, duplicateOrUnknown,
		"send each name once in an object; names that differ only by case are the same").In(Short(name))
}

// Unknown is the fault of a name that nobody reads here.
func Unknown(name string) *fault.Error {
	return fault.New(fault.Malformed, duplicateOrUnknown,
		"leave this field out or write its name exactly as documented").In(Short(name))
}

const duplicateOrUnknown = "duplicate_or_unknown_field"
