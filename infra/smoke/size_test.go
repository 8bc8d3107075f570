package smoke_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/infra/smoke"
)

// The budgets of what is deployed, in bytes: a large binary starts late.
const (
	maxDecide   = 9_000_000
	maxFunction = 14_000_000
)

// deployed is the architecture of template.yaml.
const deployed = "arm64"

// TestSizes holds the budgets and prints how long each function takes until it
// is ready, the first read of the strategy included.
func TestSizes(t *testing.T) {
	onlyWhenAsked(t)
	names, variables := functions(t)
	for _, name := range names {
		bytes, limit := size(t, name), int64(maxFunction)
		if name == "decide" {
			limit = maxDecide
		}
		if bytes > limit {
			t.Errorf("%s has %d bytes, at most %d are allowed: look for what it links with go tool nm -size", name, bytes, limit)
		}
	}
	all := ready(t, starts(t, open(t), names, variables))
	var b strings.Builder
	for _, one := range all {
		fmt.Fprintf(&b, "%-10s %6.2f MB %7.1f ms %6.2f %7.1f ms %6.2f\n", one.name, float64(size(t, one.name))/1e6,
			milliseconds(one.took), one.took.Seconds()/all[0].took.Seconds(),
			milliseconds(one.busy), one.busy.Seconds()/all[0].busy.Seconds())
	}
	t.Logf("linux/%s size, start to ready on this machine, ratio to a bare Lambda, and the same of processor time (medians of %d, in turn):\n%s", deployed, rounds, b.String())
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

func size(t *testing.T, function string) int64 {
	t.Helper()
	info, err := os.Stat(bootstrap(t, function, deployed))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// candidate is a bootstrap to be started, and how long that took.
type candidate struct {
	name string
	path string
	env  []string
	took time.Duration // the median
	busy time.Duration // of that, the processor; the median
}

// starts are all functions, after a Lambda that does nothing.
func starts(t *testing.T, w world, names []string, variables map[string]map[string]string) []candidate {
	t.Helper()
	out := []candidate{{name: "bare", path: unpacked(t, "bare")}}
	for _, name := range names {
		out = append(out, candidate{name: name, path: unpacked(t, name), env: w.Environment(variables[name])})
	}
	return out
}

// unpacked is a copy of a bootstrap, written from its beginning to its end as
// by somebody who unpacks it. How the linker writes a file leaves its pages where
// they happen to be, which made the same bytes take 4.6 or 6.1 ms of processor time.
func unpacked(t *testing.T, function string) string {
	t.Helper()
	content, err := os.ReadFile(bootstrap(t, function, runtime.GOARCH))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(path, content, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// rounds is how often each function is started.
const rounds = 41

// ready starts the functions in turn, so that what else the machine does meets
// all of them alike.
func ready(t *testing.T, all []candidate) []candidate {
	t.Helper()
	took, busy := make([][]time.Duration, len(all)), make([][]time.Duration, len(all))
	for range rounds {
		for i, one := range all {
			f, err := smoke.Start(t.Context(), one.path, one.env...)
			if err != nil {
				t.Fatal(err)
			}
			f.Stop()
			took[i], busy[i] = append(took[i], f.Ready()), append(busy[i], f.Processor())
		}
	}
	for i := range all {
		all[i].took, all[i].busy = median(took[i]), median(busy[i])
	}
	return all
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
