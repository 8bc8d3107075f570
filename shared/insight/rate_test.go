package insight_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"rapport/shared/insight"
)

// TestWilsonDigits holds the interval against published digits.
func TestWilsonDigits(t *testing.T) {
	raw, err := os.ReadFile("testdata/wilson.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Successes, N int64
		CI           [2]float64
	}
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) < 5 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		r := insight.RateOf(c.Successes, c.N)
		if r.Missing != "" || !near(r.Low, c.CI[0]) || !near(r.High, c.CI[1]) || r.Value != float64(c.Successes)/float64(c.N) {
			t.Errorf("%d of %d = %+v, want %v", c.Successes, c.N, r, c.CI)
		}
	}
}

// near allows a relative error of 1e-9.
func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }

// Whatever is counted, the interval lies in the scale and holds the share.
func TestIntervalHoldsTheShare(t *testing.T) {
	for n := int64(1); n <= 300; n++ {
		for hits := range n + 1 {
			r := insight.RateOf(hits, n)
			if r.Missing != "" || r.Low < 0 || r.High > 1 || r.Low > r.Value || r.High < r.Value || r.High-r.Low <= 0 {
				t.Fatalf("%d of %d = %+v", hits, n, r)
			}
			turned := insight.RateOf(n-hits, n)
			if math.Abs(r.Low-(1-turned.High)) > 1e-12 {
				t.Fatalf("%d of %d is no mirror of the rest: %v, %v", hits, n, r.Low, turned.High)
			}
		}
	}
}

func TestNoRate(t *testing.T) {
	for _, c := range [][2]int64{{0, 0}, {3, 0}, {3, 2}, {-1, 2}, {0, -2}} {
		if r := insight.RateOf(c[0], c[1]); r.Missing == "" || r.Low != 0 || r.High != 0 || r.Value != 0 {
			t.Errorf("%d of %d = %+v, which nobody can compute", c[0], c[1], r)
		}
	}
	if r := insight.RateOf(0, 1); r.Missing != "" {
		t.Errorf("0 of 1 = %+v", r)
	}
}
