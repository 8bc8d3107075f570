// Package link is about the signed links in mail: who holds one may say, without
// signing in, what its person wants to be written about. A link never expires,
// because mail lies in inboxes for years, and it says nothing that its reader
// does not know.
package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"rapport/shared/fault"
)

// Kind is what a link is for. A link of one kind does nothing else.
type Kind byte

// The kinds. Their numbers stand in mail that was sent: never change one.
const (
	Unsubscribe Kind = 1 // says no to the purpose of one mail
	Preferences Kind = 2 // shows and changes all purposes
)

var paths = map[Kind]string{Unsubscribe: "/v1/unsubscribe", Preferences: "/v1/preferences"}

// Link is what a token says.
type Link struct {
	Kind    Kind
	Node    string // hash of the node that the mail was for
	Message string // id of the message that carries the link; may be empty
	Purpose string // of that message; may be empty in a link to preferences
}

// Keyring holds the keys of links: one signs, and all of them verify. The zero
// value signs nothing and takes nothing.
type Keyring struct{ keys []key }

// key is derived from a secret; its id says in a token which one signed.
type key struct {
	id      [keyIDBytes]byte
	signing [sha256.Size]byte
}

// Lengths in bytes.
const (
	keyIDBytes     = 4
	signatureBytes = 16
	maxToken       = 2 << 10
)

// Keys derives the keys of links from secrets: the current one signs, and those
// of earlier are only there so that old mail keeps working. Who knows a derived
// key knows neither the secret nor what else is derived from it. Empty secrets
// are left out.
func Keys(current []byte, earlier ...[]byte) Keyring {
	var k Keyring
	for _, secret := range append([][]byte{current}, earlier...) {
		if len(secret) == 0 {
			continue
		}
		next := key{signing: keyed(secret, "rapport link: signing key")}
		id := keyed(secret, "rapport link: key id")
		copy(next.id[:], id[:])
		k.keys = append(k.keys, next)
	}
	return k
}

func keyed(secret []byte, text string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	mac.Sum(sum[:0])
	return sum
}

var base64url = base64.RawURLEncoding

// Sign writes the link as a token that needs no escaping in a URL. It is "" when
// there is no key.
func (k Keyring) Sign(l Link) string {
	if len(k.keys) == 0 {
		return ""
	}
	return k.keys[0].sign(l)
}

// URL is the address of the link's page below base, such as
// "https://api.example.com".
func (k Keyring) URL(base string, l Link) string {
	return strings.TrimRight(base, "/") + paths[l.Kind] + "?t=" + k.Sign(l)
}

func (k key) sign(l Link) string {
	fields := l.append(append(make([]byte, 0, 128), k.id[:]...))
	sum := keyed(k.signing[:], string(fields))
	return base64url.EncodeToString(append(fields, sum[:signatureBytes]...))
}

// Verify reads a token of that kind, which any key of the ring may have signed.
// It fails with Malformed, bad_link, whatever is wrong with it.
//
// What was read is signed again and must give the same text, so there is one
// token for each link and key: readers of base64 take more than one text for the
// same bytes.
func (k Keyring) Verify(kind Kind, token string) (Link, error) {
	if len(token) > maxToken {
		return Link{}, badLink()
	}
	raw, err := base64url.DecodeString(token)
	if err != nil || len(raw) < keyIDBytes+signatureBytes {
		return Link{}, badLink()
	}
	l, ok := read(raw[keyIDBytes : len(raw)-signatureBytes])
	if !ok || l.Kind != kind || !k.signed(l, token) {
		return Link{}, badLink()
	}
	return l, nil
}

// signed tries every key, so that the time it takes does not depend on which one
// it was.
func (k Keyring) signed(l Link, token string) bool {
	found := 0
	for i := range k.keys {
		found |= subtle.ConstantTimeCompare([]byte(k.keys[i].sign(l)), []byte(token))
	}
	return found == 1
}

func badLink() error {
	return fault.New(fault.Malformed, "bad_link", "open the link exactly as it stands in the mail; this one is incomplete or was changed").In("t")
}
