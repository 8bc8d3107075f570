package decision

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// Bucket puts a unit into one of buckets numbered from 0, the same one for ever.
//
// The draw is the first 8 bytes, as a big-endian number h, of the SHA-256 of
// "split:<slot>:<unit>"; the bucket is h × buckets ÷ 2⁶⁴, rounded down. So every
// bucket gets the same share of all hashes, give or take one hash, which a
// remainder would not. Equals stand side by side in the order of their ids, each
// as many buckets wide as its weight. testdata/cases.json has examples.
func Bucket(slot, unit string, buckets uint64) uint64 {
	var room [128]byte
	text := append(room[:0], "split:"...)
	text = append(text, slot...)
	text = append(text, ':')
	text = append(text, unit...)
	sum := sha256.Sum256(text)
	bucket, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), buckets)
	return bucket
}
