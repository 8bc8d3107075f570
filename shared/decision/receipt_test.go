package decision_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/decision"
	"rapport/shared/fault"
)

func TestReceiptConforms(t *testing.T) {
	for _, c := range readCases(t).Receipts {
		t.Run(c.Slot+" "+c.Block, func(t *testing.T) {
			k := decision.Keys([]byte(c.Secret))
			want := decision.Receipt{
				Slot: c.Slot, Block: c.Block, Policy: c.Policy, Probability: c.Probability,
				Strategy: c.Strategy, Minute: c.Minute, Holder: c.Holder,
			}
			if got := k.Holder(c.Unit); got != c.Holder {
				t.Errorf("holder is %s, want %s", got, c.Holder)
			}
			if got := decision.Sign(k, want); got != c.Token {
				t.Errorf("token is\n%s, want\n%s", got, c.Token)
			}
			got, err := decision.Verify(k, c.Token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func anyReceipt(t *rapid.T) decision.Receipt {
	return decision.Receipt{
		Slot:        rapid.StringMatching(`[a-z0-9_-]{1,64}`).Draw(t, "slot"),
		Block:       rapid.StringMatching(`[a-z0-9_-]{1,64}`).Draw(t, "block"),
		Policy:      rapid.SampledFrom([]decision.Policy{decision.Rule, decision.Split, decision.Fallback}).Draw(t, "policy"),
		Probability: rapid.Float64Range(1e-9, 1).Draw(t, "probability"),
		Strategy:    rapid.StringMatching(`[0-9a-f]{12}`).Draw(t, "strategy"),
		Minute:      time.Unix(rapid.Int64Range(-1e6, 1e9).Draw(t, "minute")*60, 0).UTC(),
		Holder:      rapid.SampledFrom([]string{"", "XDLG0oan6caNHBRB"}).Draw(t, "holder"),
	}
}

func TestReceiptReadsBack(t *testing.T) {
	k := decision.Keys([]byte("secret"))
	rapid.Check(t, func(t *rapid.T) {
		want := anyReceipt(t)
		got, err := decision.Verify(k, decision.Sign(k, want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestReceiptIsOfAMinute(t *testing.T) {
	k := decision.Keys([]byte("secret"))
	sign := func(at time.Time) string { return decision.Sign(k, decision.Receipt{Slot: "s", Minute: at}) }
	first, last, next := sign(noon), sign(noon.Add(time.Minute-1)), sign(noon.Add(time.Minute))
	if first != last || first == next {
		t.Errorf("tokens are\n%s\n%s\n%s", first, last, next)
	}
	zone := time.FixedZone("", 5*3600)
	if sign(noon.In(zone)) != first {
		t.Error("the zone shows")
	}
}

// refused checks that a token is refused, and that the refusal does not say why.
func refused(t *testing.T, k decision.Keyring, token string) {
	t.Helper()
	got, err := decision.Verify(k, token)
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != "bad_receipt" || f.Kind != fault.Invalid || got != (decision.Receipt{}) {
		t.Fatalf("%q: %+v, %v", token, got, err)
	}
}

func TestReceiptCannotBeTamperedWith(t *testing.T) {
	k := decision.Keys([]byte("secret"))
	token := decision.Sign(k, decision.Receipt{Slot: "hero", Block: "a", Policy: decision.Split, Probability: 0.5, Strategy: "0123456789ab", Minute: noon, Holder: k.Holder("u")})
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"
	for i := range len(token) {
		for _, c := range []byte(alphabet) {
			if c != token[i] {
				refused(t, k, token[:i]+string(c)+token[i+1:])
			}
		}
		refused(t, k, token[:i])
		refused(t, k, token[i+1:])
		refused(t, k, token[:i]+"\n"+token[i:])
	}
	text, signature, _ := strings.Cut(token, ".")
	other := decision.Sign(k, decision.Receipt{Slot: "hero", Block: "b", Probability: 1, Minute: noon})
	for _, bad := range []string{
		"", ".", text, text + ".", "." + signature, token + "A", token + "=", token + "." + signature,
		strings.Split(other, ".")[0] + "." + signature, strings.Repeat("A", 5000) + "." + signature,
	} {
		refused(t, k, bad)
	}
}

func TestReceiptNeedsItsKey(t *testing.T) {
	a, b := decision.Keys([]byte("secret")), decision.Keys([]byte("Secret"))
	refused(t, b, decision.Sign(a, decision.Receipt{Slot: "hero", Minute: noon}))
	if a.Holder("u") == b.Holder("u") || a.Holder("u") == a.Holder("v") {
		t.Error("a holder depends on the key and the unit")
	}
	if a.Holder("") != "" {
		t.Error("nobody's unit has a holder")
	}
}

// Nothing that was not signed is taken, and what is taken reads the same again.
func FuzzVerify(f *testing.F) {
	k := decision.Keys([]byte("secret"))
	f.Add(decision.Sign(k, decision.Receipt{Slot: "hero", Block: "a", Policy: decision.Fallback, Probability: 1, Minute: noon}))
	f.Add(decision.Sign(k, decision.Receipt{}))
	f.Add("AQA.AAAA")
	f.Add(".")
	f.Fuzz(func(t *testing.T, token string) {
		r, err := decision.Verify(k, token)
		if err != nil {
			return
		}
		if again := decision.Sign(k, r); again != token {
			t.Errorf("%q was taken, but is signed as %q", token, again)
		}
	})
}
