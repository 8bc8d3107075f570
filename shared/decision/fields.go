package decision

import (
	"encoding/binary"
	"math"
	"time"
)

// A receipt's fields are packed, because every page carries many receipts:
//
//	format       1 byte, receiptFormat
//	policy       1 byte, index in policies
//	probability  8 bytes, an IEEE 754 double, big-endian
//	minute       varint, minutes since 1970
//	slot, block, strategy, holder: each its length as uvarint, then its bytes
const receiptFormat = 1

// policies are numbered by their place: new ones go to the end.
var policies = [...]Policy{Rule, Split, Fallback}

func (r Receipt) append(to []byte) []byte {
	to = append(to, receiptFormat, 0)
	for i, p := range policies {
		if p == r.Policy {
			to[1] = byte(i)
		}
	}
	to = binary.BigEndian.AppendUint64(to, math.Float64bits(r.Probability))
	to = binary.AppendVarint(to, r.Minute.Unix()/60)
	for _, text := range [...]string{r.Slot, r.Block, r.Strategy, r.Holder} {
		to = binary.AppendUvarint(to, uint64(len(text)))
		to = append(to, text...)
	}
	return to
}

// readReceipt reads what append wrote; false for anything else.
func readReceipt(fields []byte) (r Receipt, ok bool) {
	const fixed = 10
	if len(fields) < fixed || fields[0] != receiptFormat || int(fields[1]) >= len(policies) {
		return Receipt{}, false
	}
	r.Policy = policies[fields[1]]
	r.Probability = math.Float64frombits(binary.BigEndian.Uint64(fields[2:fixed]))
	minute, n := binary.Varint(fields[fixed:])
	if n <= 0 {
		return Receipt{}, false
	}
	r.Minute = time.Unix(minute*60, 0).UTC()
	rest := fields[fixed+n:]
	for _, text := range [...]*string{&r.Slot, &r.Block, &r.Strategy, &r.Holder} {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return Receipt{}, false
		}
		*text, rest = string(rest[n:n+int(size)]), rest[n+int(size):]
	}
	return r, len(rest) == 0
}
