package hear_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/message"
	"rapport/shared/person"
)

const agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"

func to(addresses ...string) []map[string]string {
	var out []map[string]string
	for _, a := range addresses {
		out = append(out, map[string]string{"emailAddress": a})
	}
	return out
}

func topics(none bool, statuses ...string) map[string]any {
	var list []map[string]string
	for _, s := range statuses {
		list = append(list, map[string]string{"topicName": "t", "subscriptionStatus": s})
	}
	return map[string]any{"newTopicPreferences": map[string]any{"unsubscribeAll": none, "topicSubscriptionStatus": list}}
}

func bounce(kind string, addresses ...string) map[string]any {
	return map[string]any{"bounceType": kind, "bounceSubType": "General", "bouncedRecipients": to(addresses...)}
}

func looked(by string) map[string]any {
	return map[string]any{"userAgent": by, "link": "https://shop.example/tea?a=1"}
}

func TestEveryTypeHasItsEffects(t *testing.T) {
	at := noon.Add(-time.Minute)
	suppressed := func(kind string) string { return fmt.Sprintf(`{"kind":%q,"at":"2026-11-24T11:59:00Z"}`, kind) }
	cases := []struct {
		name, kind string
		part       map[string]any
		fact       message.Fact
		event      string
		properties string // those of its own
		suppressed string
		said       []string // purposes that were refused
		counts     string   // beside sent
	}{
		{name: "send", kind: "Send", fact: message.Accepted},
		{name: "delivery", kind: "Delivery", fact: message.Delivered, event: "Email Delivered", counts: "delivered"},
		{name: "delay", kind: "DeliveryDelay", fact: message.Delayed},
		{
			name: "hard bounce", kind: "Bounce", part: bounce("Permanent", address), fact: message.Bounced, event: "Email Bounced",
			properties: `"bounce_subtype":"General","bounce_type":"Permanent"`, suppressed: suppressed("bounced"), counts: "bounced",
		},
		{
			name: "recipient with a name", kind: "Bounce", part: bounce("Permanent", "Customer <Recipient@Example.com> "), fact: message.Bounced, event: "Email Bounced",
			properties: `"bounce_subtype":"General","bounce_type":"Permanent"`, suppressed: suppressed("bounced"), counts: "bounced",
		},
		{
			name: "soft bounce", kind: "Bounce", part: bounce("Transient", address), fact: message.Bounced, event: "Email Bounced",
			properties: `"bounce_subtype":"General","bounce_type":"Transient"`, counts: "bounced",
		},
		{
			name: "bounce nobody understands", kind: "Bounce", part: bounce("Undetermined", address), fact: message.Bounced, event: "Email Bounced",
			properties: `"bounce_subtype":"General","bounce_type":"Undetermined"`, counts: "bounced",
		},
		{
			name: "complaint", kind: "Complaint", part: map[string]any{"complainedRecipients": to(address), "userAgent": "feedback loop"},
			fact: message.Complained, event: "Email Marked as Spam", suppressed: suppressed("complained"), counts: "complained",
		},
		{name: "reject", kind: "Reject", fact: message.Refused},
		{name: "rendering failure", kind: "Rendering Failure", fact: message.Refused},
		{
			name: "open", kind: "Open", part: looked(agent), fact: message.Opened, event: "Email Opened",
			properties: `"link_url":"https://shop.example/tea?a=1"`, counts: "opened",
		},
		{
			name: "click", kind: "Click", part: looked(agent), fact: message.Clicked, event: "Email Link Clicked",
			properties: `"link_url":"https://shop.example/tea?a=1"`, counts: "clicked",
		},
		{
			name: "row 75 machine opens", kind: "Open", part: map[string]any{"userAgent": "Mozilla/5.0"}, fact: message.Accepted, event: "Email Opened",
			properties: `"machine":true`,
		},
		{
			name: "row 74 machine clicks", kind: "Click", part: map[string]any{"userAgent": "curl/8.5.0"}, fact: message.Accepted, event: "Email Link Clicked",
			properties: `"machine":true`,
		},
		{
			name: "unsubscribed from all", kind: "Subscription", part: topics(true, "OptOut"), fact: message.Unsubscribed, event: "Email Unsubscribed",
			said: []string{"marketing", "news"},
		},
		{
			name: "unsubscribed from one", kind: "Subscription", part: topics(false, "OptIn", "OptOut"), fact: message.Unsubscribed, event: "Email Unsubscribed",
			said: []string{"marketing"},
		},
		{name: "subscribed", kind: "Subscription", part: topics(false, "OptIn"), fact: message.Accepted},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := open(t)
			if again := w.batch(happened{id: "e1", kind: c.kind, message: cart, at: at, part: c.part}.String()); again != nil {
				t.Fatalf("it comes again: %s", w.log.String())
			}
			l := w.ledger(cart)
			if l.State != message.Sent || len(l.Facts) != 1 || !l.Facts[c.fact].Equal(at) || !slices.Equal(l.Mails, []string{"0100-ses"}) {
				t.Errorf("ledger %+v", l)
			}
			if got := w.suppressed(address); got != c.suppressed {
				t.Errorf("suppressed %s, want %s", got, c.suppressed)
			}
			counts := map[string]int64{"journey/cart-recovery/sent": 1}
			if c.counts != "" {
				counts["journey/cart-recovery/"+c.counts] = 1
			}
			if diff := cmp.Diff(counts, w.counted()); diff != "" {
				t.Error(diff)
			}
			var said []string
			for purpose, consent := range w.consents() {
				if consent.Given || !consent.At.Equal(at) || consent.By != "Email Unsubscribed:e1" {
					t.Errorf("said %+v", consent)
				}
				said = append(said, purpose)
			}
			slices.Sort(said)
			if !slices.Equal(said, c.said) {
				t.Errorf("refused %v, want %v", said, c.said)
			}
			tells(t, w, c.event, c.properties, at)
		})
	}
}

// tells checks the one event that went to the ingest queue, or that none did.
func tells(t *testing.T, w *world, name, properties string, at time.Time) {
	t.Helper()
	told := w.told()
	if name == "" {
		if len(told) > 0 {
			t.Errorf("told %+v", told)
		}
		return
	}
	if len(told) != 1 {
		t.Fatalf("told %+v", told)
	}
	e := told[0]
	if e.Name != name || e.Node() != user || !e.Trusted || !e.Timestamp.Equal(at) || !e.ReceivedAt.Equal(noon) || e.Digest == "" {
		t.Errorf("told %+v", e)
	}
	want := map[string]any{"campaign_id": "cart-recovery", "email_id": cart, "step": 0.0, "template": "cart-reminder"}
	_ = json.Unmarshal([]byte("{"+properties+"}"), &want)
	var got map[string]any
	if err := json.Unmarshal(e.Properties, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Failure row 29: in whichever order events come, and however often, all ends
// the same, and each happening has one name.
func TestOrderAndRepetitionDoNotMatter(t *testing.T) {
	list := []happened{
		{id: "e1", kind: "Send", message: cart, at: noon.Add(-9 * time.Minute)},
		{id: "e2", kind: "Delivery", message: cart, at: noon.Add(-8 * time.Minute)},
		{id: "e3", kind: "Bounce", message: cart, at: noon.Add(-7 * time.Minute), part: bounce("Permanent", address)},
		{id: "e4", kind: "Complaint", message: cart, at: noon.Add(-7 * time.Minute), part: map[string]any{"complainedRecipients": to(address)}},
		{id: "e5", kind: "Subscription", message: cart, at: noon.Add(-6 * time.Minute), part: topics(false, "OptOut")},
	}
	end := func(order []int) string {
		w := open(t)
		for _, repeated := range []int{order[0], order[2]} {
			w.batch(list[repeated].String())
		}
		var bodies []string
		for _, i := range order {
			bodies = append(bodies, list[i].String())
		}
		if again := w.batch(bodies...); again != nil {
			t.Fatal(w.log.String())
		}
		l := w.ledger(cart)
		l.Version = 0
		names := map[string]string{}
		for _, e := range w.told() {
			names[e.MessageID] = e.Name + " " + e.Digest
		}
		out, _ := json.Marshal(map[string]any{"ledger": l, "suppressed": w.suppressed(address), "said": w.consents(), "told": names, "counted": w.counted()})
		if len(names) != 4 {
			t.Fatalf("told %v", names)
		}
		return string(out)
	}
	want := end([]int{0, 1, 2, 3, 4})
	if !strings.Contains(want, `bounced\",\"at\":\"2026-11-24T11:53`) || !strings.Contains(want, `"state":"sent"`) {
		t.Fatal(want)
	}
	n := 0
	permute([]int{0, 1, 2, 3, 4}, 0, func(order []int) {
		n++
		if got := end(order); got != want {
			t.Fatalf("order %v ends as\n%s, want\n%s", order, got, want)
		}
	})
	if n != 120 {
		t.Errorf("%d orders", n)
	}
}

func permute(list []int, from int, visit func([]int)) {
	if from == len(list) {
		visit(list)
		return
	}
	for i := from; i < len(list); i++ {
		list[from], list[i] = list[i], list[from]
		permute(list, from+1, visit)
		list[from], list[i] = list[i], list[from]
	}
}

// An earlier reason takes the place of a later one, and never the reverse.
func TestEarliestReasonIsKept(t *testing.T) {
	w := open(t)
	late := happened{id: "e1", kind: "Bounce", message: cart, at: noon.Add(-time.Minute), part: bounce("Permanent", address, "other@example.com")}
	early := happened{id: "e2", kind: "Complaint", message: cart, at: noon.Add(-time.Hour), part: map[string]any{"complainedRecipients": to(address)}}
	w.batch(late.String(), early.String(), late.String())
	if got := w.suppressed(address); got != `{"kind":"complained","at":"2026-11-24T11:00:00Z"}` {
		t.Errorf("suppressed %s", got)
	}
	if got := w.suppressed("other@example.com"); !strings.Contains(got, "bounced") {
		t.Errorf("the other recipient: %s", got)
	}
}

func TestUnknownIsSettled(t *testing.T) {
	w := open(t)
	l := w.ledger(cart)
	if err := l.Doubt("send", noon.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := (message.Book{Table: w.db, Owner: w.owner}).Commit(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	w.batch(happened{id: "e1", kind: "Delivery", message: cart, at: noon}.String())
	if got := w.ledger(cart); got.State != message.Sent {
		t.Errorf("ledger %+v", got)
	}
	if got := w.counted(); got["journey/cart-recovery/unknown"] != 0 || got["journey/cart-recovery/sent"] != 1 {
		t.Errorf("counted %v", got)
	}
}

// The mail hangs on the node that it was for, and follows it into a merge.
func TestEventComesBackOnTheNodeOfTheMail(t *testing.T) {
	w := open(t)
	id := browser.Hash() + "_2ghqc9tm5rdv8jvhomg9v6kv9o"
	w.sending(id)
	w.batch(happened{id: "e1", kind: "Open", message: id, at: noon, part: looked(agent)}.String())
	told := w.told()
	if len(told) != 1 || told[0].Node() != browser || told[0].UserID != "" {
		t.Errorf("told %+v", told)
	}
}

// Failure row 29, an erased person: the address stays suppressed, and nobody is
// made anew.
func TestErasedPersonGetsNothing(t *testing.T) {
	gone := person.NodeID{Kind: person.UserID, Value: "erased"}
	withLedger, without := gone.Hash()+"_2ghqc9tm5rdv8jvhomg9v6kv9o", gone.Hash()+"_0000c9tm5rdv8jvhomg9v6kv9o"
	for _, id := range []string{withLedger, without} {
		w := open(t)
		w.sending(withLedger)
		again := w.batch(
			happened{id: "e1", kind: "Bounce", message: id, at: noon, part: bounce("Permanent", address)}.String(),
			happened{id: "e2", kind: "Subscription", message: id, at: noon, part: topics(true)}.String(),
		)
		p, err := w.store.Find(context.Background(), gone)
		if again != nil || p != nil || err != nil || len(w.told()) > 0 {
			t.Errorf("%v come again, %+v, %v, told %v", again, p, err, w.told())
		}
		if w.suppressed(address) == "" {
			t.Error("the address is not suppressed")
		}
		if id == without && w.ledger(id) != nil {
			t.Error("a ledger was made")
		}
	}
}

// A mail was being sent when its person was erased: what SES says settles the
// ledger that is left, and teaches nobody anything.
func TestErasedWhileTheMailWasOnItsWay(t *testing.T) {
	w := open(t)
	if _, err := w.store.Erase(context.Background(), user, nil); err != nil {
		t.Fatal(err)
	}
	again := w.batch(
		happened{id: "e1", kind: "Delivery", message: cart, at: noon}.String(),
		happened{id: "e2", kind: "Bounce", message: cart, at: noon, part: bounce("Permanent", address)}.String(),
	)
	p, err := w.store.Find(context.Background(), user)
	if again != nil || p != nil || err != nil || len(w.told()) > 0 || w.suppressed(address) == "" {
		t.Errorf("%v come again, %+v, %v, told %v", again, p, err, w.told())
	}
	if l := w.ledger(cart); l == nil || !l.Erased || l.State != message.Sent {
		t.Errorf("ledger %+v", l)
	}
}

// What a mail was sent for stays its purpose when its template changes.
func TestPurposeIsThatOfTheSend(t *testing.T) {
	w := open(t)
	p, err := w.store.Find(context.Background(), user)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Charge(context.Background(), p, user.Hash(), person.Send{ID: cart, Purpose: "news", At: noon}); err != nil {
		t.Fatal(err)
	}
	w.batch(happened{id: "e1", kind: "Subscription", message: cart, at: noon, part: topics(false, "OptOut")}.String())
	if got := w.consents(); len(got) != 1 || got["news"].At.IsZero() {
		t.Errorf("said %v", got)
	}
}

// A later yes stands when the unsubscription comes once more.
func TestLaterYesStands(t *testing.T) {
	w := open(t)
	no := happened{id: "e1", kind: "Subscription", message: cart, at: noon.Add(-time.Hour), part: topics(false, "OptOut")}.String()
	w.batch(no)
	yes := person.Consent{Given: true, At: noon, By: "m2"}
	if err := w.store.Agree(context.Background(), w.strat, user, "marketing", yes); err != nil {
		t.Fatal(err)
	}
	w.batch(no)
	if got := w.consents()["marketing"]; got != yes {
		t.Errorf("said %+v", got)
	}
}

// SES took the mail and refused it afterwards: nobody got it, so it is not
// charged. Of two mails the other one may be out.
func TestRefusedMailIsNotCharged(t *testing.T) {
	for name, c := range map[string]struct {
		kind    string
		again   bool // the message was handed over a second time
		charged int
	}{
		"rejected":              {"Reject", false, 1},
		"not rendered":          {"Rendering Failure", false, 1},
		"rejected, sent before": {"Reject", true, 2},
		"delivered":             {"Delivery", false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			for _, id := range []string{cart, "other"} {
				p, err := w.store.Find(context.Background(), user)
				if err != nil {
					t.Fatal(err)
				}
				if err := w.store.Charge(context.Background(), p, user.Hash(), person.Send{ID: id, Purpose: "marketing", At: noon}); err != nil {
					t.Fatal(err)
				}
			}
			if c.again {
				l := w.ledger(cart)
				l.Tries++
				if err := (message.Book{Table: w.db, Owner: w.owner}).Commit(context.Background(), l); err != nil {
					t.Fatal(err)
				}
			}
			var version int64
			for range 2 {
				if again := w.batch(happened{id: "e1", kind: c.kind, message: cart, at: noon}.String()); again != nil {
					t.Fatal(w.log.String())
				}
				p, err := w.store.Find(context.Background(), user)
				if err != nil {
					t.Fatal(err)
				}
				if n := len(p.Sent(time.Time{})); n != c.charged || (version > 0 && p.Version != version) {
					t.Errorf("charged %d, version %d after %d", n, p.Version, version)
				}
				version = p.Version
			}
		})
	}
}
