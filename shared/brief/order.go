package brief

import (
	"fmt"
	"time"

	"rapport/shared/event"
	"rapport/shared/person"
)

// Order is one that was placed and is not known to be delivered, cancelled,
// refunded or returned.
type Order struct {
	ID      string // as the shop names it; "" when the event did not say
	Amount  string // "49.00 EUR"; "" when the event did not say
	At      time.Time
	Days    int    // calendar days since then, in the strategy's zone
	Because string // message id
}

// openDays is for how many days an order counts as open: a company that never
// says when it delivers would have nothing but open orders.
const openDays = 60

// openRule is about orders; what only part of an order is refunded for settles it
// too, as the spec does not tell the two apart.
var openRule = rule{
	opens: []string{orderCompleted}, closes: []string{orderDelivered, orderCancelled, orderRefunded, "Order Returned"},
	keys: []string{"order_id"},
	says: func(string, properties) (string, bool) { return "", true },
}

// calendar counts days up to now.
type calendar struct {
	days *person.Calendar
	now  time.Time
}

func (c calendar) since(t time.Time) int { return max(c.days.Day(c.now)-c.days.Day(t), 0) }

// openOrder returns the latest open order. One without an id is settled by the
// next event about any order.
func openOrder(events []event.Event, days calendar) *Order {
	open := openRule.open(events)
	if len(open) == 0 {
		return nil
	}
	m := open[len(open)-1]
	o := &Order{ID: m.properties.text("order_id"), At: m.event.Timestamp, Days: days.since(m.event.Timestamp), Because: m.event.MessageID}
	if o.Days > openDays {
		return nil
	}
	if o.Amount = m.properties.first("total", "revenue", "value"); o.Amount != "" {
		if currency := m.properties.text("currency"); currency != "" {
			o.Amount += " " + currency
		}
	}
	return o
}

// reason says why an open order may make somebody call.
func (o *Order) reason() (Reason, bool) {
	if o == nil {
		return Reason{}, false
	}
	what := "An order"
	if o.ID != "" {
		what = "Order " + o.ID
	}
	if o.Amount != "" {
		what += " of " + o.Amount
	}
	return Reason{
		Kind: OrderOpen, Because: o.Because, Event: orderCompleted, At: o.At,
		Text: what + " was placed " + ago(o.Days) + " and is not known to have arrived.",
	}, true
}

// ago puts a number of calendar days into words.
func ago(days int) string {
	switch days {
	case 0:
		return "today"
	case 1:
		return "yesterday"
	default:
		return fmt.Sprintf("%d days ago", days)
	}
}
