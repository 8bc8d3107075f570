package policy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMetricsAreCounted holds that what alarms and the dashboard show of
// Rapport's own metrics is counted by some function, and the other way round.
func TestMetricsAreCounted(t *testing.T) {
	counted := found(t, "../../functions", ".go", regexp.MustCompile(`\bCount\("(\w+)"`))
	shown := found(t, "../stacks", ".yaml", regexp.MustCompile(`(?:Namespace: Rapport\s+MetricName: |"(?:Rapport|\.)",")((?:Events|Decisions|Mails)\w*)`))
	if len(counted) == 0 {
		t.Error("nothing is counted")
	}
	for name := range shown {
		if !counted[name] {
			t.Errorf("infra/stacks shows %s, which no function counts", name)
		}
	}
	for name := range counted {
		if !shown[name] {
			t.Errorf("%s costs money and neither an alarm nor the dashboard shows it", name)
		}
	}
}

// found are the names that the pattern finds in the files of a folder, tests
// left out.
func found(t *testing.T, dir, ending string, pattern *regexp.Regexp) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ending) || strings.HasSuffix(name, "_test.go") {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		for _, m := range pattern.FindAllStringSubmatch(string(data), -1) {
			out[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
