package person

import (
	"bytes"
	"encoding/json"
	"time"
)

// Tombstone stands under the key of an identity whose person was erased. It
// refuses every event of that identity, and tells nothing about it but when.
type Tombstone struct {
	At time.Time // of the erasure, to the millisecond

	// Rest are the hashes of the person's identities while their erasure is not
	// finished, so that whoever comes next can finish it. Only the root's
	// tombstone has it.
	Rest []string

	// Apart are, as long, the hashes of identities of others that were kept apart
	// from these, and name them for that reason.
	Apart []string

	// Twins are, as long, the hashes of the other readings of these identities, that
	// an alias may have implied for somebody else.
	Twins []string
}

type storedTombstone struct {
	At    int64    `json:"erased"`
	Rest  []string `json:"rest,omitempty"`
	Apart []string `json:"apart,omitempty"`
	Twins []string `json:"twins,omitempty"`
}

// Encode returns the body of the tombstone's item.
func (t Tombstone) Encode() []byte {
	body, _ := json.Marshal(storedTombstone{millis(t.At), t.Rest, t.Apart, t.Twins}) // a number and texts: nothing can fail
	return body
}

// DecodeTombstone reads an item's body as a tombstone; ok is false for a person
// and for a pointer.
func DecodeTombstone(body []byte) (t Tombstone, ok bool) {
	var s storedTombstone
	if !bytes.HasPrefix(body, []byte(`{"erased":`)) || json.Unmarshal(body, &s) != nil {
		return Tombstone{}, false
	}
	return Tombstone{At: instant(s.At), Rest: s.Rest, Apart: s.Apart, Twins: s.Twins}, true
}
