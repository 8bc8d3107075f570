package person

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
)

// SketchSize is up to how many different values a Unique trait counts exactly.
const SketchSize = 64

// hashBits is the length of a value's hash in a sketch.
const hashBits = 48

// sketch counts different values. It keeps the SketchSize smallest of their
// hashes, which is the same whatever the order, and merges. Below that size the
// number of hashes is the count. From there on it is estimated as (k-1)/U, where
// U is the k-th smallest hash as a fraction of the largest possible one (Beyer et
// al., "On synopses for distinct-value estimation under multiset operations",
// SIGMOD 2007); its standard error is below 1/sqrt(k-2), here 13 %.
//
// A window needs the smallest hashes of its own days. So each hash has the last
// bucket that it was seen in, and is kept unless SketchSize smaller ones were
// seen no earlier: then no window that ends now or later asks for it again.
type sketch []sighting // by hash

type sighting struct {
	hash   uint64
	bucket int
}

// hashOf is a value's place in sketches, and in the choice of which values
// tallies keep.
func hashOf(value string) uint64 {
	sum := sha256.Sum256([]byte(value))
	var h uint64
	for _, b := range sum[:hashBits/8] {
		h = h<<8 | uint64(b)
	}
	return h
}

// see adds one sighting and reports whether anything changed.
func (s *sketch) see(one sighting) bool {
	i, have := slices.BinarySearchFunc(*s, one.hash, func(have sighting, hash uint64) int { return cmp.Compare(have.hash, hash) })
	if have {
		if (*s)[i].bucket >= one.bucket {
			return false
		}
		(*s)[i].bucket = one.bucket
		return true
	}
	*s = slices.Insert(*s, i, one)
	return true
}

// forget drops what no window asks for any more.
func (s *sketch) forget(c ComputedTrait) {
	latest := 0
	for _, one := range *s {
		latest = max(latest, one.bucket)
	}
	var kept sketch
	for _, one := range *s {
		if !c.kept(one.bucket, latest) {
			continue
		}
		smaller := 0
		for _, other := range kept {
			if other.bucket >= one.bucket {
				smaller++
			}
		}
		if smaller < SketchSize {
			kept = append(kept, one)
		}
	}
	*s = kept
}

// add folds the values of one event in.
func (s *sketch) add(c ComputedTrait, day int, values []string) {
	changed := false
	for _, value := range values {
		changed = s.see(sighting{hashOf(value), c.bucket(day)}) || changed
	}
	if changed {
		s.forget(c)
	}
}

func (s *sketch) merge(c ComputedTrait, o sketch) {
	for _, one := range o {
		s.see(one)
	}
	s.forget(c)
}

// count returns how many different values counted today.
func (s sketch) count(c ComputedTrait, today int) json.RawMessage {
	n := int64(0)
	for _, one := range s {
		if !c.counts(one.bucket, today) {
			continue
		}
		if n++; n == SketchSize {
			const largest = 1 << hashBits
			return integer(int64((SketchSize - 1) * (float64(largest) / float64(one.hash+1))))
		}
	}
	return integer(n)
}

func integer(n int64) json.RawMessage { return strconv.AppendInt(nil, n, 10) }
