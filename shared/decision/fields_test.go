package decision

import (
	"testing"
	"time"
)

// Fields are read before their signature is checked, so anything may be in them.
func FuzzReadReceipt(f *testing.F) {
	f.Add(Receipt{Slot: "hero", Block: "a", Policy: Split, Probability: 0.5, Strategy: "v", Minute: time.Unix(60, 0), Holder: "h"}.append(nil))
	f.Add(Receipt{}.append(nil))
	f.Add([]byte{receiptFormat, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, fields []byte) {
		r, ok := readReceipt(fields)
		if ok && len(r.Slot)+len(r.Block)+len(r.Strategy)+len(r.Holder) > len(fields) {
			t.Errorf("read more than there is: %+v", r)
		}
	})
}

func TestReadReceiptRefuses(t *testing.T) {
	good := Receipt{Slot: "hero", Block: "a", Policy: Split, Probability: 0.5, Strategy: "v", Minute: time.Unix(60, 0), Holder: "h"}.append(nil)
	if _, ok := readReceipt(good); !ok {
		t.Fatal("a good one is refused")
	}
	for i := range good {
		if _, ok := readReceipt(good[:i]); ok {
			t.Errorf("cut to %d bytes it is read", i)
		}
	}
	change := func(i int, b byte) []byte {
		out := append([]byte{}, good...)
		out[i] = b
		return out
	}
	for name, bad := range map[string][]byte{
		"more than there should be": append(append([]byte{}, good...), 0),
		"another format":            change(0, 9),
		"an unknown policy":         change(1, byte(len(policies))),
	} {
		if _, ok := readReceipt(bad); ok {
			t.Errorf("%s: it is read", name)
		}
	}
}
