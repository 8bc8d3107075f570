package content_test

import (
	"testing"
	"time"

	"rapport/shared/content"
)

func TestScheduled(t *testing.T) {
	from := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(0, 0, 7)
	cases := []struct {
		name  string
		block content.Block
		at    time.Time
		want  bool
	}{
		{"no schedule", content.Block{}, from, true},
		{"before", content.Block{From: from, Until: until}, from.Add(-1), false},
		{"first instant", content.Block{From: from, Until: until}, from, true},
		{"last instant", content.Block{From: from, Until: until}, until.Add(-1), true},
		{"after", content.Block{From: from, Until: until}, until, false},
		{"open end", content.Block{From: from}, until, true},
		{"open begin", content.Block{Until: until}, from.AddDate(-9, 0, 0), true},
		{"over, open begin", content.Block{Until: until}, until, false},
	}
	for _, c := range cases {
		if got := c.block.Scheduled(c.at); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
