package person_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/person"
)

// The same words and choices in any order, on whichever nodes, repeated or not,
// leave the same ones, to the byte; of words at one instant a no (row 85).
func TestWordsInAnyOrder(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	type word struct {
		key string
		c   person.Consent
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) word {
			c := person.Consent{
				Given: rapid.Bool().Draw(t, "given"), At: at.Add(time.Duration(rapid.IntRange(0, 1).Draw(t, "hour")) * time.Hour),
				By: fmt.Sprint("m", rapid.IntRange(0, 1).Draw(t, "by")), Wording: rapid.SampledFrom([]string{"", "a"}).Draw(t, "wording"),
			}
			if c.Given && rapid.Bool().Draw(t, "expires") {
				c.Expires = at.Add(time.Duration(rapid.IntRange(1, 2).Draw(t, "until")) * time.Hour)
			}
			return word{person.ConsentKey("marketing", rapid.SampledFrom([]string{"", "email"}).Draw(t, "channel")), c}
		}), 1, 8).Draw(t, "words")
		told := func(order []word) []byte {
			p := person.New(person.NodeID{Kind: person.UserID, Value: "u1"}, at)
			n := p.Nodes[0]
			for _, w := range order {
				n.Agree(w.key, w.c)
				n.Prefer(person.Theme, person.Trait{Value: []byte(`"` + w.c.Wording + `"`), At: w.c.At, By: w.c.By})
			}
			body, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			back, err := person.Decode(p.Root, 1, body)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := back.Encode(); !bytes.Equal(again, body) {
				t.Fatalf("%s comes back as %s", body, again)
			}
			latest := words[0].c.At
			for _, w := range words {
				if w.c.At.After(latest) {
					latest = w.c.At
				}
			}
			said, _ := person.Word(p.Consents(), "marketing", "email")
			for _, w := range words {
				if w.c.At.Equal(latest) && !w.c.Given && said.Given {
					t.Fatalf("yes, though %+v was said at last", w.c)
				}
			}
			return body
		}
		want := told(words)
		shuffled := append(rapid.Permutation(words).Draw(t, "order"), words[0])
		if got := told(shuffled); !bytes.Equal(got, want) {
			t.Fatalf("%s\n%s", want, got)
		}
	})
}

// Two words that differ in nothing but what proves them leave the same one.
func TestTiesOfWords(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	low := person.Consent{Given: true, At: at, By: "m1", Wording: "a", Expires: at.Add(time.Hour)}
	for name, raise := range map[string]func(c *person.Consent){
		"by": func(c *person.Consent) { c.By = "m2" }, "wording": func(c *person.Consent) { c.Wording = "b" },
		"expiry": func(c *person.Consent) { c.Expires = at.Add(2 * time.Hour) }, "no": func(c *person.Consent) { c.Given = false },
	} {
		high := low
		raise(&high)
		for _, order := range [][]person.Consent{{low, high}, {high, low}} {
			n := &person.Node{}
			n.Agree("marketing", order[0])
			n.Agree("marketing", order[1])
			if n.Consent["marketing"] != high {
				t.Errorf("%s: %+v of %+v", name, n.Consent["marketing"], order)
			}
		}
	}
}
