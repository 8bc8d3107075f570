package journey_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"rapport/shared/journey"
)

func TestFill(t *testing.T) {
	type act struct{ event, properties string }
	const linden = `"product_id":"linden","name":"Linden Blossom","price":7.2`
	for name, c := range map[string]struct {
		acts []act
		want string // product and quantity of each item
	}{
		"added":                       {[]act{{"Product Added", `{` + linden + `}`}}, "linden 1"},
		"with a quantity":             {[]act{{"Product Added", `{` + linden + `,"quantity":3}`}}, "linden 3"},
		"a quantity as text":          {[]act{{"Product Added", `{` + linden + `,"quantity":"2"}`}}, "linden 2"},
		"added twice":                 {[]act{{"Product Added", `{` + linden + `}`}, {"Product Added", `{` + linden + `,"quantity":2}`}}, "linden 3"},
		"removed":                     {[]act{{"Product Added", `{` + linden + `,"quantity":2}`}, {"Product Removed", `{` + linden + `}`}}, "linden 1"},
		"removed altogether":          {[]act{{"Product Added", `{` + linden + `}`}, {"Product Removed", `{` + linden + `,"quantity":5}`}}, ""},
		"removed, never added":        {[]act{{"Product Removed", `{` + linden + `}`}}, ""},
		"the whole cart takes over":   {[]act{{"Product Added", `{` + linden + `}`}, {"Cart Viewed", `{"products":[{"product_id":"assam","quantity":2},{"product_id":"oolong"}]}`}}, "assam 2, oolong 1"},
		"what is no product":          {[]act{{"Product Added", `{"cart_id":"A"}`}, {"Product Added", `[]`}, {"Product Added", ``}}, ""},
		"a product of absurd size":    {[]act{{"Product Added", `{"product_id":"x","name":"` + strings.Repeat("n", 2000) + `"}`}}, ""},
		"variants are two":            {[]act{{"Product Added", `{` + linden + `,"variant":"60 g"}`}, {"Product Added", `{` + linden + `,"variant":"90 g"}`}}, "linden 1, linden 1"},
		"a quantity that is no count": {[]act{{"Product Added", `{` + linden + `,"quantity":"many"}`}}, "linden 1"},
	} {
		t.Run(name, func(t *testing.T) {
			var content json.RawMessage
			for _, a := range c.acts {
				content = journey.Fill(content, a.event, json.RawMessage(a.properties))
			}
			var got struct {
				Items []struct {
					ProductID string `json:"product_id"`
					Quantity  int
				}
			}
			if err := json.Unmarshal(content, &got); err != nil {
				t.Fatal(err)
			}
			var items []string
			for _, it := range got.Items {
				items = append(items, fmt.Sprint(it.ProductID, " ", it.Quantity))
			}
			if text := strings.Join(items, ", "); text != c.want {
				t.Errorf("cart: %q, want %q (%s)", text, c.want, content)
			}
		})
	}
}

func TestFillIsBounded(t *testing.T) {
	var content json.RawMessage
	for i := range 100 {
		content = journey.Fill(content, "Product Added", json.RawMessage(fmt.Sprintf(`{"product_id":"p%d"}`, i)))
	}
	if n := strings.Count(string(content), "product_id"); n != 20 {
		t.Errorf("%d products are kept", n)
	}
}
