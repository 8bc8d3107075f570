package insight

import (
	"fmt"
	"math"
)

// Wilson names the method of Rate, and Confidence how often such an interval
// holds the true share.
const (
	Wilson     = "Wilson score interval"
	Confidence = 0.95
)

// z is the 97.5 % point of the normal distribution, which belongs to Confidence.
const z = 1.959963984540054

// Rate is a share of N with its interval; or Missing says why there is none, and
// the other numbers mean nothing.
type Rate struct {
	Hits, N          int64
	Value, Low, High float64
	Missing          string
}

// RateOf returns hits as a share of n. What is counted must be able to happen
// once at most for each of n; more hits than n have no rate.
func RateOf(hits, n int64) Rate {
	r := Rate{Hits: hits, N: n}
	switch {
	case n == 0:
		r.Missing = "n is 0, nothing was counted yet"
	case n < 0, hits < 0, hits > n:
		r.Missing = fmt.Sprintf("the counters disagree: %d of %d; they may still be on their way", hits, n)
	default:
		r.Value = float64(hits) / float64(n)
		r.Low, r.High = wilson(float64(hits), float64(n))
	}
	return r
}

// wilson returns the score interval. At the ends of the scale the formula is off
// by a rounding error, where the bound is exact.
func wilson(hits, n float64) (low, high float64) {
	share := hits / n
	middle := share + z*z/(2*n)
	half := z * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	low, high = (middle-half)/(1+z*z/n), (middle+half)/(1+z*z/n)
	if hits == 0 {
		low = 0
	}
	if hits == n {
		high = 1
	}
	return low, high
}
