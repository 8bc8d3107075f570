package event

import "slices"

// Touchpoint is an event that everybody calls the same, where it happens and in
// which stage of a customer's journey.
type Touchpoint struct {
	Event   string
	Channel string // site, app, mail, chat, review, social
	Stage   Stage
}

// Stage is where in the journey a person is.
type Stage string

// The stages of the default vocabulary, in their order.
const (
	Discover Stage = "discover" // looks around
	Consider Stage = "consider" // looks at something in particular
	Choose   Stage = "choose"   // has it in the basket, or on a list
	Buy      Stage = "buy"
	Use      Stage = "use"   // has it, and may need help
	Share    Stage = "share" // tells others
)

// vocabulary is the e-commerce, e-mail, chat and review part of the Segment spec,
// with mentions on social media, which it lacks. No strategy has to declare them.
var vocabulary = slices.Concat(
	touchpoints("site", Discover, "Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked"),
	touchpoints("site", Consider, "Product Clicked", "Product Viewed"),
	touchpoints("site", Choose, "Product Added", "Product Removed", "Cart Viewed", "Product Added to Wishlist",
		"Product Removed from Wishlist", "Wishlist Product Added to Cart", "Cart Shared", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed"),
	touchpoints("site", Buy, "Checkout Started", "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered",
		"Order Updated", "Order Completed"),
	touchpoints("site", Use, "Order Refunded", "Order Cancelled"),
	touchpoints("site", Share, "Product Shared"),
	touchpoints("mail", Discover, "Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced", "Email Marked as Spam", "Unsubscribed"),
	touchpoints("chat", Use, "Live Chat Conversation Started", "Live Chat Message Sent", "Live Chat Message Received", "Live Chat Conversation Ended"),
	touchpoints("review", Share, "Product Reviewed"),
	touchpoints("social", Share, "Mention"),
)

func touchpoints(channel string, stage Stage, events ...string) []Touchpoint {
	out := make([]Touchpoint, len(events))
	for i, name := range events {
		out[i] = Touchpoint{Event: name, Channel: channel, Stage: stage}
	}
	return out
}

// Vocabulary lists the touchpoints that need no declaration.
func Vocabulary() []Touchpoint { return slices.Clone(vocabulary) }

// Spec returns the touchpoint of an event of the vocabulary.
func Spec(event string) (Touchpoint, bool) {
	i := slices.IndexFunc(vocabulary, func(t Touchpoint) bool { return t.Event == event })
	if i < 0 {
		return Touchpoint{}, false
	}
	return vocabulary[i], true
}
