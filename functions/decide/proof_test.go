package decide_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/functions/decide"
	"rapport/shared/access"
)

// hs256 signs claims by hand, as any server may, with whatever header.
func hs256(header, claims string, key []byte) string {
	b := base64.RawURLEncoding
	text := b.EncodeToString([]byte(header)) + "." + b.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + b.EncodeToString(mac.Sum(nil))
}

// with is decide that takes the proofs of a configuration.
func with(t *testing.T, c access.ProofConfig) http.Handler {
	t.Helper()
	d := deps(t)
	var err error
	if d.Proofs, err = access.NewProofs(c); err != nil {
		t.Fatal(err)
	}
	return decide.New(d)
}

const jwtHeader = `{"alg":"HS256","typ":"JWT"}`

// claims are those of u1 for five minutes, with more of them.
func claims(more string) string {
	return fmt.Sprintf(`{"sub":"u1","exp":%d%s}`, noon.Add(5*time.Minute).Unix(), more)
}

// What a well signed proof may still lack. Whatever it is, nobody is read.
func TestProofsThatDoNotHold(t *testing.T) {
	key := []byte("demo-identity")
	strict := with(t, access.ProofConfig{Secrets: []string{string(key)}, Audience: "shop", Issuer: "login", KeyIDs: []string{"k1"}})
	const full = `,"aud":"shop","iss":"login"`
	good := post(strict, "demo-write", `{"proof":"`+hs256(`{"alg":"HS256","kid":"k1"}`, claims(full), key)+`","slots":["hero"]}`)
	if got := good.blocks(t); got != "hero-buyer" {
		t.Fatalf("a proof that holds is answered %s", got)
	}
	for name, proof := range map[string]string{
		"row 6 proof of another site, by its secret":   hs256(jwtHeader, claims(full), []byte("identity-of-another-site")),
		"row 6 proof of another site, by its audience": hs256(jwtHeader, claims(`,"aud":"another-shop","iss":"login"`), key),
		"row 15 nbf in the future":                     hs256(jwtHeader, claims(full+fmt.Sprintf(`,"nbf":%d`, noon.Add(61*time.Second).Unix())), key),
		"row 15 no aud":                                hs256(jwtHeader, claims(`,"iss":"login"`), key),
		"row 15 wrong iss":                             hs256(jwtHeader, claims(`,"aud":"shop","iss":"other"`), key),
		"row 18 unknown kid":                           hs256(`{"alg":"HS256","kid":"k2"}`, claims(full), key),
		"row 18 kid is a path":                         hs256(`{"alg":"HS256","kid":"../../x"}`, claims(full), key),
	} {
		t.Run(name, func(t *testing.T) {
			got := post(strict, "demo-write", `{"proof":"`+proof+`"}`)
			if got.status != http.StatusUnauthorized || !strings.Contains(got.body, `"code":"bad_proof"`) || got.reads != 0 {
				t.Errorf("%d after %d reads: %s", got.status, got.reads, got.body)
			}
		})
	}
}

// The public key is public: what is signed with it as if it were a secret proves
// nothing.
func TestPublicKeyIsNoSecret(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	h := with(t, access.ProofConfig{Algorithm: "EdDSA", PublicKey: string(block)})
	for name, key := range map[string][]byte{"PEM": block, "DER": der, "bare": public} {
		got := post(h, "demo-write", `{"proof":"`+hs256(jwtHeader, claims(""), key)+`"}`)
		if got.status != http.StatusUnauthorized || got.reads != 0 {
			t.Errorf("row 14 %s: %d after %d reads", name, got.status, got.reads)
		}
	}
}

// A proof may be shown as often as one likes while it holds, also one that names
// itself: decide keeps no record of what it saw, and each answer is the same.
func TestProofWithJTIIsReplayed(t *testing.T) {
	d, at := deps(t), noon
	d.Now = func() time.Time { return at }
	h := decide.New(d)
	body := `{"proof":"` + hs256(jwtHeader, claims(`,"jti":"one-time-7"`), []byte("demo-identity")) + `"}`
	first := post(h, "demo-write", body)
	if got := first.blocks(t); !strings.HasSuffix(got, "hero-buyer") {
		t.Fatalf("answered %s", got)
	}
	for range 3 {
		if diff := cmp.Diff(first, post(h, "demo-write", body), cmp.AllowUnexported(reply{})); diff != "" || first.writes != 0 {
			t.Errorf("row 17: %d writes; %s", first.writes, diff)
		}
	}
	at = at.Add(5*time.Minute + access.ProofSkew)
	if got := post(h, "demo-write", body); got.status != http.StatusUnauthorized {
		t.Errorf("row 17: %d once it has expired", got.status)
	}
}
