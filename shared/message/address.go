package message

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

var hashText = base32.HexEncoding.WithPadding(base32.NoPadding)

// AddressHash names an e-mail address in keys: the first 128 bits of SHA-256 over
// it, trimmed and in lower case, as 26 characters 0-9 a-v.
func AddressHash(address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(address))))
	return strings.ToLower(hashText.EncodeToString(sum[:16]))
}
