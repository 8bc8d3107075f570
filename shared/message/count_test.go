package message_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/message"
)

// sum counts each id once, as the tally does, and fails when an id comes with
// other changes than before.
func sum(t *testing.T, seen map[string]string, cells map[string]int64, counts []message.Count) {
	t.Helper()
	for _, c := range counts {
		text := fmt.Sprint(c.Add)
		if had, known := seen[c.ID]; known {
			if had != text {
				t.Fatalf("%s counted %s and now %s", c.ID, had, text)
			}
			continue
		}
		seen[c.ID] = text
		for _, change := range c.Add {
			cells[strings.Join(change.Counter, "/")] += change.N
		}
	}
}

// Whatever happens to a message, and however often it is counted meanwhile: in
// the end it is counted in exactly one place, or in none while it is under way.
func TestCountsBalance(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := message.AtMostOnce
		if r.IntN(2) == 0 {
			g = message.AtLeastOnce
		}
		l := ledgerIn(g, "new", 0)
		ids, cells := map[string]string{}, map[string]int64{}
		now := noon
		for range 3 + r.IntN(12) {
			now = now.Add(time.Duration(r.IntN(90)) * time.Second)
			owner := string("ab"[r.IntN(2)])
			switch r.IntN(10) {
			case 0, 1:
				_ = l.Claim(owner, now, lease)
			case 2, 3:
				_ = l.Begin(owner, now, lease)
			case 4:
				_ = l.Send("m1", now)
			case 5:
				_ = l.Skip(owner, "goal", "", now)
			case 9:
				_ = l.PutOff(owner, &message.Pause{Reason: []string{message.QuietHours, message.Capped}[r.IntN(2)], Until: now.Add(time.Minute)}, nil, now)
			case 6:
				_ = l.Doubt(owner, now)
			case 7:
				_ = l.Reject(owner, "bad", "", now)
			case 8:
				_ = l.BackOff(owner, "throttled", now, now.Add(lease))
			}
			if r.IntN(3) > 0 {
				sum(t, ids, cells, l.Counts())
			}
		}
		sum(t, ids, cells, l.Counts())
		want := map[string]int64{}
		switch {
		case l.State == message.Skipped:
			want["skipped/goal"] = 1
		case l.State == message.Sent || l.State == message.Rejected:
			want[string(l.State)] = 1
		case !l.Doubted.IsZero():
			want["unknown"] = 1
		}
		if len(want) == 0 && !l.Waited.IsZero() {
			want["waiting/"+l.WaitedFor] = 1
		}
		maps.DeleteFunc(cells, func(_ string, n int64) bool { return n == 0 })
		if !maps.Equal(cells, want) {
			t.Fatalf("seed %d: a message that is %s counts as %v, want %v", seed, l.State, cells, want)
		}
		seen[fmt.Sprint(slices.Sorted(maps.Keys(want)))]++
	}
	if len(seen) < 7 {
		t.Errorf("only %v came up: this proves little", seen)
	}
}

func TestFactsAreCounted(t *testing.T) {
	cells := map[string]int64{}
	l := ledgerIn(message.AtMostOnce, "sending", 1)
	for _, f := range []message.Fact{
		message.Accepted, message.Delivered, message.Delayed, message.Opened, message.Opened,
		message.Clicked, message.Bounced, message.Complained, message.Refused, message.Unsubscribed,
	} {
		l.Settle(f, "m1", noon)
	}
	sum(t, map[string]string{}, cells, l.Counts())
	want := map[string]int64{"sent": 1, "delivered": 1, "opened": 1, "clicked": 1, "bounced": 1, "complained": 1}
	if !maps.Equal(cells, want) {
		t.Errorf("counted %v, want %v", cells, want)
	}
	for _, c := range l.Counts() {
		if c.At != noon || !strings.HasPrefix(c.ID, "n_1/") {
			t.Errorf("counted %+v", c)
		}
	}
}
