package person_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"rapport/shared/person"
)

// shop is what a shop with much to ask computes of everybody.
var shop = &person.Declared{
	Computed: []person.ComputedTrait{
		{Name: "orders", Op: person.Count, Event: "Order Completed"},
		{Name: "revenue", Op: person.Sum, Event: "Order Completed", Of: []string{"revenue"}},
		{Name: "orders_90d", Op: person.Count, Event: "Order Completed", Window: 90},
		{Name: "revenue_365d", Op: person.Sum, Event: "Order Completed", Of: []string{"revenue"}, Window: 365},
		{Name: "last_order_at", Op: person.Last, Event: "Order Completed", Of: []string{"timestamp"}},
		{Name: "days_ago", Op: person.Recency, Event: "Order Completed"},
		{Name: "cities", Op: person.Unique, Event: "Order Completed", Of: []string{"city"}},
		{Name: "pages", Op: person.Count, Event: "page"},
		{Name: "pages_30d", Op: person.Count, Event: "page", Window: 30},
		{Name: "likes", Op: person.Affinity, Event: "page", Of: []string{"category"}, HalfLife: 30},
	},
	Lifecycle: &person.Lifecycle{Goal: "Order Completed", Cooling: 60, Lapsed: 180},
}

// tell folds one event of the shop.
func tell(n *person.Node, name, id string, at time.Time, properties map[string]string) {
	n.See(at)
	for _, c := range shop.Computed {
		if c.Event != name {
			continue
		}
		value := json.RawMessage(nil)
		if len(c.Of) > 0 {
			value = json.RawMessage(properties[c.Of[0]])
		}
		n.Fold(c.Name).Add(c, at, person.NewCalendar(nil).Day(at), id, value)
	}
	if name == "Order Completed" {
		n.Life.Buy(person.Purchase{At: at, By: id})
	}
}

// A write is billed by the KB: a visitor takes one, a customer with 50 orders in
// a year, on three devices, no more than four.
func TestPeopleStaySmall(t *testing.T) {
	id := func(i int) string {
		return fmt.Sprintf("ajs-next-%d-6ba7b810-9dad-11d1-80b4-00c04fd430c8", 1_700_000_000_000+i)
	}
	visitor := person.New(person.NodeID{Kind: person.AnonymousID, Value: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}, evening)
	visitor.Enter("new-visitor", evening)
	visitor.Nodes[0].Named = true
	view := func(n *person.Node, i int, at time.Time) {
		tell(n, "page", id(i), at, map[string]string{"category": fmt.Sprintf(`"category-%d"`, i%4)})
	}
	for i := range 20 {
		view(visitor.Nodes[0], i, evening.AddDate(0, 0, i/5))
	}
	customer := visitor.Clone()
	for i := range 2 {
		customer.Adopt(&person.Node{ID: person.NodeID{Kind: person.AnonymousID, Value: fmt.Sprintf("7ba7b810-9dad-11d1-80b4-00c04fd430c%d", i)}, Named: true})
	}
	user := &person.Node{ID: person.NodeID{Kind: person.UserID, Value: "customer-1234567"}, Named: true}
	customer.Adopt(user)
	for name, value := range map[string]string{"email": `"customer@example.com"`, "firstName": `"Olena"`, "lastName": `"Kovalenko"`, "country": `"UA"`, "plan": `"premium"`} {
		user.Declare(name, person.Trait{Value: json.RawMessage(value), At: evening, By: id(0)})
	}
	for i, n := range customer.Nodes[:3] {
		n.Own(person.Link{To: user.ID, Rule: "identify", At: evening, By: id(i)})
	}
	for i := range 50 {
		at := evening.AddDate(0, 0, 7*i)
		view(customer.Nodes[i%3], i, at)
		view(user, i+1, at)
		tell(user, "Order Completed", id(i), at, map[string]string{
			"revenue": fmt.Sprintf("%d.%02d", 20+i, i), "city": fmt.Sprintf(`"city-%d"`, i%3), "timestamp": `"2026-11-24T12:00:00.000Z"`,
		})
	}
	for name, c := range map[string]struct {
		p    *person.Person
		most int
	}{"visitor": {visitor, 1024}, "customer": {customer, 4096}} {
		body, err := c.p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("a %s takes %d bytes", name, len(body))
		if len(body) > c.most {
			t.Errorf("a %s takes %d bytes, at most %d are allowed\n%s", name, len(body), c.most, body)
		}
	}
}
