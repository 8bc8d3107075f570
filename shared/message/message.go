// Package message is about one email to one person: what is to be sent, whether
// it still may be, and the ledger that proves how often it was.
package message

import (
	"encoding/json"
	"time"
)

// Message is one email that a journey asks for. It travels through the messages
// queue; its id names it in the ledger, in mail tags and in reports.
type Message struct {
	ID       string          `json:"id"`                // <node hash>_<hash of journey, key, step and epoch>
	Node     string          `json:"node"`              // hash of the node that the instance is on
	Journey  string          `json:"journey"`           // id
	Version  string          `json:"version"`           // of the journey's definition
	Key      string          `json:"key"`               // of the instance, such as a cart id; may be empty
	Step     int             `json:"step"`              // index
	Changed  time.Time       `json:"changed"`           // when the instance last changed: a later goal or change voids the message
	Template string          `json:"template"`          // id in the strategy's messages
	Content  json.RawMessage `json:"content,omitempty"` // {"items":[{"product_id","name","quantity","price",…}]}
	Due      time.Time       `json:"due"`
}

// Guarantee says what happens when it is not known whether a mail went out.
type Guarantee string

// The two guarantees.
const (
	AtMostOnce  Guarantee = "at_most_once"  // marketing: never again
	AtLeastOnce Guarantee = "at_least_once" // receipts: send again
)

// Template is one mail as published: MJML compiled to HTML that still holds its
// Liquid.
type Template struct {
	ID        string    `json:"id"`
	Purpose   string    `json:"purpose"`
	Guarantee Guarantee `json:"guarantee"`
	Subject   string    `json:"subject"` // Liquid
	HTML      string    `json:"html"`    // Liquid in HTML
	Text      string    `json:"text"`    // Liquid; made of the HTML at publish when its author wrote none

	// Value is what the mail is worth beside others: of those that wait for the
	// same room in a budget, the one with the highest goes.
	Value int `json:"value,omitempty"`

	// Defer is for how long after its due instant the mail may wait for quiet hours,
	// a budget or a cadence; 0 means DefaultDefer. After that it is skipped.
	Defer time.Duration `json:"defer,omitempty"`
}

// Sender is who mail comes from.
type Sender struct {
	From    string `json:"from"` // "Shop <shop@example.com>"
	ReplyTo string `json:"replyTo,omitempty"`
	Links   string `json:"links,omitempty"`   // base URL of unsubscribe and preference links; "": that of the API
	Site    string `json:"site,omitempty"`    // base URL of the website; "": that of the links
	Address string `json:"address,omitempty"` // postal address, which marketing mail must show
}
