package hear

import (
	"encoding/json"
	"net/mail"
	"strings"
	"time"

	"rapport/shared/fault"
	"rapport/shared/message"
)

// envelope is what EventBridge puts around an event.
type envelope struct {
	ID      string          `json:"id"`
	Source  string          `json:"source"`
	Account string          `json:"account"`
	At      time.Time       `json:"time"`
	Detail  json.RawMessage `json:"detail"`
}

// about is what every event of SES says: its type, and of which mail.
type about struct {
	Type string `json:"eventType"`
	Mail struct {
		ID   string              `json:"messageId"`
		At   time.Time           `json:"timestamp"`
		Tags map[string][]string `json:"tags"`
	} `json:"mail"`
}

// part is what an event says beside that, under a name of its own. No field
// means two things in two types of event, so one struct reads them all.
type part struct {
	At         time.Time   `json:"timestamp"`
	Agent      string      `json:"userAgent"`
	Link       string      `json:"link"`
	Bounce     string      `json:"bounceType"`
	BounceMore string      `json:"bounceSubType"`
	Bounced    []recipient `json:"bouncedRecipients"`
	Complained []recipient `json:"complainedRecipients"`
	Topics     struct {
		None bool `json:"unsubscribeAll"`
		List []struct {
			Status string `json:"subscriptionStatus"`
		} `json:"topicSubscriptionStatus"`
	} `json:"newTopicPreferences"`
}

type recipient struct {
	Address string `json:"emailAddress"`
}

// kind is what a type of event means here.
type kind struct {
	part string       // what it says more, by the part's name
	fact message.Fact // for the ledger
	name string       // of the event that the person gets; "": none
}

// kinds are the ten types. What only SES and we did with a mail is no event of a
// person: it stands in the ledger.
var kinds = map[string]kind{
	"Send":              {"send", message.Accepted, ""},
	"Delivery":          {"delivery", message.Delivered, "Email Delivered"},
	"DeliveryDelay":     {"deliveryDelay", message.Delayed, ""},
	"Bounce":            {"bounce", message.Bounced, "Email Bounced"},
	"Complaint":         {"complaint", message.Complained, "Email Marked as Spam"},
	"Open":              {"open", message.Opened, "Email Opened"},
	"Click":             {"click", message.Clicked, "Email Link Clicked"},
	"Reject":            {"reject", message.Refused, ""},
	"Rendering Failure": {"failure", message.Refused, ""},
	"Subscription":      {"subscription", message.Unsubscribed, "Email Unsubscribed"},
}

// happening is one event of SES about a mail of ours.
type happening struct {
	kind
	id      string    // of the event: a repetition has the same
	typ     string    // as SES names it
	said    time.Time // when, as SES says
	at      time.Time // the same, and not in the future
	mail    string    // id that SES gave the mail
	message string    // our id
	part    part
	machine bool     // a machine looked, see machine
	all     bool     // of an unsubscription: from everything
	dead    []string // addresses that must not be written to again
}

// read judges an event. It returns nil for one that is not about a mail of ours.
// Errors: Forbidden, foreign_event, for what SES of our account did not say;
// Malformed, bad_event, for what cannot be read.
func (f *Function) read(payload []byte) (*happening, error) {
	var e envelope
	if err := json.Unmarshal(payload, &e); err != nil || e.Source == "" {
		return nil, unreadable(err)
	}
	if e.Source != "aws.ses" {
		return nil, fault.New(fault.Forbidden, "foreign_event", "hear takes events of aws.ses only, and this one is of %q", e.Source).In("source")
	}
	if f.Account != "" && e.Account != f.Account {
		return nil, fault.New(fault.Forbidden, "foreign_event", "hear takes events of its own account only, and this one is of %q", e.Account).In("account")
	}
	var a about
	if err := json.Unmarshal(e.Detail, &a); err != nil {
		return nil, unreadable(err)
	}
	k, known := kinds[a.Type]
	id := only(a.Mail.Tags["message"])
	if !known || !ours(id) {
		return nil, nil
	}
	h := &happening{kind: k, id: e.ID, typ: a.Type, mail: a.Mail.ID, message: id, at: f.Now().UTC()}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(e.Detail, &parts); err != nil {
		return nil, unreadable(err)
	}
	if err := json.Unmarshal(parts[k.part], &h.part); err != nil || e.ID == "" {
		return nil, unreadable(err)
	}
	if h.said = first(h.part.At, a.Mail.At, e.At); h.said.IsZero() {
		return nil, unreadable(nil)
	}
	if h.said.Before(h.at) {
		h.at = h.said
	}
	h.judge()
	if h.fact == message.Unsubscribed && !h.unsubscribes() {
		h.kind = kind{part: k.part, fact: message.Accepted}
	}
	return h, nil
}

// first is the first time that is said.
func first(said ...time.Time) time.Time {
	for _, at := range said {
		if !at.IsZero() {
			return at.UTC()
		}
	}
	return time.Time{}
}

func unreadable(cause error) error {
	return fault.New(fault.Malformed, "bad_event", "this is no event of SES as EventBridge delivers it").Because(cause)
}

// only is the value of a tag, which comes as a list.
func only(values []string) string {
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

// ours reports whether a tag has the form of our message ids.
func ours(id string) bool {
	node, rest, ok := strings.Cut(id, "_")
	return ok && node != "" && rest != ""
}

func (h *happening) judge() {
	h.machine = (h.fact == message.Opened || h.fact == message.Clicked) && machine(h.part.Agent)
	h.all = h.part.Topics.None
	switch {
	case h.fact == message.Bounced && h.part.Bounce == "Permanent":
		h.dead = addresses(h.part.Bounced)
	case h.fact == message.Complained:
		h.dead = addresses(h.part.Complained)
	}
}

// unsubscribes tells a no from a change of topics that says yes.
func (h *happening) unsubscribes() bool {
	for _, topic := range h.part.Topics.List {
		if topic.Status == "OptOut" {
			return true
		}
	}
	return h.all
}

// proven is the fact for the ledger. That a machine looked proves only that the
// mail is out: reports must not count it as read.
func (h *happening) proven() message.Fact {
	if h.machine {
		return message.Accepted
	}
	return h.fact
}

// addresses are those of the recipients, without their names.
func addresses(list []recipient) []string {
	var out []string
	for _, r := range list {
		address := r.Address
		if parsed, err := mail.ParseAddress(address); err == nil {
			address = parsed.Address
		}
		if address = strings.TrimSpace(address); address != "" {
			out = append(out, address)
		}
	}
	return out
}
