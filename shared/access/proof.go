package access

import (
	"crypto/ed25519"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"rapport/shared/fault"
)

// Limits of a proof.
const (
	MaxProofBytes = 8 << 10
	MaxProofLife  = time.Hour        // how far ahead it may expire
	ProofSkew     = 60 * time.Second // how far clocks may differ
	minRSABits    = 2048
)

// ProofConfig says which proofs hold. The algorithm is what is written here,
// never what the proof says of itself.
type ProofConfig struct {
	Algorithm string   // HS256 (also when empty), EdDSA or RS256
	Secrets   []string // of HS256: the identity secret, then earlier ones that still verify
	PublicKey string   // of EdDSA and RS256, as PEM
	KeyIDs    []string // the "kid" values that a proof may name; naming none is always fine
	Audience  string   // checked when not empty
	Issuer    string   // checked when not empty
}

// Proofs verifies and issues proofs. The zero value accepts none.
type Proofs struct {
	config ProofConfig
	parser *jwt.Parser
	keys   jwt.VerificationKeySet
}

// NewProofs reads the configuration. It fails with Invalid, bad_proof_config.
func NewProofs(c ProofConfig) (Proofs, error) {
	if c.Algorithm == "" {
		c.Algorithm = jwt.SigningMethodHS256.Alg()
	}
	keys, err := verificationKeys(c)
	if err != nil {
		return Proofs{}, err
	}
	p := Proofs{config: c, keys: jwt.VerificationKeySet{Keys: keys}}
	// Times are checked in Verify, against the instant that the caller gives.
	p.parser = jwt.NewParser(jwt.WithValidMethods([]string{c.Algorithm}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	return p, nil
}

func verificationKeys(c ProofConfig) ([]jwt.VerificationKey, error) {
	bad := func(text string) *fault.Error { return fault.New(fault.Invalid, "bad_proof_config", "%s", text) }
	switch c.Algorithm {
	case "HS256":
		var keys []jwt.VerificationKey
		for _, s := range c.Secrets {
			if s != "" {
				keys = append(keys, []byte(s))
			}
		}
		if len(keys) == 0 {
			return nil, bad("set an identity secret")
		}
		return keys, nil
	case "EdDSA":
		key, err := jwt.ParseEdPublicKeyFromPEM([]byte(c.PublicKey))
		if ed, ok := key.(ed25519.PublicKey); ok && err == nil {
			return []jwt.VerificationKey{ed}, nil
		}
		return nil, bad("give the Ed25519 public key as PEM").Because(err)
	case "RS256":
		key, err := jwt.ParseRSAPublicKeyFromPEM([]byte(c.PublicKey))
		if err != nil {
			return nil, bad("give the RSA public key as PEM").Because(err)
		}
		if key.N.BitLen() < minRSABits {
			return nil, bad("use an RSA key of at least 2048 bits")
		}
		return []jwt.VerificationKey{key}, nil
	default:
		return nil, bad("choose HS256, EdDSA or RS256 as the algorithm of proofs")
	}
}

// Verify returns the user id that the proof proves at the instant now. It fails
// with Unauthenticated, bad_proof, whatever is wrong with it, or with TooLarge,
// proof_too_large.
func (p Proofs) Verify(proof string, now time.Time) (user string, err error) {
	if len(proof) > MaxProofBytes {
		return "", fault.New(fault.TooLarge, "proof_too_large", "send a proof of at most %d bytes", MaxProofBytes).In("proof")
	}
	if p.parser == nil {
		return "", badProof("proofs are not set up here", nil)
	}
	claims := jwt.RegisteredClaims{}
	token, err := p.parser.ParseWithClaims(proof, &claims, func(*jwt.Token) (any, error) { return p.keys, nil })
	if err != nil {
		return "", badProof("sign the proof with the configured key and algorithm", err)
	}
	if !p.knowsKeyID(token) {
		return "", badProof("leave kid out of the proof, or use a configured one", nil)
	}
	if err := p.check(claims, now); err != nil {
		return "", err
	}
	return claims.Subject, nil
}

// knowsKeyID only compares: a key id from outside is never used to look
// anything up.
func (p Proofs) knowsKeyID(token *jwt.Token) bool {
	kid, named := token.Header["kid"]
	if !named {
		return true
	}
	text, ok := kid.(string)
	return ok && slices.Contains(p.config.KeyIDs, text)
}

func (p Proofs) check(c jwt.RegisteredClaims, now time.Time) error {
	switch {
	case c.Subject == "":
		return badProof("put the user id into sub", nil)
	case c.ExpiresAt == nil:
		return badProof("give the proof an exp of at most one hour from now", nil)
	case !now.Before(c.ExpiresAt.Add(ProofSkew)):
		return badProof("the proof has expired; ask your server for a new one", nil)
	case c.ExpiresAt.After(now.Add(MaxProofLife + ProofSkew)):
		return badProof("let the proof expire within one hour", nil)
	case c.NotBefore != nil && c.NotBefore.After(now.Add(ProofSkew)):
		return badProof("the proof is not valid yet; check the clock of your server", nil)
	case p.config.Audience != "" && !slices.Contains(c.Audience, p.config.Audience):
		return badProof("put the configured audience into aud", nil)
	case p.config.Issuer != "" && c.Issuer != p.config.Issuer:
		return badProof("put the configured issuer into iss", nil)
	}
	return nil
}

func badProof(text string, cause error) *fault.Error {
	return fault.New(fault.Unauthenticated, "bad_proof", "%s", text).In("proof").Because(cause)
}

// errCannotIssue says that only the identity secret can sign here; with a public
// key the proofs come from the owner of the private one.
var errCannotIssue = errors.New("access: proofs are issued only with HS256")

// Issue signs a proof for the user that holds from now for ttl, as the sample
// shop's server does.
func (p Proofs) Issue(user string, ttl time.Duration, now time.Time) (string, error) {
	if p.parser == nil || p.config.Algorithm != jwt.SigningMethodHS256.Alg() {
		return "", errCannotIssue
	}
	claims := jwt.RegisteredClaims{
		Subject: user, Issuer: p.config.Issuer,
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
	}
	if p.config.Audience != "" {
		claims.Audience = jwt.ClaimStrings{p.config.Audience}
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(p.keys.Keys[0])
}
