package letter

import (
	"encoding/json"
	"net/mail"
	"strings"
	"time"

	"rapport/shared/decimal"
	"rapport/shared/message"
)

// Data is what a letter is made of.
type Data struct {
	To      string // one bare address
	Message message.Message
	Traits  map[string]json.RawMessage // what is known of the person, by name
	Zone    string                     // the strategy's time zone
	Now     time.Time
}

// values returns the variables of a template.
func (d Data) values(sender message.Sender, links Links) map[string]any {
	site := links.Site
	if sender.Site != "" {
		site = sender.Site
	}
	name := ""
	if from, err := mail.ParseAddress(sender.From); err == nil {
		name = from.Name
	}
	person := map[string]any{}
	for trait, raw := range d.Traits {
		person[trait] = decoded(raw)
	}
	return map[string]any{
		"person":          person,
		"cart":            cart(d.Message.Content),
		"sender":          map[string]any{"name": name, "address": sender.Address},
		"journey":         d.Message.Journey,
		"shop_url":        strings.TrimRight(site, "/"),
		"unsubscribe_url": links.Unsubscribe,
		"preferences_url": links.Preferences,
		"zone":            d.Zone,
		"now":             d.Now,
	}
}

// decoded reads JSON so that numbers stay what they are.
func decoded(raw json.RawMessage) any {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// cart returns the products of a journey's content. What events say of them is
// not to be trusted: texts become texts, numbers numbers, addresses web
// addresses, or they are missing.
func cart(content json.RawMessage) map[string]any {
	var c struct {
		Items []map[string]json.RawMessage `json:"items"`
	}
	_ = json.Unmarshal(content, &c) // what cannot be read is an empty cart
	items, pieces := []any{}, 0
	total, currency := &decimal.Decimal{}, ""
	exact := len(c.Items) > 0
	for i, raw := range c.Items {
		it := item(raw)
		quantity, _ := it["quantity"].(int)
		pieces += quantity
		code, _ := it["currency"].(string)
		sum, priced := price(raw["price"])
		if priced {
			sum.Mul(decimal.New(int64(quantity)))
			it["total"] = sum.Float64()
		}
		if i == 0 {
			currency = code
		}
		if exact = exact && priced && code == currency; exact {
			total.Add(sum)
		}
		items = append(items, it)
	}
	out := map[string]any{"items": items, "count": pieces, "currency": currency}
	if exact {
		out["total"] = total.Float64()
	}
	return out
}

// item returns one product.
func item(raw map[string]json.RawMessage) map[string]any {
	it := map[string]any{"currency": "", "quantity": 1}
	for _, name := range []string{"product_id", "name", "variant", "currency"} {
		switch v := decoded(raw[name]).(type) {
		case string:
			it[name] = v
		case json.Number:
			it[name] = v.String()
		}
	}
	for _, name := range []string{"url", "image_url"} {
		if s, _ := decoded(raw[name]).(string); webLink(s) != "" {
			it[name] = s
		}
	}
	if n, ok := decoded(raw["quantity"]).(json.Number); ok {
		if i, err := n.Int64(); err == nil && i > 0 && i <= 1_000_000 {
			it["quantity"] = int(i)
		}
	}
	if p, ok := price(raw["price"]); ok {
		it["price"] = p.Float64()
	}
	if it["name"] == nil {
		it["name"] = it["product_id"]
	}
	return it
}

// price reads a price, which may have been sent as text.
func price(raw json.RawMessage) (*decimal.Decimal, bool) {
	text := ""
	switch v := decoded(raw).(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	if len(text) > 30 {
		return nil, false
	}
	d, ok := decimal.Parse(text)
	if !ok || !d.Within(30, 12) || d.Cmp(&decimal.Decimal{}) < 0 {
		return nil, false
	}
	return d, true
}
