package person

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"rapport/shared/fault"
)

// Kind is the kind of an identity.
type Kind string

// The four kinds of node.
const (
	AnonymousID Kind = "anonymousId"
	UserID      Kind = "userId"
	Email       Kind = "email"
	External    Kind = "external"
)

// NodeID is one identity of a person: a kind and a value.
type NodeID struct {
	Kind  Kind
	Value string
}

// String writes the node as the API does: "userId:u1".
func (n NodeID) String() string { return string(n.Kind) + ":" + n.Value }

// IsZero reports whether there is no value.
func (n NodeID) IsZero() bool { return n.Value == "" }

var hashText = base32.HexEncoding.WithPadding(base32.NoPadding)

// Hash is the node's name in keys, message ids and mail tags: the first 128
// bits of SHA-256 over "kind:value", as 26 characters 0-9 a-v.
func (n NodeID) Hash() string {
	sum := sha256.Sum256([]byte(n.String()))
	return strings.ToLower(hashText.EncodeToString(sum[:16]))
}

// ParseNode reads "kind:value", the form that paths and answers use.
func ParseNode(text string) (NodeID, error) {
	kind, value, found := strings.Cut(text, ":")
	switch Kind(kind) {
	case AnonymousID, UserID, Email, External:
		if found && value != "" {
			return NodeID{Kind: Kind(kind), Value: value}, nil
		}
	}
	return NodeID{}, fault.New(fault.Invalid, "bad_node",
		"write a node as anonymousId:…, userId:…, email:… or external:…").In("node")
}
