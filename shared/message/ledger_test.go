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
