package access

import (
	"net/url"
	"strings"

	"rapport/shared/fault"
)

// ProofSettings reads which proofs hold from a deployment's settings, by the
// names that template.yaml gives them. What is empty is left to its default:
// HS256 with the identity secret, any audience, any issuer, no key ids. Key ids
// are parted by commas. The public key is PEM, or the one line of base64 between
// its marks, which is easier to hand over.
func ProofSettings(setting func(name string) string) ProofConfig {
	key := strings.TrimSpace(setting("PROOF_PUBLIC_KEY"))
	if key != "" && !strings.HasPrefix(key, "-----") {
		key = "-----BEGIN PUBLIC KEY-----\n" + key + "\n-----END PUBLIC KEY-----\n"
	}
	return ProofConfig{
		Algorithm: strings.TrimSpace(setting("PROOF_ALGORITHM")),
		Secrets:   []string{setting("IDENTITY_SECRET")},
		PublicKey: key,
		KeyIDs:    list(setting("PROOF_KEY_IDS")),
		Audience:  strings.TrimSpace(setting("PROOF_AUDIENCE")),
		Issuer:    strings.TrimSpace(setting("PROOF_ISSUER")),
	}
}

// Origins reads the origins whose pages may call, parted by commas; none means
// all. They are compared as text, so each must be written as browsers send it:
// "https://shop.example.com", with a port only where it is not the usual one. It
// fails with Invalid, bad_origin.
func Origins(text string) ([]string, error) {
	origins := list(text)
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || o != u.Scheme+"://"+strings.ToLower(u.Host) || usual[u.Scheme] == u.Port() {
			return nil, fault.New(fault.Invalid, "bad_origin",
				"write origins as browsers send them, like https://shop.example.com, parted by commas").In("ALLOWED_ORIGINS")
		}
	}
	return origins, nil
}

// usual are the ports that browsers leave out.
var usual = map[string]string{"https": "443", "http": "80"}

// list is what stands between commas, without blanks.
func list(text string) []string {
	var out []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
