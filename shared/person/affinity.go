package person

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// An event weighs 1 in the bucket that it happened in, and less in each later
// one, by half in a half-life. Counts are integers and weights are fixed-point
// numbers, so that a sum does not depend on its order.
const (
	stepsPerHalf = 8  // buckets in a half-life, of at least a day each
	halvings     = 8  // after so many half-lives an event weighs nothing
	weightBits   = 32 // a weight of 1 is 1 << weightBits
)

// weight is what an event weighs whose bucket is so many days old.
func (c ComputedTrait) weight(age int) uint64 {
	return uint64(math.Round(math.Exp2(weightBits - float64(age)/float64(max(c.HalfLife, 1)))))
}

// weigh returns what each value weighs today, to three digits behind the point:
// {"coffee":0.5,"tea":2.375}. What weighs less than that is
// left out, and nil is returned when nothing is left.
func (t tallies) weigh(c ComputedTrait, today int) json.RawMessage {
	values := make([]string, 0, len(t))
	grams := map[string]uint64{}
	for value, buckets := range t {
		var sum uint64
		for bucket, times := range buckets {
			if c.counts(bucket, today) {
				sum += uint64(min(times, 1<<20)) * c.weight(max(c.bucket(today)-bucket, 0))
			}
		}
		// The integer part apart, so that nothing overflows.
		if g := sum>>weightBits*1000 + sum&(1<<weightBits-1)*1000>>weightBits; g > 0 {
			values, grams[value] = append(values, value), g
		}
	}
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	var b strings.Builder
	for i, value := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(value + ":" + quotient(strconv.FormatUint(grams[value], 10), 1000))
	}
	return json.RawMessage("{" + b.String() + "}")
}

// name is a value as the name of an object's member.
func name(value string) string {
	if strings.HasPrefix(value, `"`) {
		return value
	}
	return `"` + value + `"`
}
