package person

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// The limits of what Most and Affinity remember.
const (
	MaxValues     = 32 // different values in one bucket
	MaxValueText  = 64 // bytes of a value's JSON; a longer one is left out
	maxListValues = 20 // values that one event may bring in a list
)

// tallies counts how often each value occurred, by bucket. A bucket has at most
// MaxValues values, those with the smallest hashes: a value that is among them
// in the end was among them all the time, so its count is exact and the choice
// depends on no order. Up to that many different values nothing is left out.
type tallies map[string]map[int]int64

// add folds the values of one event in.
func (t *tallies) add(c ComputedTrait, day int, values []string) {
	for _, value := range values {
		if c.Op == Affinity {
			value = name(value)
		}
		if len(value) <= MaxValueText {
			t.plus(value, c.bucket(day), 1)
		}
	}
	t.forget(c)
}

func (t *tallies) plus(value string, bucket int, n int64) {
	if *t == nil {
		*t = tallies{}
	}
	if (*t)[value] == nil {
		(*t)[value] = map[int]int64{}
	}
	(*t)[value][bucket] += n
}

func (t *tallies) merge(c ComputedTrait, o tallies) {
	for value, buckets := range o {
		for bucket, n := range buckets {
			t.plus(value, bucket, n)
		}
	}
	t.forget(c)
}

// forget drops old buckets, and of each other one what is over its limit.
func (t tallies) forget(c ComputedTrait) {
	latest, sizes := 0, map[int]int{}
	for _, buckets := range t {
		for bucket := range buckets {
			latest = max(latest, bucket)
			sizes[bucket]++
		}
	}
	for bucket, size := range sizes {
		switch {
		case !c.kept(bucket, latest):
			t.drop(bucket, slices.Collect(maps.Keys(t)))
		case size > MaxValues:
			t.drop(bucket, t.surplus(bucket))
		}
	}
}

// surplus lists the values of a bucket behind the first MaxValues by hash.
func (t tallies) surplus(bucket int) []string {
	var hashes []uint64
	valueOf := map[uint64]string{}
	for value, buckets := range t {
		if buckets[bucket] > 0 {
			h := hashOf(value)
			hashes = append(hashes, h)
			valueOf[h] = value
		}
	}
	slices.Sort(hashes)
	var out []string
	for _, h := range hashes[MaxValues:] {
		out = append(out, valueOf[h])
	}
	return out
}

func (t tallies) drop(bucket int, values []string) {
	for _, value := range values {
		if delete(t[value], bucket); len(t[value]) == 0 {
			delete(t, value)
		}
	}
}

// most returns the value that occurred most often among the buckets that count
// today; of several the first as text, and nil when there is none.
func (t tallies) most(c ComputedTrait, today int) json.RawMessage {
	best, highest := "", int64(0)
	for value, buckets := range t {
		n := int64(0)
		for bucket, times := range buckets {
			if c.counts(bucket, today) {
				n += times
			}
		}
		if n > highest || n == highest && n > 0 && value < best {
			best, highest = value, n
		}
	}
	if highest == 0 {
		return nil
	}
	return json.RawMessage(best)
}

func (t tallies) clone() tallies {
	out := maps.Clone(t)
	for value := range out {
		out[value] = maps.Clone(out[value])
	}
	return out
}

// distinct returns the values that a property holds, each as JSON in one
// spelling: a text, number or truth, or those in a list, each once.
func distinct(raw json.RawMessage) []string {
	if !bytes.HasPrefix(raw, []byte("[")) {
		if value, ok := spelled(raw); ok {
			return []string{value}
		}
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	var out []string
	for _, item := range items[:min(len(items), maxListValues)] {
		if value, ok := spelled(item); ok && !slices.Contains(out, value) {
			out = append(out, value)
		}
	}
	return out
}

// spelled writes a scalar in the one way that equal ones have.
func spelled(raw json.RawMessage) (string, bool) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null":
		return "", false
	case raw[0] == '"':
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return "", false
		}
		return quoted(text), true
	case raw[0] == 't' || raw[0] == 'f':
		return string(raw), true
	default:
		n, ok := number(raw)
		if !ok {
			return "", false
		}
		return n.String(), true
	}
}

// quoted is the text as JSON, with < > & as they are.
func quoted(text string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text)
	return strings.TrimSuffix(b.String(), "\n")
}
