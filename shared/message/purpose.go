package message

import (
	"slices"
	"time"

	"rapport/shared/person"
	"rapport/shared/quiet"
)

// Purpose is something that a company does with people's data, mostly to write
// to them, and to which they can say no.
type Purpose struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Basis    Basis    `json:"basis"`
	Channels []string `json:"channels,omitempty"` // that it writes by; none: mail, unless it is about something else
	Allows   []Use    `json:"allows,omitempty"`   // besides messages

	// Categories are the names that consent banners give the purpose, as Segment's
	// categoryPreferences have them; none: its id.
	Categories []string `json:"categories,omitempty"`

	// GPC says that it is sale or sharing in the terms of Global Privacy Control: a
	// browser that sends Sec-GPC says no to it.
	GPC bool `json:"gpc,omitempty"`

	// Transactional says that people wait for what it sends, as for a receipt: neither
	// quiet hours nor a budget hold that back, and no budget is charged for it.
	Transactional bool `json:"transactional,omitempty"`

	// Quiet are hours instead of those of the strategy, quiet.None for none; nil: the
	// strategy's.
	Quiet *quiet.Hours `json:"quiet,omitempty"`

	// Budget is of this purpose alone, besides the strategy's; nil: none.
	Budget *quiet.Budget `json:"budget,omitempty"`

	// Lasts is for how many days a yes counts; 0: until it is taken back.
	Lasts int `json:"lasts,omitempty"`
}

// Email is the channel of mail.
const Email = "email"

// Channels are all channels that a purpose may write by. Rapport sends mail; the
// others are kept for the systems that send the rest.
func Channels() []string { return []string{Email, "sms", "push", "chat", "phone", "post"} }

// Use is what Rapport itself does with what it knows, where people may refuse it.
type Use string

// The uses.
const (
	Tracking        Use = "tracking"        // to remember what somebody does
	Personalization Use = "personalization" // to choose content by it
)

// Basis says what silence means.
type Basis string

// The two bases.
const (
	OptIn  Basis = "opt_in"  // only who said yes
	OptOut Basis = "opt_out" // everybody who did not say no
)

// Uses reports whether the purpose covers a use.
func (p *Purpose) Uses(u Use) bool { return slices.Contains(p.Allows, u) }

// Writes reports whether the purpose is about messages on the channel.
func (p *Purpose) Writes(channel string) bool {
	if len(p.Channels) == 0 && len(p.Allows) == 0 && !p.GPC {
		return channel == Email
	}
	return slices.Contains(p.Channels, channel)
}

// Named reports whether a consent banner's category means the purpose.
func (p *Purpose) Named(category string) bool {
	if len(p.Categories) == 0 {
		return category == p.ID
	}
	return slices.Contains(p.Categories, category)
}

// Consent is a word to the purpose with the proof that it was said. A yes expires
// by the strategy of the day it was given.
func (p *Purpose) Consent(given bool, at time.Time, by, wording string) person.Consent {
	c := person.Consent{Given: given, At: at, By: by, Wording: wording}
	if given && p.Lasts > 0 {
		c.Expires = at.AddDate(0, 0, p.Lasts)
	}
	return c
}

// Refuses says why the purpose does not allow what is meant, to who said this:
// Refusal or NoConsent; "" when it does. A yes that has expired is no consent,
// whatever silence would mean: it was not meant for longer.
func (p *Purpose) Refuses(said map[string]person.Consent, channel string, now time.Time) string {
	word, spoke := person.Word(said, p.ID, channel)
	switch {
	case spoke && !word.Given:
		return Refusal
	case spoke && !word.Valid(now), !spoke && p.Basis != OptOut:
		return NoConsent
	}
	return ""
}
