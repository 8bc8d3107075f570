package letter

import (
	"encoding/json"
	"time"

	"rapport/shared/liquid"
	"rapport/shared/message"
)

// Known lists the variables of a message's templates, and whether each is always
// there.
var Known = liquid.Known{
	"person.*":                false,
	"cart.count":              true,
	"cart.currency":           true,
	"cart.total":              false,
	"cart.items[].name":       true,
	"cart.items[].quantity":   true,
	"cart.items[].currency":   true,
	"cart.items[].product_id": false,
	"cart.items[].variant":    false,
	"cart.items[].price":      false,
	"cart.items[].total":      false,
	"cart.items[].url":        false,
	"cart.items[].image_url":  false,
	"sender.name":             true,
	"sender.address":          true,
	"journey":                 true,
	"shop_url":                true,
	"unsubscribe_url":         true,
	"preferences_url":         true,
	"zone":                    true,
	"now":                     true,
}

// Preview composes the letter for somebody of whom nothing is known, and with
// two products in the cart, one of which says no more than its name. It fails
// where sending would fail.
func Preview(t message.Template, sender message.Sender, zone string) (Letter, error) {
	return Compose(t, sender, Data{
		To: "customer@example.com",
		Message: message.Message{
			ID: "preview", Journey: "preview", Template: t.ID,
			Content: json.RawMessage(`{"items":[
				{"product_id":"p1","name":"First product","price":12.5,"currency":"EUR","quantity":2,
				 "url":"https://shop.example.com/p1","image_url":"https://shop.example.com/p1.png"},
				{"name":"Second product","quantity":1}]}`),
		},
		Zone: zone,
		Now:  time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
	}, Links{
		Unsubscribe: "https://example.com/v1/unsubscribe?t=preview",
		Preferences: "https://example.com/v1/preferences?t=preview",
		Site:        "https://shop.example.com",
	})
}
