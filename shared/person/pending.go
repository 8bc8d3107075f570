package person

import "bytes"

// pendingMark stands between a person and its pending record. JSON never holds it.
const pendingMark = 0

// Pend returns the body of a person's item with a record pending in it; see
// Person.Pending.
func Pend(body, record []byte) []byte {
	return append(append(bytes.Clone(body), pendingMark), record...)
}

// pending parts a body into the person and what is pending, nil when nothing is.
func pending(body []byte) (person, record []byte) {
	person, record, found := bytes.Cut(body, []byte{pendingMark})
	if !found {
		return body, nil
	}
	return person, bytes.Clone(record)
}
