package smoke_test

import (
	"fmt"
	"os"
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

// larger functions are over the budget, which stays the aim (infra/adr/0014):
// nobody waits for the start of send, and few people open the pages of report,
// which also publishes what a split sets off.
var larger = map[string]int64{"send": 14_800_000, "report": 15_500_000}

// deployed is the architecture of template.yaml.
const deployed = "arm64"

// TestSizes holds the budgets and prints how long each function takes until it
// is ready, the first read of the strategy included.
func TestSizes(t *testing.T) {
	onlyWhenAsked(t)
	names, variables := functions(t)
	w := open(t)
	var b strings.Builder
	var bare time.Duration
	row := func(name string, size int64, d time.Duration) {
		if name == "bare" {
			bare = d
		}
		fmt.Fprintf(&b, "%-10s %6.2f MB %7.1f ms %6.2f\n", name, float64(size)/1e6, float64(d.Microseconds())/1e3, d.Seconds()/bare.Seconds())
	}
	for _, name := range names {
		bytes, limit := size(t, name), int64(maxFunction)
		if name == "decide" {
			limit = maxDecide
		}
		limit = max(limit, larger[name])
		if bytes > limit {
			t.Errorf("%s has %d bytes, at most %d are allowed: look for what it links with go tool nm -size", name, bytes, limit)
		}
	}
	for _, one := range ready(t, starts(t, w, names, variables)) {
		row(one.name, size(t, one.name), one.took)
	}
	t.Logf("linux/%s size, start to ready on this machine (median of %d, in turn), ratio to a bare Lambda:\n%s", deployed, rounds, b.String())
}

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
}

// starts are all functions, after a Lambda that does nothing.
func starts(t *testing.T, w world, names []string, variables map[string]map[string]string) []candidate {
	t.Helper()
	out := []candidate{{name: "bare", path: bootstrap(t, "bare", runtime.GOARCH)}}
	for _, name := range names {
		out = append(out, candidate{name: name, path: bootstrap(t, name, runtime.GOARCH), env: w.Environment(variables[name])})
	}
	return out
}

// rounds is how often each function is started.
const rounds = 15

// ready starts the functions in turn, so that what else the machine does meets
// all of them alike.
func ready(t *testing.T, all []candidate) []candidate {
	t.Helper()
	took := make([][]time.Duration, len(all))
	for range rounds {
		for i, one := range all {
			f, err := smoke.Start(t.Context(), one.path, one.env...)
			if err != nil {
				t.Fatal(err)
			}
			took[i] = append(took[i], f.Ready())
			f.Stop()
		}
	}
	for i := range all {
		slices.Sort(took[i])
		all[i].took = took[i][rounds/2]
	}
	return all
}
