package access_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"rapport/shared/access"
	"rapport/shared/fault"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const secret = "identity-secret"

// sign makes a proof as a customer's server would, with the header fields added.
func sign(t *testing.T, m jwt.SigningMethod, key any, header map[string]any, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(m, c)
	for k, v := range header {
		token.Header[k] = v
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func claims(change jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "u1", "exp": now.Add(10 * time.Minute).Unix()}
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func proofs(t *testing.T, c access.ProofConfig) access.Proofs {
	t.Helper()
	p, err := access.NewProofs(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestVerify(t *testing.T) {
	type (
		header = map[string]any
		change = jwt.MapClaims
	)
	strict := access.ProofConfig{Secrets: []string{secret}, Audience: "shop", Issuer: "login", KeyIDs: []string{"k1"}}
	full := change{"aud": "shop", "iss": "login"}
	unix := func(d time.Duration) int64 { return now.Add(d).Unix() }
	cases := []struct {
		name   string
		config access.ProofConfig
		header header
		change change
		good   bool
	}{
		{name: "plain", good: true},
		{name: "row 17 again within exp", good: true},
		{name: "row 15 expired", change: change{"exp": unix(-61 * time.Second)}},
		{name: "row 15 expired at the very skew", change: change{"exp": unix(-60 * time.Second)}},
		{name: "expired within the skew", change: change{"exp": unix(-59 * time.Second)}, good: true},
		{name: "no exp", change: change{"exp": nil}},
		{name: "exp an hour ahead", change: change{"exp": unix(time.Hour)}, good: true},
		{name: "exp too far ahead", change: change{"exp": unix(time.Hour + 2*time.Minute)}},
		{name: "row 15 nbf in the future", change: change{"nbf": unix(61 * time.Second)}},
		{name: "nbf within the skew", change: change{"nbf": unix(60 * time.Second)}, good: true},
		{name: "no sub", change: change{"sub": nil}},
		{name: "empty sub", change: change{"sub": ""}},
		{name: "aud and iss as configured", config: strict, change: full, good: true},
		{name: "one of several aud", config: strict, change: change{"aud": []string{"x", "shop"}, "iss": "login"}, good: true},
		{name: "row 15 wrong aud", config: strict, change: change{"aud": "other", "iss": "login"}},
		{name: "row 15 no aud", config: strict, change: change{"iss": "login"}},
		{name: "row 15 wrong iss", config: strict, change: change{"aud": "shop", "iss": "other"}},
		{name: "known kid", config: strict, change: full, header: header{"kid": "k1"}, good: true},
		{name: "row 18 unknown kid", header: header{"kid": "k9"}},
		{name: "row 18 kid is a path", config: strict, change: full, header: header{"kid": "../../x"}},
		{name: "row 18 kid is no text", config: strict, change: full, header: header{"kid": 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.config.Secrets == nil {
				c.config.Secrets = []string{secret}
			}
			proof := sign(t, jwt.SigningMethodHS256, []byte(secret), c.header, claims(c.change))
			user, err := proofs(t, c.config).Verify(proof, now)
			if c.good && (user != "u1" || err != nil) {
				t.Errorf("got %q, %v", user, err)
			}
			if !c.good && (user != "" || fault.KindOf(err) != fault.Unauthenticated) {
				t.Errorf("got %q, %v", user, err)
			}
		})
	}
}

func TestVerifyPinsTheAlgorithm(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaPEM, edPEM := public(t, &rsaKey.PublicKey), public(t, edPublic)
	hs := access.ProofConfig{Secrets: []string{secret, "earlier"}}
	rs := access.ProofConfig{Algorithm: "RS256", PublicKey: string(rsaPEM)}
	ed := access.ProofConfig{Algorithm: "EdDSA", PublicKey: string(edPEM)}
	cases := []struct {
		name   string
		config access.ProofConfig
		method jwt.SigningMethod
		key    any
		good   bool
	}{
		{"HS256", hs, jwt.SigningMethodHS256, []byte(secret), true},
		{"HS256 with the earlier secret", hs, jwt.SigningMethodHS256, []byte("earlier"), true},
		{"RS256", rs, jwt.SigningMethodRS256, rsaKey, true},
		{"EdDSA", ed, jwt.SigningMethodEdDSA, edPrivate, true},
		{"row 13 none", hs, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, false},
		{"row 13 none under RS256", rs, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, false},
		{"row 14 HS256 with the RSA public key", rs, jwt.SigningMethodHS256, rsaPEM, false},
		{"row 14 HS256 with the Ed25519 public key", ed, jwt.SigningMethodHS256, edPEM, false},
		{"HS512 instead of HS256", hs, jwt.SigningMethodHS512, []byte(secret), false},
		{"RS256 instead of HS256", hs, jwt.SigningMethodRS256, rsaKey, false},
		{"another secret", hs, jwt.SigningMethodHS256, []byte("guess"), false},
		{"empty secret", hs, jwt.SigningMethodHS256, []byte{}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := proofs(t, c.config).Verify(sign(t, c.method, c.key, nil, claims(nil)), now)
			if c.good != (err == nil) || !c.good && fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func public(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestVerifyRefusesForms(t *testing.T) {
	p := proofs(t, access.ProofConfig{Secrets: []string{secret}})
	good := sign(t, jwt.SigningMethodHS256, []byte(secret), nil, claims(nil))
	cut := strings.Split(good, ".")
	for name, proof := range map[string]string{
		"empty": "", "no dots": "abc", "no signature": cut[0] + "." + cut[1] + ".",
		"signature of another": cut[0] + "." + cut[1] + "." + strings.Repeat("A", 43), "space around": " " + good + " ",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := p.Verify(proof, now); fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("err = %v", err)
			}
		})
	}
	t.Run("row 19 64 KB", func(t *testing.T) {
		big := sign(t, jwt.SigningMethodHS256, []byte(secret), nil, claims(jwt.MapClaims{"x": strings.Repeat("y", 64<<10)}))
		if _, err := p.Verify(big, now); fault.KindOf(err) != fault.TooLarge {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("not set up", func(t *testing.T) {
		if _, err := (access.Proofs{}).Verify(good, now); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("err = %v", err)
		}
	})
}

func TestIssue(t *testing.T) {
	p := proofs(t, access.ProofConfig{Secrets: []string{secret, "earlier"}, Audience: "shop", Issuer: "login"})
	proof, err := p.Issue("u1", 5*time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	if user, err := p.Verify(proof, now.Add(4*time.Minute)); user != "u1" || err != nil {
		t.Errorf("got %q, %v", user, err)
	}
	if _, err := p.Verify(proof, now.Add(7*time.Minute)); err == nil {
		t.Error("still holds after its time")
	}
	if _, err := (access.Proofs{}).Issue("u1", time.Minute, now); err == nil {
		t.Error("issued without a secret")
	}
}

func TestNewProofsRefuses(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	rsaPEM := string(public(t, &small.PublicKey))
	for name, c := range map[string]access.ProofConfig{
		"no secret":         {Secrets: []string{""}},
		"none":              {Algorithm: "none", Secrets: []string{secret}},
		"unknown algorithm": {Algorithm: "HS512", Secrets: []string{secret}},
		"no RSA key":        {Algorithm: "RS256"},
		"short RSA key":     {Algorithm: "RS256", PublicKey: rsaPEM},
		"RSA for EdDSA":     {Algorithm: "EdDSA", PublicKey: rsaPEM},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := access.NewProofs(c); fault.KindOf(err) != fault.Invalid {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// A proof is shorter than its limit by far, so that the limit meets only abuse.
func TestProofIsShort(t *testing.T) {
	proof := sign(t, jwt.SigningMethodHS256, bytes.Repeat([]byte("k"), 64), nil, claims(jwt.MapClaims{"sub": strings.Repeat("u", 512)}))
	if len(proof) > access.MaxProofBytes/4 {
		t.Errorf("%d bytes", len(proof))
	}
}
