// Package brief is the agent card: what somebody should know of a person before
// they pick up the phone, with the likely reasons why the person calls. It is
// made by fixed rules of what the person did and what was sent to them, so the
// same history always makes the same card, and each reason names its evidence.
package brief

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/event"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Card is what is to be known of a person at a glance.
type Card struct {
	Name      string       // as the person or a server declared it; "" when nobody did
	Address   string       // of e-mail, declared; "" when nobody did
	Lifecycle person.Stage // "" when the strategy declares no life cycle
	Since     time.Time    // of the first event
	Seen      time.Time    // of the latest event
	Value     Value
	Reasons   []Reason // the likeliest first, at most MaxReasons
	LastMail  *Mail    // nil: none went out
	LastOffer *Offer   // nil: none was seen
	OpenOrder *Order   // the latest that is not settled; nil: none
}

// Value is what the person was worth so far: the computed traits of the strategy
// that count all orders and add up their revenue. Nil: the strategy has none.
type Value struct {
	Orders  json.RawMessage // a number
	Revenue json.RawMessage // a number, in the currency of the shop
}

// Reason is why the person may be calling.
type Reason struct {
	Kind    Kind
	Because string // message id of the event, or of our mail; "" of an offer
	Event   string // the name of the event; "" of our mail and of an offer
	At      time.Time
	Text    string // a sentence
}

// History is what a card is made of.
type History struct {
	Person *person.Person
	Events []event.Event     // that counted, in any order
	Mails  []*message.Ledger // to the person, in any order
}

// Of makes the card of a person at this moment.
func Of(s *strategy.Strategy, h History, now time.Time) *Card {
	v := h.Person.View(s.Declared, now)
	c := &Card{
		Name: Name(v), Address: text(v.Traits["email"].Value), Lifecycle: v.Stage, Since: v.FirstSeen, Seen: v.LastSeen,
		Value: value(s, v), LastOffer: lastOffer(s, h.Person),
	}
	events := slices.Clone(h.Events)
	slices.SortFunc(events, func(a, b event.Event) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.MessageID, b.MessageID))
	})
	c.LastMail = lastMail(h.Mails, events)
	c.OpenOrder = openOrder(events, calendar{s.Declared.Days, now})
	reasons := steps(events)
	for _, more := range []interface{ reason() (Reason, bool) }{c.OpenOrder, c.LastMail, c.LastOffer} {
		if r, ok := more.reason(); ok {
			reasons = append(reasons, r)
		}
	}
	c.Reasons = rank(reasons, now)
	return c
}

// Name returns what the person is called by the traits of the Segment spec:
// name, else firstName and lastName; "" when there is neither.
func Name(v *person.View) string {
	if name := text(v.Traits["name"].Value); name != "" {
		return name
	}
	name := ""
	for _, spelled := range [][]string{{"firstName", "first_name"}, {"lastName", "last_name"}} {
		for _, trait := range spelled {
			if part := text(v.Traits[trait].Value); part != "" {
				if name != "" {
					name += " "
				}
				name += part
				break
			}
		}
	}
	return name
}

// value finds the computed traits that mean orders and revenue by what they fold,
// since a strategy may name them as it likes.
func value(s *strategy.Strategy, v *person.View) Value {
	goal := orderCompleted
	if s.Lifecycle != nil {
		goal = s.Lifecycle.Goal
	}
	var out Value
	for _, c := range s.Computed {
		if c.Event != goal || c.Window > 0 {
			continue
		}
		switch {
		case c.Op == person.Count && out.Orders == nil:
			out.Orders = v.Computed[c.Name]
		case c.Op == person.Sum && out.Revenue == nil && (slices.Contains(c.Of, "revenue") || slices.Contains(c.Of, "total")):
			out.Revenue = v.Computed[c.Name]
		}
	}
	return out
}
