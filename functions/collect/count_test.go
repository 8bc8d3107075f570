package collect_test

import (
	"maps"
	"testing"
)

func TestEventsAreCountedForTheDashboard(t *testing.T) {
	got := map[string]int{}
	d := deps(t, &queue{})
	d.Count = func(metric string, n int) { got[metric] += n }
	send(d, "POST", "/v1/batch", "demo-secret", `{"batch":[{"type":"page","userId":"u1"},{"type":"page","userId":"u2"},{"type":"dance","userId":"u1"}]}`)
	send(d, "POST", "/v1/batch", "no-such-key", `{"batch":[{"type":"page","userId":"u1"}]}`)
	if want := map[string]int{"EventsAccepted": 2, "EventsRejected": 1}; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}
