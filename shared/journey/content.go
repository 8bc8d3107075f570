package journey

import (
	"encoding/json"
	"slices"

	"rapport/shared/person"
)

// Item is one product in a cart, in Segment's e-commerce terms; values as sent.
type Item struct {
	ProductID json.RawMessage `json:"product_id,omitempty"`
	Name      json.RawMessage `json:"name,omitempty"`
	Variant   json.RawMessage `json:"variant,omitempty"`
	Price     json.RawMessage `json:"price,omitempty"`
	Currency  json.RawMessage `json:"currency,omitempty"`
	ImageURL  json.RawMessage `json:"image_url,omitempty"`
	URL       json.RawMessage `json:"url,omitempty"`
	Quantity  int             `json:"quantity"`
}

// Content is what an instance knows of its cart.
type Content struct {
	Items []Item `json:"items"`
}

// Limits that keep a person small.
const (
	maxItems     = 20
	maxItemBytes = 1 << 10
)

// Fill brings the content up to an event: a product that was added or removed,
// or the whole cart where the event lists its products. What it cannot read
// changes nothing.
func Fill(content json.RawMessage, event string, properties json.RawMessage) json.RawMessage {
	var c Content
	_ = json.Unmarshal(content, &c)
	var p struct {
		Products []product
		product
	}
	_ = json.Unmarshal(properties, &p)
	switch {
	case len(p.Products) > 0:
		c.Items = nil
		for _, one := range p.Products {
			c.add(one.item(), one.count())
		}
	case event == "Product Removed":
		c.add(p.item(), -p.count())
	default:
		c.add(p.item(), p.count())
	}
	out, err := json.Marshal(c)
	if err != nil {
		return content
	}
	return out
}

// product is a product as events carry it; quantities may come as text.
type product struct {
	Item
	Quantity json.RawMessage `json:"quantity"`
}

func (p product) item() Item { return p.Item }

func (p product) count() int {
	var f person.Fold
	if len(p.Quantity) == 0 || !f.Add(person.ComputedTrait{Op: person.Sum}, f.At, 0, "", p.Quantity) {
		return 1
	}
	n, ok := f.Sum.Int64()
	if !ok {
		return 1
	}
	return int(max(-1000, min(n, 1000)))
}

// add changes how many of a product there are; at none it is taken out.
func (c *Content) add(it Item, n int) {
	if len(it.ProductID) == 0 && len(it.Name) == 0 {
		return
	}
	i := slices.IndexFunc(c.Items, func(have Item) bool {
		return string(have.ProductID) == string(it.ProductID) && string(have.Variant) == string(it.Variant)
	})
	if i < 0 {
		raw, _ := json.Marshal(it)
		if n <= 0 || len(c.Items) == maxItems || len(raw) > maxItemBytes {
			return
		}
		it.Quantity = n
		c.Items = append(c.Items, it)
		return
	}
	if n += c.Items[i].Quantity; n <= 0 {
		c.Items = slices.Delete(c.Items, i, i+1)
		return
	}
	it.Quantity = n
	c.Items[i] = it
}
