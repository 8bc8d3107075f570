// Package event is about what a customer did, in the terms of the Segment spec.
// It reads what any known client sends (Decode) and turns it into one canonical
// form, Event, that travels through the queue and is kept.
package event

import (
	"encoding/json"
	"time"
)

// Type is the kind of call, as the Segment spec names it.
type Type string

// The six calls.
const (
	Track    Type = "track"
	Identify Type = "identify"
	Page     Type = "page"
	Screen   Type = "screen"
	Group    Type = "group"
	Alias    Type = "alias"
)

// Event is the canonical form of one call. Its JSON form is what the ingest
// queue and the event record hold.
type Event struct {
	MessageID string `json:"messageId"`
	Type      Type   `json:"type"`
	Name      string `json:"event,omitempty"` // of a track; the page's or screen's name otherwise

	// UserID is set only when it is proven: by a secret key or a proof. A user
	// id that a browser merely states is kept as Claim, joins nothing and
	// reveals nothing.
	UserID      string `json:"userId,omitempty"`
	AnonymousID string `json:"anonymousId,omitempty"`
	PreviousID  string `json:"previousId,omitempty"` // of an alias
	GroupID     string `json:"groupId,omitempty"`
	Claim       string `json:"claim,omitempty"`

	// Email and ExternalIDs are identities that a secret key vouched for: an
	// address as person.Address writes it, and ids of other systems as
	// "type:id", sorted. From a browser they are evidence, and stay where they
	// came: in Traits and Context.
	Email       string   `json:"email,omitempty"`
	ExternalIDs []string `json:"externalIds,omitempty"`

	// Hops is how many answers of other systems to what Rapport said led here;
	// 0 for what a customer did. See MaxHops.
	Hops int `json:"hops,omitempty"`

	// JSON objects with sorted names and the numbers as sent; nil when absent.
	// Traits are the group's in a group call, the person's in an identify; of an
	// identify with a Claim they are evidence, for nobody proved whose they are.
	Properties   json.RawMessage `json:"properties,omitempty"`
	Traits       json.RawMessage `json:"traits,omitempty"`
	Context      json.RawMessage `json:"context,omitempty"`
	Integrations json.RawMessage `json:"integrations,omitempty"`

	// Timestamp is when it happened, corrected for the sender's clock and
	// clamped to ReceivedAt. The other three are kept as evidence.
	Timestamp         time.Time  `json:"timestamp"`
	OriginalTimestamp *time.Time `json:"originalTimestamp,omitempty"`
	SentAt            *time.Time `json:"sentAt,omitempty"`
	ReceivedAt        time.Time  `json:"receivedAt"`
	TimeCorrected     bool       `json:"timeCorrected,omitempty"`

	// Trusted says that a secret key sent it; Imported that it is history,
	// which triggers nothing.
	Trusted  bool `json:"trusted,omitempty"`
	Imported bool `json:"imported,omitempty"`

	// OptOut says that the browser asked with it not to be sold or shared: Global
	// Privacy Control, its header Sec-GPC. It is not part of the content.
	OptOut bool `json:"optOut,omitempty"`

	// Digest is a hash of the canonical content without transport metadata: the
	// same message id with another digest is another event under a reused id.
	Digest string `json:"digest"`

	// Verdicts are remarks of the edge that did not refuse the event: BlockedID,
	// ReservedTrait.
	Verdicts []string `json:"verdicts,omitempty"`
}
