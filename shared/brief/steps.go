package brief

import (
	"slices"

	"rapport/shared/event"
)

// Events of the Segment e-commerce spec, and those which it lacks and shops use:
// Payment Failed, Delivery Failed, Order Delivered, Brand Mentioned.
const (
	orderCompleted = "Order Completed"
	orderCancelled = "Order Cancelled"
	orderRefunded  = "Order Refunded"
	orderDelivered = "Order Delivered"
)

// rule finds what went wrong and was not put right. An event that closes ends
// what is open and was before it, as far as the keys that both name agree: an
// order ends the failed payment of that order, and one that names none ends any.
// An event that may open takes the place of earlier ones about the same matter,
// whatever it says: a search that finds something ends the one that did not.
type rule struct {
	kind   Kind
	opens  []string
	closes []string
	keys   []string // properties that tell matters apart
	part   string   // a key that only closing looks at: a new step of a checkout takes the place of the one before
	says   func(event string, p properties) (sentence string, ok bool)
}

// rules list what stops people. Each names its newest open event.
var rules = []rule{
	{
		kind: PaymentFailed, opens: []string{"Payment Failed"}, closes: []string{orderCompleted, orderCancelled},
		keys: []string{"checkout_id", "order_id"},
		says: always(func(p properties) string {
			return "The payment" + p.of("order", "order_id") + " failed" + p.in("reason", "error", "failure_reason")
		}),
	},
	{
		kind: DeliveryFailed, opens: []string{"Delivery Failed"}, closes: []string{orderDelivered, orderCancelled, orderRefunded},
		keys: []string{"order_id"},
		says: always(func(p properties) string {
			return "The delivery" + p.of("order", "order_id") + " failed" + p.in("reason")
		}),
	},
	{
		kind: CheckoutLeft, opens: []string{"Checkout Started", "Checkout Step Viewed"},
		closes: []string{"Checkout Step Completed", "Payment Info Entered", "Payment Failed", orderCompleted},
		keys:   []string{"checkout_id", "order_id"}, part: "step",
		says: func(_ string, p properties) (string, bool) {
			if step := p.text("step"); step != "" {
				return "The checkout was left at step " + step, true
			}
			return "The checkout was begun and not finished", true
		},
	},
	{
		kind: OrderCancelled, opens: []string{orderCancelled}, keys: []string{"order_id"},
		says: always(func(p properties) string { return "An order was cancelled" + p.colon("order_id") + p.in("reason") }),
	},
	{
		kind: OrderRefunded, opens: []string{orderRefunded}, keys: []string{"order_id"},
		says: always(func(p properties) string { return "An order was refunded" + p.colon("order_id") + p.in("reason") }),
	},
	{
		kind: BadReview, opens: []string{"Product Reviewed"}, keys: []string{"product_id"},
		says: rated("A product was rated"),
	},
	{
		kind: BadMention, opens: []string{"Brand Mentioned"},
		says: rated("We were mentioned with"),
	},
	{
		kind: NothingFound, opens: []string{"Products Searched"},
		closes: []string{"Product Viewed", "Product Added", orderCompleted},
		says: func(_ string, p properties) (string, bool) {
			return "A search found nothing" + p.colon("query"), p.none("results", "products")
		},
	},
}

func always(sentence func(properties) string) func(string, properties) (string, bool) {
	return func(_ string, p properties) (string, bool) { return sentence(p), true }
}

// worst is the highest rating, of five, that is a complaint.
const worst = 2

func rated(sentence string) func(string, properties) (string, bool) {
	return func(_ string, p properties) (string, bool) {
		n, ok := p.number("rating")
		return sentence + " " + p.text("rating") + " of 5" + p.colon("review_body", "text"), ok && n <= worst
	}
}

// matter is an event that opened something.
type matter struct {
	event      *event.Event
	properties properties
}

// steps returns what is still open of each rule: its newest event.
func steps(events []event.Event) []Reason {
	var out []Reason
	for i := range rules {
		r := &rules[i]
		open := r.open(events)
		if len(open) == 0 {
			continue
		}
		m := open[len(open)-1]
		sentence, _ := r.says(m.event.Name, m.properties)
		out = append(out, Reason{
			Kind: r.kind, Because: m.event.MessageID, Event: m.event.Name, At: m.event.Timestamp, Text: sentence + ".",
		})
	}
	return out
}

// open plays the events, oldest first, and returns what none of them closed.
func (r *rule) open(events []event.Event) []matter {
	var open []matter
	for i := range events {
		e := &events[i]
		opens, closes := slices.Contains(r.opens, e.Name), slices.Contains(r.closes, e.Name)
		if e.Type != event.Track || !opens && !closes {
			continue
		}
		p := propertiesOf(e)
		open = slices.DeleteFunc(open, func(m matter) bool {
			return r.same(m.properties, p) && (opens || m.properties.agrees(p, r.part))
		})
		if !opens {
			continue
		}
		if _, ok := r.says(e.Name, p); ok {
			open = append(open, matter{e, p})
		}
	}
	return open
}

// same reports whether two events are about one matter.
func (r *rule) same(a, b properties) bool {
	return !slices.ContainsFunc(r.keys, func(key string) bool { return !a.agrees(b, key) })
}
