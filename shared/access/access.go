// Package access judges who is calling: by key (the public write key of a site,
// the secret key of a server) and, for a user id that comes from a browser, by
// a short-lived proof that the user's own server signed.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"rapport/shared/fault"
)

// Kind says how far a key reaches.
type Kind uint8

// The kinds of key. The zero value is nobody.
const (
	Nobody Kind = iota
	Write       // public, in the browser: may add events and fetch content
	Secret      // a server's: trusted to identify, read and administer
)

// Key is the SHA-256 of a key, so that keys need not be kept in the clear.
type Key [sha256.Size]byte

// Keys are the keys in force. Two of a kind allow changing one without a break.
type Keys struct {
	Write, Secret []Key
}

// hashed marks a configured key that is given by its hash.
const hashed = "sha256:"

// NewKeys reads configured keys, each in the clear or as "sha256:" and 64
// hexadecimal digits; empty ones are left out. It fails with Invalid, bad_key.
func NewKeys(write, secret []string) (Keys, error) {
	var k Keys
	var err error
	if k.Write, err = readKeys(write); err != nil {
		return Keys{}, err
	}
	k.Secret, err = readKeys(secret)
	return k, err
}

func readKeys(texts []string) ([]Key, error) {
	var out []Key
	for _, text := range texts {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		digits, isHash := strings.CutPrefix(text, hashed)
		if !isHash {
			out = append(out, sha256.Sum256([]byte(text)))
			continue
		}
		sum, err := hex.DecodeString(digits)
		if err != nil || len(sum) != sha256.Size {
			return nil, fault.New(fault.Invalid, "bad_key", "write a hashed key as sha256: and 64 hexadecimal digits")
		}
		out = append(out, Key(sum))
	}
	return out, nil
}

// Classify says what key is; false means that it is not in force. The time it
// takes does not depend on how much of the key is right.
func (k Keys) Classify(key string) (Kind, bool) {
	if key == "" {
		return Nobody, false
	}
	sum := sha256.Sum256([]byte(key))
	write, secret := among(k.Write, sum), among(k.Secret, sum)
	switch {
	case secret:
		return Secret, true
	case write:
		return Write, true
	default:
		return Nobody, false
	}
}

func among(keys []Key, sum Key) bool {
	found := 0
	for i := range keys {
		found |= subtle.ConstantTimeCompare(keys[i][:], sum[:])
	}
	return found == 1
}
