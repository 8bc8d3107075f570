package message_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/goldentest"
	"rapport/shared/message"
	"rapport/shared/table"
)

// told is a ledger with every field in use.
func told() *message.Ledger {
	l := message.Open(&message.Message{
		ID: "n_1", Node: "n", Journey: "cart", Key: "c1", Step: 1, Template: "reminder", Due: noon,
	}, message.AtLeastOnce)
	_ = l.Claim("a", noon.Add(time.Second), lease)
	_ = l.Begin("a", noon.Add(2*time.Second), lease)
	_ = l.Doubt("a", noon.Add(3*time.Second))
	l.Settle(message.Delivered, "m2", noon.Add(5*time.Second))
	l.Settle(message.Opened, "m1", noon.Add(time.Hour))
	return l
}

// The stored form: ledgers of the past must stay readable.
func TestStoredForm(t *testing.T) {
	open := message.Open(&message.Message{ID: "n_1", Node: "n", Journey: "cart", Template: "reminder", Due: noon}, message.AtMostOnce)
	claimed := open.Clone()
	_ = claimed.Claim("a", noon, lease)
	skipped := claimed.Clone()
	_ = skipped.Skip("a", "render_abort", "out of stock", noon.Add(time.Second))
	var out []any
	for _, l := range []*message.Ledger{claimed, skipped, told()} {
		w, err := l.Write()
		if err != nil {
			t.Fatal(err)
		}
		back, err := message.DecodeLedger(&table.Item{Key: w.Key, Version: 3, Body: w.Body})
		if err != nil || back.Version != 3 {
			t.Fatal(back, err)
		}
		if back.Version = 0; !cmp.Equal(back, l) {
			t.Errorf("comes back other than it was: %s", cmp.Diff(l, back))
		}
		out = append(out, map[string]any{"key": w.Key, "body": json.RawMessage(w.Body), "expires": w.Expires})
	}
	goldentest.Compare(t, "ledger", out)
}

func TestWriteExpectsTheVersionThatWasRead(t *testing.T) {
	l := told()
	if w, err := l.Write(); err != nil || w.If != table.Absent() {
		t.Errorf("a new ledger expects %+v, %v", w.If, err)
	}
	l.Version = 7
	if w, err := l.Write(); err != nil || w.If != table.VersionIs(7) {
		t.Errorf("a known ledger expects %+v, %v", w.If, err)
	}
}

func TestUnreadableLedger(t *testing.T) {
	if l, err := message.DecodeLedger(nil); l != nil || err != nil {
		t.Errorf("nothing stored: %v, %v", l, err)
	}
	if _, err := message.DecodeLedger(&table.Item{Body: []byte("{")}); err == nil {
		t.Error("an unreadable ledger was read")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	l := told()
	want := told()
	c := l.Clone()
	c.Settle(message.Clicked, "m0", noon)
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
}

// A visitor's ledger goes with the visitor, and not while a queue may deliver the
// message again; whom we know has it for its whole life.
func TestLedgerOfAVisitorGoesWithThem(t *testing.T) {
	due := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		leaves time.Time
		want   time.Time
	}{
		"known":      {time.Time{}, due.Add(message.Life)},
		"a visitor":  {due.AddDate(0, 0, 30), due.AddDate(0, 0, 30)},
		"soon gone":  {due.AddDate(0, 0, 3), due.AddDate(0, 0, 15)},
		"gone later": {due.AddDate(2, 0, 0), due.Add(message.Life)},
	} {
		l := message.Open(&message.Message{ID: "n_1", Node: "n", Due: due}, message.AtMostOnce)
		if err := l.Claim("o", due, time.Minute); err != nil {
			t.Fatal(err)
		}
		l.Leaves = c.leaves
		w, err := l.Write()
		if err != nil || !w.Expires.Equal(c.want) || !l.Expires().Equal(c.want) {
			t.Errorf("%s: expires %s, want %s, %v", name, w.Expires, c.want, err)
		}
	}
}
