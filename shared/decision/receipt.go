package decision

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"

	"rapport/shared/fault"
)

// Receipt proves what was decided. The browser gives it back with the exposure
// and the outcome, so nothing need be written when deciding.
type Receipt struct {
	Slot        string
	Block       string
	Policy      Policy
	Probability float64
	Strategy    string    // the version of the strategy
	Minute      time.Time // when, to the minute and in UTC, so that equal answers have equal bytes
	Holder      string    // Keyring.Holder of the unit it was decided for; "" for nobody
}

// Keyring holds the keys of receipts.
type Keyring struct {
	signing, holding [sha256.Size]byte
}

// Keys derives a key for each purpose from one secret, which must not be empty:
// who knows one derived key knows neither the secret nor the other key.
func Keys(secret []byte) Keyring {
	return Keyring{
		signing: keyed(secret, "rapport receipt: signing key"),
		holding: keyed(secret, "rapport receipt: holder key"),
	}
}

func keyed(key []byte, text string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	mac.Sum(sum[:0])
	return sum
}

// Lengths in bytes.
const (
	signatureBytes = 16
	holderBytes    = 12
)

var base64url = base64.RawURLEncoding

// Holder is the keyed hash by which a receipt names a unit, 16 characters. Who
// has no key can neither find the unit from it nor test a guess. Nobody's unit
// is "", and so is its holder.
func (k Keyring) Holder(unit string) string {
	if unit == "" {
		return ""
	}
	sum := keyed(k.holding[:], unit)
	return base64url.EncodeToString(sum[:holderBytes])
}

// Sign writes the receipt as a token: base64url of its fields, a dot, and
// base64url of the first 16 bytes of their HMAC-SHA256.
func Sign(k Keyring, r Receipt) string {
	var room [192]byte
	fields := r.append(room[:0])
	sum := keyed(k.signing[:], string(fields))
	token := make([]byte, 0, base64url.EncodedLen(len(fields))+1+base64url.EncodedLen(signatureBytes))
	token = base64url.AppendEncode(token, fields)
	token = append(token, '.')
	return string(base64url.AppendEncode(token, sum[:signatureBytes]))
}

// Verify reads a token that Sign wrote with the same keys. It fails with
// Invalid, bad_receipt, whatever is wrong with it.
//
// What was read is signed again and must give the same text, so there is one
// token for each receipt and its text may serve as its name: readers of base64
// and of varints take more than one text for the same value.
func Verify(k Keyring, token string) (Receipt, error) {
	text, _, _ := strings.Cut(token, ".")
	fields, err := base64url.DecodeString(text)
	if err != nil {
		return Receipt{}, badReceipt()
	}
	r, ok := readReceipt(fields)
	if !ok || subtle.ConstantTimeCompare([]byte(Sign(k, r)), []byte(token)) != 1 {
		return Receipt{}, badReceipt()
	}
	return r, nil
}

func badReceipt() error {
	return fault.New(fault.Invalid, "bad_receipt", "send the receipt back exactly as the decision had it").In("receipt")
}
