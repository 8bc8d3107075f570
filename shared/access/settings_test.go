package access_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/access"
	"rapport/shared/fault"
)

func TestProofSettings(t *testing.T) {
	marked := "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
	for name, c := range map[string]struct {
		settings map[string]string
		want     access.ProofConfig
	}{
		"none": {nil, access.ProofConfig{Secrets: []string{""}}},
		"all": {
			map[string]string{
				"IDENTITY_SECRET": " demo ", "PROOF_ALGORITHM": "EdDSA", "PROOF_PUBLIC_KEY": "AAAA",
				"PROOF_KEY_IDS": "k1, k2,,", "PROOF_AUDIENCE": " shop ", "PROOF_ISSUER": "login\n",
			},
			access.ProofConfig{
				Algorithm: "EdDSA", Secrets: []string{" demo "}, PublicKey: marked,
				KeyIDs: []string{"k1", "k2"}, Audience: "shop", Issuer: "login",
			},
		},
		"a key with its marks": {
			map[string]string{"PROOF_PUBLIC_KEY": "\n-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"},
			access.ProofConfig{Secrets: []string{""}, PublicKey: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := access.ProofSettings(func(name string) string { return c.settings[name] })
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, " , ": nil,
		"https://shop.example.com": {"https://shop.example.com"},
		" https://shop.example.com ,http://127.0.0.1:8080, http://[::1]:3000": {"https://shop.example.com", "http://127.0.0.1:8080", "http://[::1]:3000"},
		"https://shop.example.com:80":                                         {"https://shop.example.com:80"},
	} {
		got, err := access.Origins(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
	for _, text := range []string{
		"*", "null", "shop.example.com", "https://", "https:shop.example.com", "https://shop.example.com/", "https://shop.example.com/shop",
		"https://shop.example.com?x", "https://u@shop.example.com", "https://Shop.example.com", "HTTPS://shop.example.com",
		"https://shop.example.com:443", "http://shop.example.com:80", "ftp://shop.example.com", "https://shop.example.com https://b.example.com",
		"https://shop.example.com,*", "https://shop.example.com:x",
	} {
		got, err := access.Origins(text)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != "bad_origin" || f.Field != "ALLOWED_ORIGINS" {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}
