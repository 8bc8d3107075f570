package link_test

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rapport/shared/fault"
	"rapport/shared/link"
)

const node = "n6ncct79rvfrrkmhb8hrom5u3o" // of userId:u1

var cart = link.Link{Kind: link.Unsubscribe, Node: node, Message: node + "_2ghqc9tm5rdv8jvhomg9v6kv9o", Purpose: "marketing"}

// Mail that was sent holds these very tokens: they must be read for years.
var sent = []struct {
	name, secret, token string
	link                link.Link
}{
	{"unsubscribe", "demo-identity", "ogHIAwEBQbmuxnTp39-90tFaI7xYvh5DFCOmJ7Yu2_RP8cWgn5qfTiRtYXJrZXRpbmf5qGGuDf07T5H3A6YJKmPD", cart},
	{"preferences", "demo-identity", "ogHIAwECQbmuxnTp39-90tFaI7xYvh4AAPUCzhrtg6ctGcGEPIQ3KDw", link.Link{Kind: link.Preferences, Node: node}},
	{"ids that are no hashes", "other", "dlM3iAEBEG5vZGUOb25lMNC90L7QstC40L3QuJIT0Fzrl6ixR3zUbEDgPC0", link.Link{Kind: link.Unsubscribe, Node: "node", Message: "node_one", Purpose: "новини"}},
}

func TestSentLinksStillWork(t *testing.T) {
	for _, c := range sent {
		t.Run(c.name, func(t *testing.T) {
			k := link.Keys([]byte(c.secret))
			if got := k.Sign(c.link); got != c.token {
				t.Errorf("is signed as\n%s, want\n%s", got, c.token)
			}
			if got, err := k.Verify(c.link.Kind, c.token); err != nil || got != c.link {
				t.Errorf("reads as %+v, %v", got, err)
			}
		})
	}
}

func TestLinkIsShort(t *testing.T) {
	if n := len(link.Keys([]byte("secret")).Sign(cart)); n > 96 {
		t.Errorf("a token has %d characters: readers see it in the text part", n)
	}
}

func TestURL(t *testing.T) {
	k := link.Keys([]byte("secret"))
	for _, c := range []struct {
		base, want string
		kind       link.Kind
	}{
		{"https://api.example.com", "https://api.example.com/v1/unsubscribe", link.Unsubscribe},
		{"https://api.example.com/", "https://api.example.com/v1/preferences", link.Preferences},
		{"http://127.0.0.1:8080/stage/", "http://127.0.0.1:8080/stage/v1/unsubscribe", link.Unsubscribe},
	} {
		l := cart
		l.Kind = c.kind
		u, err := url.Parse(k.URL(c.base, l))
		if err != nil {
			t.Fatal(err)
		}
		token := u.Query().Get("t")
		if got, err := k.Verify(c.kind, token); err != nil || got != l {
			t.Errorf("%s: %+v, %v", u, got, err)
		}
		if u.RawQuery = ""; u.String() != c.want {
			t.Errorf("leads to %s, want %s", u, c.want)
		}
		if token != url.QueryEscape(token) {
			t.Errorf("%s must be escaped", token)
		}
	}
}

func TestAnyLinkReadsBack(t *testing.T) {
	k := link.Keys([]byte("secret"))
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9a-v]{26}`), rapid.StringMatching(`[0-9A-V]{25,27}`), rapid.Just(node))
	rapid.Check(t, func(t *rapid.T) {
		want := link.Link{Kind: rapid.SampledFrom([]link.Kind{link.Unsubscribe, link.Preferences}).Draw(t, "kind")}
		want.Node, want.Purpose = text.Draw(t, "node"), text.Draw(t, "purpose")
		want.Message = rapid.OneOf(text, rapid.Custom(func(t *rapid.T) string { return want.Node + "_" + text.Draw(t, "rest") })).Draw(t, "message")
		got, err := k.Verify(want.Kind, k.Sign(want))
		if err != nil || got != want {
			t.Fatalf("%+v reads as %+v, %v", want, got, err)
		}
	})
}

// refused checks that a token is refused, and that the refusal does not say why.
func refused(t *testing.T, k link.Keyring, kind link.Kind, token string) {
	t.Helper()
	got, err := k.Verify(kind, token)
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != "bad_link" || f.Kind != fault.Malformed || f.Err != nil || got != (link.Link{}) {
		t.Fatalf("%q: %+v, %v", token, got, err)
	}
}

// Row 80.
func TestLinkCannotBeTamperedWith(t *testing.T) {
	k := link.Keys([]byte("secret"))
	token := k.Sign(cart)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\r"
	for i := range len(token) {
		for _, c := range []byte(alphabet) {
			if c != token[i] {
				refused(t, k, link.Unsubscribe, token[:i]+string(c)+token[i+1:])
			}
		}
		refused(t, k, link.Unsubscribe, token[:i])
		refused(t, k, link.Unsubscribe, token[i+1:])
		refused(t, k, link.Unsubscribe, token[:i]+"\n"+token[i:])
	}
	for _, bad := range []string{"", token + "A", token + "=", token + "\n", token + token, strings.Repeat("A", 1<<20)} {
		refused(t, k, link.Unsubscribe, bad)
	}
	refused(t, k, link.Preferences, token)
	refused(t, k, 0, token)
	refused(t, link.Keyring{}, link.Unsubscribe, token)
	refused(t, link.Keyring{}, link.Unsubscribe, link.Keyring{}.Sign(cart))
}

// A text in another form than ours reads as the same link, and is refused: its
// key, not its reader, decides.
func TestLinkHasOneText(t *testing.T) {
	k := link.Keys([]byte("secret"))
	l := link.Link{Kind: link.Unsubscribe, Node: "aa", Message: "aa_x"}
	raw, _ := base64.RawURLEncoding.DecodeString(k.Sign(l))
	refused(t, k, link.Unsubscribe, base64.URLEncoding.EncodeToString(raw)+"==")
	refused(t, k, link.Unsubscribe, base64.StdEncoding.EncodeToString(raw))
	if got, err := k.Verify(link.Unsubscribe, base64.RawURLEncoding.EncodeToString(raw)); err != nil || got != l {
		t.Errorf("%+v, %v", got, err)
	}
}

// Row 81: a key that no longer signs still verifies, in any place of the ring.
func TestKeysRotate(t *testing.T) {
	first, second, third := []byte("first"), []byte("second"), []byte("third")
	old := link.Keys(first).Sign(cart)
	for _, k := range []link.Keyring{
		link.Keys(first), link.Keys(second, first), link.Keys(third, second, first), link.Keys(third, nil, first), link.Keys(nil, first),
	} {
		if got, err := k.Verify(link.Unsubscribe, old); err != nil || got != cart {
			t.Errorf("%+v, %v", got, err)
		}
	}
	refused(t, link.Keys(second), link.Unsubscribe, old)
	if link.Keys(second, first).Sign(cart) != link.Keys(second).Sign(cart) || link.Keys(second).Sign(cart) == old {
		t.Error("the current key does not sign")
	}
}

// Nothing that was not signed is taken, and what is taken reads the same again.
func FuzzVerify(f *testing.F) {
	k := link.Keys([]byte("secret"))
	f.Add(k.Sign(cart))
	f.Add(k.Sign(link.Link{Kind: link.Unsubscribe}))
	f.Add(k.Sign(link.Link{Kind: link.Unsubscribe, Node: "n", Message: "n_", Purpose: "_"}))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		l, err := k.Verify(link.Unsubscribe, token)
		if err == nil && k.Sign(l) != token {
			t.Errorf("%q was taken, but is signed as %q", token, k.Sign(l))
		}
	})
}
