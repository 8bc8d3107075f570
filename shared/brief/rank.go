package brief

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Kind is a kind of reason to call.
type Kind string

// The reasons.
const (
	PaymentFailed  Kind = "payment_failed"
	DeliveryFailed Kind = "delivery_failed"
	CheckoutLeft   Kind = "checkout_left"
	OrderCancelled Kind = "order_cancelled"
	OrderRefunded  Kind = "order_refunded"
	BadReview      Kind = "bad_review"
	BadMention     Kind = "bad_mention"
	OrderOpen      Kind = "order_open"
	NothingFound   Kind = "nothing_found"
	MailTrouble    Kind = "mail_trouble" // it bounced, or was called spam
	MailClicked    Kind = "mail_clicked"
	MailSent       Kind = "mail_sent"
	OfferSeen      Kind = "offer_seen"
)

// weights say what a reason weighs when it is fresh, and after how many hours it
// weighs half. They are a ranking that people can follow, and not a probability:
// what stopped somebody comes before what they wait for, and that before what
// they were told; yesterday comes before last week. Fresh reasons rank in the
// order of this table.
var weights = map[Kind]struct{ fresh, half float64 }{
	PaymentFailed:  {10, 48},
	DeliveryFailed: {9, 72},
	CheckoutLeft:   {8, 24},
	OrderCancelled: {7, 72},
	OrderRefunded:  {6.5, 72},
	BadReview:      {6, 96},
	BadMention:     {5.5, 96},
	OrderOpen:      {5, 168},
	NothingFound:   {4, 12},
	MailTrouble:    {3, 48},
	MailClicked:    {2.5, 24},
	MailSent:       {2, 24},
	OfferSeen:      {1, 12},
}

// MaxReasons is how many reasons a card names, and least what one must weigh.
const (
	MaxReasons = 5
	least      = 0.25
)

// weight is what a reason weighs now.
func (r Reason) weight(now time.Time) float64 {
	w := weights[r.Kind]
	return w.fresh * math.Exp2(-max(now.Sub(r.At).Hours(), 0)/w.half)
}

// rank sorts reasons by weight, and leaves out those that no longer matter.
func rank(reasons []Reason, now time.Time) []Reason {
	reasons = slices.DeleteFunc(reasons, func(r Reason) bool { return r.weight(now) < least })
	slices.SortFunc(reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.weight(now), a.weight(now)), b.At.Compare(a.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Because, b.Because))
	})
	return reasons[:min(len(reasons), MaxReasons)]
}
