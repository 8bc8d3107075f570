package message_test

import (
	"testing"
	"time"

	"rapport/shared/message"
	"rapport/shared/person"
)

// What may be put off for long is not too late when it is brought back.
func TestPatienceOutlivesAPause(t *testing.T) {
	const day = 24 * time.Hour
	purpose := &message.Purpose{ID: "marketing", Basis: message.OptOut}
	for _, c := range []struct {
		deferred, after time.Duration
		reason          string
	}{
		{0, 3 * day, ""}, {0, 3*day + 1, message.Late}, {7 * day, 8 * day, ""}, {7 * day, 8*day + 1, message.Late},
	} {
		look := message.Look{Template: &message.Template{Defer: c.deferred}, Purpose: purpose, Address: "customer@example.com"}
		if got := message.Gate(&message.Message{Due: noon}, look, noon.Add(c.after)); got != c.reason {
			t.Errorf("deferred for %s, %s after it was due: %q, want %q", c.deferred, c.after, got, c.reason)
		}
	}
}

func TestGate(t *testing.T) {
	reminder := &message.Template{ID: "reminder", Purpose: "marketing", Guarantee: message.AtMostOnce}
	receipt := &message.Template{ID: "receipt", Purpose: "marketing", Guarantee: message.AtLeastOnce}
	asked := &message.Purpose{ID: "marketing", Basis: message.OptIn}
	assumed := &message.Purpose{ID: "marketing", Basis: message.OptOut}
	yes := map[string]person.Consent{"marketing": {Given: true, At: noon}}
	no := map[string]person.Consent{"marketing": {At: noon}}
	other := map[string]person.Consent{"news": {Given: true, At: noon}}
	expired := map[string]person.Consent{"marketing": {Given: true, At: noon, Expires: noon.Add(time.Hour)}}
	byMail := map[string]person.Consent{"marketing": {At: noon}, "marketing/email": {Given: true, At: noon.Add(1)}}
	notByMail := map[string]person.Consent{"marketing": {Given: true, At: noon}, "marketing/email": {At: noon}}
	byText := map[string]person.Consent{"marketing/sms": {Given: true, At: noon}}
	const to = "customer@example.com"
	cases := []struct {
		name string
		look message.Look
		late time.Duration
		want string
	}{
		{"opt-out, nothing said", message.Look{Template: reminder, Purpose: assumed, Address: to}, 0, ""},
		{"opt-out, yes", message.Look{Template: reminder, Purpose: assumed, Address: to, Consent: yes}, 0, ""},
		{"opt-out, no", message.Look{Template: reminder, Purpose: assumed, Address: to, Consent: no}, 0, "refused"},
		{"opt-in, nothing said", message.Look{Template: reminder, Purpose: asked, Address: to}, 0, "no_consent"},
		{"opt-in, yes to another purpose", message.Look{Template: reminder, Purpose: asked, Address: to, Consent: other}, 0, "no_consent"},
		{"opt-in, yes", message.Look{Template: reminder, Purpose: asked, Address: to, Consent: yes}, 0, ""},
		{"opt-in, no", message.Look{Template: reminder, Purpose: asked, Address: to, Consent: no}, 0, "refused"},
		{"a basis that nobody knows", message.Look{Template: reminder, Purpose: &message.Purpose{ID: "marketing", Basis: "whatever"}, Address: to}, 0, "no_consent"},
		{"opt-in, yes for an hour", message.Look{Template: reminder, Purpose: asked, Address: to, Consent: expired}, time.Hour - 1, ""},
		{"opt-in, yes an hour ago", message.Look{Template: reminder, Purpose: asked, Address: to, Consent: expired}, time.Hour, "no_consent"},
		{"opt-out, yes an hour ago", message.Look{Template: reminder, Purpose: assumed, Address: to, Consent: expired}, time.Hour, "no_consent"},
		{"no, and later yes to mail", message.Look{Template: reminder, Purpose: asked, Address: to, Consent: byMail}, 0, ""},
		{"yes, and no to mail", message.Look{Template: reminder, Purpose: assumed, Address: to, Consent: notByMail}, 0, "refused"},
		{"yes to another channel", message.Look{Template: reminder, Purpose: asked, Address: to, Consent: byText}, 0, "no_consent"},
		{"channels without mail", message.Look{Template: reminder, Purpose: assumed, Address: to, Channels: []byte(`["sms"]`)}, 0, "channel"},
		{"no channel at all", message.Look{Template: reminder, Purpose: assumed, Address: to, Channels: []byte(`[]`)}, 0, "channel"},
		{"channels with mail", message.Look{Template: reminder, Purpose: assumed, Address: to, Channels: []byte(`["email","sms"]`)}, 0, ""},
		{"a receipt comes by mail all the same", message.Look{Template: receipt, Purpose: assumed, Address: to, Channels: []byte(`["sms"]`)}, 0, ""},
		{"void", message.Look{Template: reminder, Purpose: assumed, Address: to, Void: "goal"}, 0, "goal"},
		{"void comes first", message.Look{Void: "gone", Consent: no}, 100 * time.Hour, "gone"},
		{"no template", message.Look{Purpose: assumed, Address: to}, 0, "no_template"},
		{"no purpose", message.Look{Template: reminder, Address: to, Consent: yes}, 0, "no_purpose"},
		{"no address", message.Look{Template: reminder, Purpose: assumed}, 0, "no_address"},
		{"no address comes before no", message.Look{Template: reminder, Purpose: assumed, Consent: no}, 0, "no_address"},
		{"as late as can be", message.Look{Template: reminder, Purpose: assumed, Address: to}, message.Patience, ""},
		{"too late", message.Look{Template: reminder, Purpose: assumed, Address: to}, message.Patience + 1, "late"},
		{"a receipt is never too late", message.Look{Template: receipt, Purpose: assumed, Address: to}, 1000 * time.Hour, ""},
		{"a receipt can be refused", message.Look{Template: receipt, Purpose: assumed, Address: to, Consent: no}, 0, "refused"},
	}
	for _, c := range cases {
		m := &message.Message{ID: "n_1", Node: "n", Due: noon}
		if got := message.Gate(m, c.look, noon.Add(c.late)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
