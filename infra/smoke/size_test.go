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

	// send writes the text part of mails with html2text, which brings Go's own
	// templates and a table writer along, and nobody waits for it.
	maxSend = 17_000_000
)

// deployed is the architecture of template.yaml.
const deployed = "arm64"

// TestSizes holds the budgets and prints how long each function takes until it
// is ready, the first read of the strategy included.
func TestSizes(t *testing.T) {
	onlyWhenAsked(t)
	names, variables := functions(t)
	w := open(t)
	plain := ready(t, bootstrap(t, "bare", runtime.GOARCH))
	var b strings.Builder
	row := func(name string, size int64, d time.Duration) {
		fmt.Fprintf(&b, "%-10s %6.2f MB %7.1f ms %6.2f\n", name, float64(size)/1e6, float64(d.Microseconds())/1e3, d.Seconds()/plain.Seconds())
	}
	row("(bare)", size(t, "bare"), plain)
	for _, name := range names {
		bytes, limit := size(t, name), int64(maxFunction)
		switch name {
		case "decide":
			limit = maxDecide
		case "send":
			limit = maxSend
		}
		if bytes > limit {
			t.Errorf("%s has %d bytes, at most %d are allowed: look for what it links with go tool nm -size", name, bytes, limit)
		}
		row(name, bytes, ready(t, bootstrap(t, name, runtime.GOARCH), w.Environment(variables[name])...))
	}
	t.Logf("linux/%s size, start to ready on this machine (median), ratio to a bare Lambda:\n%s", deployed, b.String())
}

func size(t *testing.T, function string) int64 {
	t.Helper()
	info, err := os.Stat(bootstrap(t, function, deployed))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// ready is the median of several starts.
func ready(t *testing.T, bootstrap string, env ...string) time.Duration {
	t.Helper()
	var all []time.Duration
	for range 11 {
		f, err := smoke.Start(t.Context(), bootstrap, env...)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f.Ready())
		f.Stop()
	}
	slices.Sort(all)
	return all[len(all)/2]
}
