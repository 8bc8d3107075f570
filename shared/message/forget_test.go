package message_test

import (
	"strings"
	"testing"
	"time"

	"rapport/shared/message"
)

// A ledger of an erased person tells nothing of the person, and lives for as long
// as a queue may deliver its message again.
func TestForget(t *testing.T) {
	due := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	rejected := message.Open(&message.Message{ID: "n_1", Node: "n", Due: due}, message.AtMostOnce)
	for _, err := range []error{
		rejected.Claim("o", due, time.Minute), rejected.Begin("o", due, time.Minute),
		rejected.Reject("o", "rejected", "nobody at customer@example.com", due),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	claimed := message.Open(&message.Message{ID: "n_2", Node: "n", Due: due}, message.AtMostOnce)
	if err := claimed.Claim("o", due, time.Minute); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ledger  *message.Ledger
		after   time.Duration
		useless bool
	}{
		"done lately": {rejected, 14 * day, false}, "done long ago": {rejected, 16 * day, true}, "under way": {claimed, 16 * day, false},
	} {
		l := c.ledger.Clone()
		if got := l.Forget(due.Add(c.after)); got != c.useless {
			t.Errorf("%s: useless %v", name, got)
		}
		w, err := l.Write()
		if err != nil || strings.Contains(string(w.Body), "customer@") || !w.Expires.Equal(due.Add(15*day)) {
			t.Errorf("%s: expires %s, %s, %v", name, w.Expires, w.Body, err)
		}
	}
	if err := claimed.Skip("o", message.Erased, "", due.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if w, err := claimed.Write(); err != nil || !w.Expires.Equal(due.Add(15*day+time.Hour)) {
		t.Errorf("skipped because of an erasure: expires %s, %v", w.Expires, err)
	}
}
