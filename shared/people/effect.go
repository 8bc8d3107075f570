package people

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"rapport/shared/insight"
	"rapport/shared/message"
	"rapport/shared/person"
)

// Kind is what an effect asks for.
type Kind string

// The effects: a membership or a stage of the life cycle that the rest of the
// company may act on, a mail that a journey asks for, something to count.
const (
	AudienceEntered Kind = "Audience Entered"
	AudienceLeft    Kind = "Audience Left"
	StageEntered    Kind = "Stage Entered"
	MessageDue      Kind = "Message Due"
	Counted         Kind = "Counted"
)

// Effect is something that must happen outside the person because of an event.
// It is stored with the event's record and published at least once, always
// under the same id, so that consumers can tell a repetition.
type Effect struct {
	ID       string    `json:"id"`                 // <node hash>_<hash of what and why>
	Kind     Kind      `json:"kind"`               // also the detail-type on the bus
	Node     string    `json:"node"`               // the identity it came in by: "userId:u1"
	Audience string    `json:"audience,omitempty"` // whose membership changed
	Cause    string    `json:"cause"`              // message id of the event, or "timer"
	At       time.Time `json:"at"`                 // when Rapport saw it

	Stage person.Stage `json:"stage,omitempty"` // of a StageEntered
	From  person.Stage `json:"from,omitempty"`  // the stage before

	// Hops is how many answers of other systems led to the cause; on the bus one
	// more, so that who answers with an event passes it on as it is.
	Hops int `json:"hops,omitempty"`

	Message *message.Message `json:"message,omitempty"` // of a MessageDue
	Tally   *insight.Tally   `json:"tally,omitempty"`   // of a Counted
}

var idText = base32.HexEncoding.WithPadding(base32.NoPadding)

func newEffect(kind Kind, node person.NodeID, audience, cause string, at time.Time) Effect {
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + audience + "\x00" + cause))
	id := node.Hash() + "_" + strings.ToLower(idText.EncodeToString(sum[:16]))
	return Effect{ID: id, Kind: kind, Node: node.String(), Audience: audience, Cause: cause, At: at.UTC()}
}
