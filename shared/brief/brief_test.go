package brief_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/brief"
	"rapport/shared/content"
	"rapport/shared/event"
	"rapport/shared/insight"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// shop is a strategy that calls orders and revenue by other names.
func shop(t testing.TB) *strategy.Strategy {
	t.Helper()
	s, err := strategy.Ready(strategy.Document{
		Zone: "UTC",
		Computed: []person.ComputedTrait{
			{Name: "lately", Op: person.Count, Event: "Order Completed", Window: 30},
			{Name: "purchases", Op: person.Count, Event: "Order Completed"},
			{Name: "spent", Op: person.Sum, Event: "Order Completed", Of: []string{"total"}},
			{Name: "quantity", Op: person.Sum, Event: "Product Added", Of: []string{"total"}},
		},
		Slots: []content.Slot{{ID: "hero", Fallback: "plain"}},
		Blocks: []content.Block{
			{ID: "plain", Slot: "hero", Weight: 1, Content: json.RawMessage(`{}`)},
			{ID: "sale", Slot: "hero", Weight: 1, Content: json.RawMessage(`{"title":"Half price"}`)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// told makes events out of lines "hours before now, name, properties".
func told(lines ...string) []event.Event {
	var out []event.Event
	for i, line := range lines {
		parts := append(strings.SplitN(line, ", ", 3), "{}")
		parts[0] += "h"
		hours, err := time.ParseDuration(parts[0])
		if err != nil {
			panic(err)
		}
		out = append(out, event.Event{
			MessageID: fmt.Sprint("m", i+1), Type: event.Track, Name: parts[1], UserID: "u1",
			Timestamp: now.Add(-hours), Properties: json.RawMessage(parts[2]),
		})
	}
	return out
}

func someone() *person.Person {
	return person.New(person.NodeID{Kind: person.UserID, Value: "u1"}, now)
}

func cardOf(t testing.TB, mails []*message.Ledger, events []event.Event) *brief.Card {
	return brief.Of(shop(t), brief.History{Person: someone(), Events: events, Mails: mails}, now)
}

// said is what a card says, as "kind because: text".
func said(c *brief.Card) []string {
	out := []string{}
	for _, r := range c.Reasons {
		out = append(out, fmt.Sprintf("%s %s: %s", r.Kind, r.Because, r.Text))
	}
	return out
}

func TestReasons(t *testing.T) {
	for name, c := range map[string]struct{ events, want []string }{
		"nothing happened": {nil, nil},
		"a payment failed": {
			[]string{`2, Payment Failed, {"order_id":1003,"reason":"card declined"}`},
			[]string{"payment_failed m1: The payment of order 1003 failed (card declined)."},
		},
		"and was made good by an order that names no checkout": {[]string{`2, Payment Failed`, `1, Order Completed`, `0, Order Delivered`}, nil},
		"and by its own order, not by another's": {
			[]string{`4, Payment Failed, {"order_id":"A"}`, `3, Payment Failed, {"order_id":"B"}`, `2, Order Completed, {"order_id":"B"}`, `1, Order Delivered, {"order_id":"B"}`},
			[]string{"payment_failed m1: The payment of order A failed."},
		},
		"an order before it makes nothing good": {
			[]string{`3, Order Completed, {"order_id":"A"}`, `2, Order Delivered, {"order_id":"A"}`, `1, Payment Failed`},
			[]string{"payment_failed m3: The payment failed."},
		},
		"a checkout was left at its latest step": {
			[]string{`4, Checkout Started, {"checkout_id":"c"}`, `3, Checkout Step Viewed, {"checkout_id":"c","step":1}`, `2, Checkout Step Completed, {"checkout_id":"c","step":1}`, `1, Checkout Step Viewed, {"checkout_id":"c","step":2}`},
			[]string{"checkout_left m4: The checkout was left at step 2."},
		},
		"a step that was completed is not what it was left at": {
			[]string{`2, Checkout Step Viewed, {"checkout_id":"c","step":2}`, `1, Checkout Step Completed, {"checkout_id":"c","step":2}`}, nil,
		},
		"completing another step completes nothing": {
			[]string{`2, Checkout Step Viewed, {"checkout_id":"c","step":2}`, `1, Checkout Step Completed, {"checkout_id":"c","step":1}`},
			[]string{"checkout_left m1: The checkout was left at step 2."},
		},
		"a failed payment is more than the checkout it stopped": {
			[]string{`2, Checkout Started, {"checkout_id":"c"}`, `1, Payment Failed, {"checkout_id":"c"}`},
			[]string{"payment_failed m2: The payment failed."},
		},
		"the order ends the checkout": {
			[]string{`3, Checkout Started, {"checkout_id":"c"}`, `2, Order Completed, {"checkout_id":"c","order_id":"A"}`, `1, Order Delivered, {"order_id":"A"}`}, nil,
		},
		"cancelled": {
			[]string{`3, Order Completed, {"order_id":"A"}`, `1, Order Cancelled, {"order_id":"A"}`},
			[]string{"order_cancelled m2: An order was cancelled: A."},
		},
		"refunded": {[]string{`1, Order Refunded, {"order_id":"A"}`}, []string{"order_refunded m1: An order was refunded: A."}},
		"a delivery failed, and the order is open": {
			[]string{`30, Order Completed, {"order_id":"A","total":"49.00","currency":"EUR"}`, `1, Delivery Failed, {"order_id":"A"}`},
			[]string{
				"delivery_failed m2: The delivery of order A failed.",
				"order_open m1: Order A of 49.00 EUR was placed yesterday and is not known to have arrived.",
			},
		},
		"it came after all":  {[]string{`3, Order Completed, {"order_id":"A"}`, `2, Delivery Failed, {"order_id":"A"}`, `1, Order Delivered, {"order_id":"A"}`}, nil},
		"an old open order":  {[]string{`168, Order Completed`}, []string{"order_open m1: An order was placed 7 days ago and is not known to have arrived."}},
		"too old to be open": {[]string{`1500, Order Completed`}, nil},
		"an order came back": {[]string{`9, Order Completed, {"order_id":"A"}`, `8, Order Returned, {"order_id":"A"}`}, nil},
		"a bad review": {
			[]string{`1, Product Reviewed, {"product_id":"p","rating":2,"review_body":"dust"}`},
			[]string{"bad_review m1: A product was rated 2 of 5: dust."},
		},
		"a fair review":      {[]string{`1, Product Reviewed, {"rating":3}`}, nil},
		"no rating":          {[]string{`1, Product Reviewed, {"rating":"bad"}`}, nil},
		"a review mended":    {[]string{`2, Product Reviewed, {"product_id":"p","rating":1}`, `1, Product Reviewed, {"product_id":"p","rating":5}`}, nil},
		"of another product": {[]string{`2, Product Reviewed, {"product_id":"p","rating":1}`, `1, Product Reviewed, {"product_id":"q","rating":5}`}, []string{"bad_review m1: A product was rated 1 of 5."}},
		"a mention":          {[]string{`1, Brand Mentioned, {"rating":1,"text":"never again"}`}, []string{"bad_mention m1: We were mentioned with 1 of 5: never again."}},
		"nothing was found":  {[]string{`1, Products Searched, {"query":"rooibos","results":0}`}, []string{"nothing_found m1: A search found nothing: rooibos."}},
		"no products":        {[]string{`1, Products Searched, {"products":[]}`}, []string{"nothing_found m1: A search found nothing."}},
		"something":          {[]string{`1, Products Searched, {"products":[{}]}`}, nil},
		"it does not say":    {[]string{`1, Products Searched, {"query":"tea"}`}, nil},
		"found after all":    {[]string{`2, Products Searched, {"results":0}`, `1, Products Searched, {"results":4}`}, nil},
		"looked at since":    {[]string{`2, Products Searched, {"results":0}`, `1, Product Viewed`}, nil},
		"long ago":           {[]string{`900, Payment Failed`}, nil},
		"another system's mail": {
			[]string{`3, Email Delivered, {"email_id":"x","email_subject":"Autumn"}`, `2, Email Link Clicked, {"email_id":"x"}`, `1, Email Opened, {"email_id":"x"}`},
			[]string{"mail_clicked m1: The mail “Autumn” went out: a link in it was clicked."},
		},
		"which bounced":       {[]string{`1, Email Bounced, {"email_id":"x"}`}, []string{"mail_trouble m1: A mail went out: it bounced."}},
		"text of two lines":   {[]string{`1, Payment Failed, {"reason":"a\n\tb"}`}, []string{"payment_failed m1: The payment failed (a b)."}},
		"text turned around":  {[]string{`1, Payment Failed, {"reason":"a\u202eb"}`}, []string{"payment_failed m1: The payment failed."}},
		"text without an end": {[]string{`1, Payment Failed, {"reason":"` + strings.Repeat("ї", 200) + `"}`}, []string{"payment_failed m1: The payment failed (" + strings.Repeat("ї", 80) + "…)."}},
		"the fresh comes before the old, the grave before the slight": {
			[]string{`200, Payment Failed, {"order_id":"Z"}`, `1, Order Completed, {"order_id":"Y"}`, `1, Brand Mentioned, {"rating":1}`, `1, Products Searched, {"results":0}`},
			[]string{
				"bad_mention m3: We were mentioned with 1 of 5.", "order_open m2: Order Y was placed today and is not known to have arrived.",
				"nothing_found m4: A search found nothing.", "payment_failed m1: The payment of order Z failed.",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(append([]string{}, c.want...), said(cardOf(t, nil, told(c.events...)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An order is open for sixty days; the card names it for longer than it is a
// reason to call.
func TestOpenOrder(t *testing.T) {
	order := func(days int) *brief.Order {
		return cardOf(t, nil, told(fmt.Sprintf(`%d, Order Completed, {"order_id":"A","revenue":5}`, 24*days))).OpenOrder
	}
	want := &brief.Order{ID: "A", Amount: "5", At: now.Add(-60 * 24 * time.Hour), Days: 60, Because: "m1"}
	if diff := cmp.Diff(want, order(60)); diff != "" {
		t.Error(diff)
	}
	if o := order(61); o != nil {
		t.Errorf("open after 61 days: %+v", o)
	}
}

// Only calls of type track are events of the spec: a page may have any name.
func TestPagesAreNoSteps(t *testing.T) {
	events := told(`1, Payment Failed`)
	events[0].Type = event.Page
	if got := said(cardOf(t, nil, events)); len(got) > 0 {
		t.Error(got)
	}
}

func TestLastMail(t *testing.T) {
	sent := func(id string, hours time.Duration, facts ...message.Fact) *message.Ledger {
		l := &message.Ledger{ID: id, Journey: "cart", Template: "reminder", State: message.Sent, Since: now.Add(-hours * time.Hour), Facts: map[message.Fact]time.Time{}}
		for i, f := range facts {
			l.Facts[f] = l.Since.Add(time.Duration(i+1) * time.Minute)
		}
		return l
	}
	skipped := sent("n_3", 0)
	skipped.State = message.Skipped
	for name, c := range map[string]struct {
		mails  []*message.Ledger
		events []string
		id     string
		fate   message.Fact
		reason string
	}{
		"the later one":              {[]*message.Ledger{sent("n_1", 5), sent("n_2", 3, message.Delivered)}, nil, "n_2", message.Delivered, "mail_sent"},
		"what did not go out":        {[]*message.Ledger{sent("n_1", 5), skipped}, nil, "n_1", message.Accepted, "mail_sent"},
		"what says most":             {[]*message.Ledger{sent("n_1", 5, message.Clicked, message.Opened)}, nil, "n_1", message.Clicked, "mail_clicked"},
		"a complaint says more":      {[]*message.Ledger{sent("n_1", 5, message.Complained, message.Clicked)}, nil, "n_1", message.Complained, "mail_trouble"},
		"ours, told by events too":   {[]*message.Ledger{sent("n_1", 5)}, []string{`1, Email Opened, {"email_id":"n_1"}`}, "n_1", message.Accepted, "mail_sent"},
		"a later one of elsewhere":   {[]*message.Ledger{sent("n_1", 5)}, []string{`1, Email Opened, {"email_id":"x"}`}, "x", message.Opened, "mail_sent"},
		"an earlier one of them":     {[]*message.Ledger{sent("n_1", 5)}, []string{`9, Email Opened, {"email_id":"x"}`}, "n_1", message.Accepted, "mail_sent"},
		"one that nobody can name":   {nil, []string{`9, Email Opened`}, "", "", ""},
		"long ago, so of no concern": {[]*message.Ledger{sent("n_1", 500)}, nil, "n_1", message.Accepted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			card := cardOf(t, c.mails, told(c.events...))
			var got brief.Mail
			if card.LastMail != nil {
				got = *card.LastMail
			}
			reason := ""
			if len(card.Reasons) > 0 {
				reason = string(card.Reasons[0].Kind)
			}
			if got.ID != c.id || got.Fate != c.fate || reason != c.reason {
				t.Errorf("%+v, %q", got, reason)
			}
		})
	}
}

func TestLastOfferIsNoFallback(t *testing.T) {
	p := someone()
	p.Nodes[0].Shown = map[string]person.Exposure{
		insight.Name("hero", "plain"): {At: now},
		insight.Name("hero", "sale"):  {At: now.Add(-time.Hour)},
		insight.Name("gone", "a/b"):   {At: now.Add(-2 * time.Hour)},
	}
	card := brief.Of(shop(t), brief.History{Person: p}, now)
	want := &brief.Offer{Slot: "hero", Block: "sale", Title: "Half price", At: now.Add(-time.Hour)}
	if diff := cmp.Diff(want, card.LastOffer); diff != "" {
		t.Error(diff)
	}
	delete(p.Nodes[0].Shown, insight.Name("hero", "sale"))
	card = brief.Of(shop(t), brief.History{Person: p}, now)
	if o := card.LastOffer; o == nil || o.Slot != "gone" || o.Block != "a/b" || said(card)[0] != "offer_seen : They saw the offer “a/b”." {
		t.Errorf("%+v %v", o, said(card))
	}
}

func TestWhoItIs(t *testing.T) {
	for name, c := range map[string]struct{ traits, want string }{
		"name":               {`{"name":"Olena Example","firstName":"O"}`, "Olena Example"},
		"first and last":     {`{"firstName":"Olena","lastName":"Example"}`, "Olena Example"},
		"as servers spell":   {`{"first_name":"Olena","last_name":"Example"}`, "Olena Example"},
		"first alone":        {`{"firstName":"Olena"}`, "Olena"},
		"last alone":         {`{"lastName":"Example"}`, "Example"},
		"what is no name":    {`{"name":{"a":1}}`, ""},
		"nothing":            {`{}`, ""},
		"turned around":      {`{"name":"a\u202eb","firstName":"Olena"}`, "Olena"},
		"of spaces and more": {`{"name":"  Olena \n Example "}`, "Olena Example"},
	} {
		t.Run(name, func(t *testing.T) {
			p := someone()
			var traits map[string]json.RawMessage
			if err := json.Unmarshal([]byte(c.traits), &traits); err != nil {
				t.Fatal(err)
			}
			for name, value := range traits {
				p.Nodes[0].Declare(name, person.Trait{Value: value, At: now, By: "m1"})
			}
			if got := brief.Of(shop(t), brief.History{Person: p}, now).Name; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// The strategy's own names for orders and revenue are found by what they fold.
func TestValue(t *testing.T) {
	p := someone()
	fold := func(name string, c person.ComputedTrait, value string) {
		f := &person.Fold{}
		f.Add(c, now, 0, "m", json.RawMessage(value))
		if p.Nodes[0].Computed == nil {
			p.Nodes[0].Computed = map[string]*person.Fold{}
		}
		p.Nodes[0].Computed[name] = f
	}
	s := shop(t)
	for _, c := range s.Computed[1:] {
		fold(c.Name, c, `12.50`)
	}
	got := brief.Of(s, brief.History{Person: p}, now).Value
	if string(got.Orders) != "1" || string(got.Revenue) != "12.5" {
		t.Errorf("%s, %s", got.Orders, got.Revenue)
	}
}

// A card depends on what happened, never on the order in which it is told, and
// looking changes nothing of it.
func TestAnyOrder(t *testing.T) {
	names := []string{
		"Payment Failed", "Order Completed", "Order Delivered", "Order Cancelled", "Checkout Step Viewed", "Checkout Step Completed",
		"Product Reviewed", "Products Searched", "Email Opened", "Email Bounced", "Delivery Failed",
	}
	rapid.Check(t, func(r *rapid.T) {
		var lines []string
		for range rapid.IntRange(0, 12).Draw(r, "events") {
			lines = append(lines, fmt.Sprintf(`%d, %s, {"order_id":%d,"step":%d,"rating":%d,"results":%d,"email_id":%d}`,
				rapid.IntRange(0, 5).Draw(r, "hours"), rapid.SampledFrom(names).Draw(r, "name"), rapid.IntRange(1, 2).Draw(r, "order"),
				rapid.IntRange(1, 2).Draw(r, "step"), rapid.IntRange(1, 5).Draw(r, "rating"), rapid.IntRange(0, 1).Draw(r, "results"),
				rapid.IntRange(1, 2).Draw(r, "mail")))
		}
		events := told(lines...)
		first := cardOf(t, nil, events)
		shuffled := rapid.Permutation(events).Draw(r, "order")
		kept := slices.Clone(shuffled)
		if diff := cmp.Diff(first, cardOf(t, nil, shuffled), cmp.AllowUnexported(brief.Mail{})); diff != "" {
			r.Fatal(diff)
		}
		if diff := cmp.Diff(kept, shuffled); diff != "" {
			r.Fatal(diff)
		}
		if len(first.Reasons) > brief.MaxReasons {
			r.Fatalf("%d reasons", len(first.Reasons))
		}
	})
}
