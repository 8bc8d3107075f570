package cloud_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"rapport/infra/cloud"
	"rapport/shared/fault"
)

// deploy opens our own template with further parameters.
func deploy(t *testing.T, parameters map[string]string) *stage {
	t.Helper()
	c, err := cloud.Open(cloud.Config{
		Template: ours, Data: t.TempDir(), Strategy: "../strategy", Now: func() time.Time { return begin }, Parameters: parameters,
		WriteKey: "demo-write", SecretKey: "demo-secret", IdentitySecret: "demo-identity",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &stage{Cloud: c, t: t}
}

// Doors that take the write key, each with a body about a visitor and a proof.
var doors = map[string]string{
	"/v1/decide":               `{"anonymousId":"visitor-5f2a9c71e04b","proof":"%s"}`,
	"/ofrep/v1/evaluate/flags": `{"context":{"targetingKey":"visitor-5f2a9c71e04b","proof":"%s"}}`,
	"/v1/preferences":          `{"anonymousId":"visitor-5f2a9c71e04b","proof":"%s","purposes":{"marketing":false}}`,
	"/v1/track":                `{"type":"track","event":"Seen","anonymousId":"visitor-5f2a9c71e04b","userId":"u1","context":{"proof":"%s"}}`,
}

// knock asks at a door, as a page of the origin if there is one.
func (s *stage) knock(path, proof, origin string) (*http.Response, string) {
	s.t.Helper()
	r := post(path, fmt.Sprintf(doors[path], proof))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer demo-write")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	response := s.ask(r)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(body)
}

func TestAllowedOrigins(t *testing.T) {
	t.Parallel()
	const shop, blog, other = "https://shop.example.com", "https://blog.example.com", "https://shop.example.com.evil.example"
	for list, admits := range map[string]map[string]bool{
		"":                {shop: true, other: true},
		shop + "," + blog: {shop: true, blog: true, other: false},
	} {
		s := deploy(t, map[string]string{"AllowedOrigins": list})
		for path := range doors {
			for origin, want := range admits {
				response, body := s.knock(path, "", origin)
				admitted := response.Header.Get("Access-Control-Allow-Origin") == origin
				if admitted != want || strings.Contains(body, "origin_not_allowed") == want {
					t.Errorf("row 7, row 10: %q, %s from %s: %d %s, admitted %v", list, path, origin, response.StatusCode, body, admitted)
				}
			}
		}
	}
}

// signed is a proof for u1 by hand, with more claims.
func signed(header, claims string, sign func(text []byte) []byte) string {
	b := base64.RawURLEncoding
	text := b.EncodeToString([]byte(header)) + "." +
		b.EncodeToString(fmt.Appendf(nil, `{"sub":"u1","exp":%d%s}`, begin.Add(time.Minute).Unix(), claims))
	return text + "." + b.EncodeToString(sign([]byte(text)))
}

func bySecret(text []byte) []byte {
	mac := hmac.New(sha256.New, []byte("demo-identity"))
	mac.Write(text)
	return mac.Sum(nil)
}

func TestProofParameters(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	line := base64.StdEncoding.EncodeToString(der)
	byKey := func(text []byte) []byte { return ed25519.Sign(private, text) }
	const plain, named = `{"alg":"HS256"}`, `{"alg":"HS256","kid":"k2"}`
	for name, c := range map[string]struct {
		parameters map[string]string
		good, bad  string
	}{
		"row 15 audience": {
			map[string]string{"ProofAudience": "shop"},
			signed(plain, `,"aud":"shop"`, bySecret), signed(plain, `,"aud":"another"`, bySecret),
		},
		"row 15 issuer": {
			map[string]string{"ProofIssuer": "login"},
			signed(plain, `,"iss":"login"`, bySecret), signed(plain, ``, bySecret),
		},
		"row 18 key ids": {
			map[string]string{"ProofKeyIds": "k1,k2"},
			signed(named, ``, bySecret), signed(`{"alg":"HS256","kid":"../../x"}`, ``, bySecret),
		},
		"row 18 no key ids": {nil, signed(plain, ``, bySecret), signed(named, ``, bySecret)},
		"row 14 algorithm": {
			map[string]string{"ProofAlgorithm": "EdDSA", "ProofPublicKey": line},
			signed(`{"alg":"EdDSA"}`, ``, byKey), signed(plain, ``, bySecret),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, c.parameters)
			for path := range doors {
				_, good := s.knock(path, c.good, "")
				refused, bad := s.knock(path, c.bad, "")
				if strings.Contains(good, "bad_proof") || !strings.Contains(bad, "bad_proof") {
					t.Errorf("%s: %s with a proof that holds, %s with one that does not", path, good, bad)
				}
				if ingest := path == "/v1/track"; ingest != (refused.StatusCode == http.StatusOK) {
					t.Errorf("%s: %d", path, refused.StatusCode) // ingest judges the event, not the request
				}
			}
		})
	}
}

func TestParametersThatDoNotHold(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"AllowedOrigins": "*", "ProofAlgorithm": "none", "ProofPublickey": "x"} {
		c, err := cloud.Open(cloud.Config{
			Template: ours, Data: t.TempDir(), Parameters: map[string]string{name: value},
			WriteKey: "demo-write", SecretKey: "demo-secret", IdentitySecret: "demo-identity",
		})
		if err == nil {
			_ = c.Close()
		}
		if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
