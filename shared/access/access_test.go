package access_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"rapport/shared/access"
	"rapport/shared/fault"
)

func TestClassify(t *testing.T) {
	sum := sha256.Sum256([]byte("server-2"))
	keys, err := access.NewKeys([]string{"site", "", " site-2 "}, []string{"server", "sha256:" + hex.EncodeToString(sum[:]), "both"})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, key string
		kind      access.Kind
	}{
		{"write", "site", access.Write},
		{"the other write key", "site-2", access.Write},
		{"secret", "server", access.Secret},
		{"secret kept as a hash", "server-2", access.Secret},
		{"row 1 none", "", access.Nobody},
		{"row 2 unknown", "sit", access.Nobody},
		{"row 2 longer", "sites", access.Nobody},
		{"row 2 other case", "SITE", access.Nobody},
		{"the hash is no key", "sha256:" + hex.EncodeToString(sum[:]), access.Nobody},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			kind, ok := keys.Classify(c.key)
			if kind != c.kind || ok != (c.kind != access.Nobody) {
				t.Errorf("got %v, %v", kind, ok)
			}
		})
	}
	t.Run("no keys at all", func(t *testing.T) {
		if _, ok := (access.Keys{}).Classify("site"); ok {
			t.Error("known")
		}
	})
}

func TestNewKeysRefuses(t *testing.T) {
	for _, bad := range []string{"sha256:", "sha256:zz", "sha256:" + strings.Repeat("a", 62)} {
		if _, err := access.NewKeys(nil, []string{bad}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
