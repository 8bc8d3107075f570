package message

import (
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/person"
)

// Reasons why a message does not go out, besides those of its journey. They
// name counters too.
const (
	NoTemplate = "no_template" // the strategy has it no more
	NoPurpose  = "no_purpose"  // nothing says what people were asked: nobody agreed
	NoAddress  = "no_address"
	NoConsent  = "no_consent" // opt_in, and the person did not say yes
	Refusal    = "refused"    // the person said no
	Late       = "late"
	Channel    = "channel"    // the person prefers others than mail
	Suppressed = "suppressed" // the address bounced or complained
	Gone       = "gone"       // the person, or its walk through the journey, exists no more
	Erased     = "erased"     // the person asked to be forgotten
)

// Patience is how long after its due instant marketing still makes sense, or a day
// more than it may be put off. What was promised, such as a receipt, is never too
// late.
const Patience = 72 * time.Hour

// Look is what is known at the last moment.
type Look struct {
	Template *Template // nil when the strategy has none
	Purpose  *Purpose  // nil when the strategy has none
	Void     string    // why the journey does not want it any more, "" while it does
	Address  string    // where mail may go, "" when nowhere
	Consent  map[string]person.Consent
	Channels json.RawMessage // that the person prefers, nil for no preference
}

// Gate says why the message must not go out, "" when it may. Whether the address
// is suppressed is not asked here: that is a condition of the commit that begins
// the sending, together with the person's version, so that nothing that was said
// before it is missed.
func Gate(m *Message, look Look, now time.Time) string {
	switch {
	case look.Void != "":
		return look.Void
	case look.Template == nil:
		return NoTemplate
	case look.Purpose == nil:
		return NoPurpose
	case look.Address == "":
		return NoAddress
	}
	if reason := look.Purpose.Refuses(look.Consent, Email, now); reason != "" {
		return reason
	}
	switch {
	case look.Template.Guarantee == AtLeastOnce:
	case !TakesMail(look.Channels):
		return Channel
	case now.After(m.Due.Add(max(Patience, look.Template.patience()+24*time.Hour))):
		return Late
	}
	return ""
}

// TakesMail reports whether mail is among the preferred channels, nil for no
// preference.
func TakesMail(preferred json.RawMessage) bool {
	var channels []string
	return preferred == nil || json.Unmarshal(preferred, &channels) != nil || slices.Contains(channels, Email)
}
