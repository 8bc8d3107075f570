package person

import (
	"strings"
	"unicode"
)

// Limits of an identity's value, in bytes.
const (
	MaxValueBytes  = 512
	MinSecretBytes = 16 // of a value that its holder alone knows, as a browser's anonymous id
)

// junk is what broken code sends as an id, in lower case. Everybody's broken
// code sends the same values, so they would join strangers.
var junk = map[string]bool{
	"": true, "null": true, "nil": true, "none": true, "undefined": true, "nan": true, "true": true, "false": true,
	"anonymous": true, "guest": true, "-1": true, "[object object]": true,
}

// Junk reports whether the value names nobody: "null", "0", a UUID of zeros.
func Junk(value string) bool {
	value = strings.ToLower(strings.TrimSpace(value))
	return junk[value] || strings.Trim(value, "0-") == ""
}

// Guessable reports whether a stranger could hit on the value of a device.
func Guessable(value string) bool {
	return len(strings.TrimSpace(value)) < MinSecretBytes || Junk(value)
}

// Clean reports whether the value can be an identity at all: not too long, and
// without characters that are not shown or that turn the writing around.
func Clean(value string) bool { return len(value) <= MaxValueBytes && Printable(value) }

// Printable reports whether text has neither control characters nor those that
// turn the direction of writing around.
func Printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
	})
}
