package person

import (
	"slices"
	"time"
)

// Stage is where a person is in the life cycle of a customer.
type Stage string

// The stages. A purchase is the event that the strategy names as the goal; days
// are calendar days from that of the latest purchase.
const (
	Visitor       Stage = "visitor"        // bought nothing, and did not say who they are
	Lead          Stage = "lead"           // bought nothing, but said who they are
	FirstPurchase Stage = "first-purchase" // bought once, fewer than Cooling days ago
	Active        Stage = "active"         // bought again, fewer than Cooling days ago
	Cooling       Stage = "cooling"        // bought last Cooling days ago or more, but fewer than Lapsed
	Lapsed        Stage = "lapsed"         // bought last Lapsed days ago or more
	WonBack       Stage = "won-back"       // bought fewer than Cooling days ago, and Lapsed days or more after the purchase before
)

// Stages lists them in their order.
func Stages() []Stage {
	return []Stage{Visitor, Lead, FirstPurchase, Active, Cooling, Lapsed, WonBack}
}

// Identified names, among the events that make a lead, any identify call.
const Identified = "identify"

// Lifecycle declares what makes people move from stage to stage.
type Lifecycle struct {
	Goal    string   `json:"goal"` // the track event that is a purchase
	Lead    []string `json:"lead"` // the events that make a lead: names of track events, or Identified
	Cooling int      `json:"cooling"`
	Lapsed  int      `json:"lapsed"` // days, more than Cooling
}

// Life is what a node remembers for the life cycle: whether it ever became a
// lead, and its latest two purchases. The latest two of a set are the same
// whatever the order, and a person's are among those of its nodes.
type Life struct {
	Lead      bool
	Purchases []Purchase // latest first, at most two
}

// Purchase is one goal that was reached.
type Purchase struct {
	At time.Time
	By string // message id
}

// Buy remembers a purchase if it is among the latest two.
func (l *Life) Buy(one Purchase) {
	i := 0
	for i < len(l.Purchases) && order(one.At, one.By, nil, l.Purchases[i].At, l.Purchases[i].By, nil) < 0 {
		i++
	}
	l.Purchases = slices.Insert(l.Purchases, i, one)
	l.Purchases = l.Purchases[:min(len(l.Purchases), 2)]
}

// life joins what the nodes remember.
func (p *Person) life() *Life {
	whole := &Life{}
	for _, n := range p.Nodes {
		whole.Lead = whole.Lead || n.Life.Lead
		for _, one := range n.Life.Purchases {
			whole.Buy(one)
		}
	}
	return whole
}

// stage says where the person is on a day. Whoever is known by a proven user id
// said who they are.
func (l *Life) stage(c *Lifecycle, days *Calendar, today int, known bool) Stage {
	if len(l.Purchases) == 0 {
		if l.Lead || known {
			return Lead
		}
		return Visitor
	}
	latest := days.Day(l.Purchases[0].At)
	switch ago := today - latest; {
	case ago >= c.Lapsed:
		return Lapsed
	case ago >= c.Cooling:
		return Cooling
	case len(l.Purchases) == 1:
		return FirstPurchase
	case latest-days.Day(l.Purchases[1].At) >= c.Lapsed:
		return WonBack
	default:
		return Active
	}
}

// changes returns the day on which time alone changes the stage next.
func (l *Life) changes(c *Lifecycle, days *Calendar, today int) (day int, ok bool) {
	if len(l.Purchases) == 0 {
		return 0, false
	}
	latest := days.Day(l.Purchases[0].At)
	for _, limit := range []int{c.Cooling, c.Lapsed} {
		if latest+limit > today {
			return latest + limit, true
		}
	}
	return 0, false
}

// storedLife is what a node remembers, with times as Unix milliseconds.
type storedLife struct {
	Lead      bool             `json:"l,omitempty"`
	Purchases []storedPurchase `json:"p,omitempty"`
}

type storedPurchase struct {
	At int64  `json:"at"`
	By string `json:"by"`
}

func (l Life) store() *storedLife {
	if !l.Lead && len(l.Purchases) == 0 {
		return nil
	}
	s := &storedLife{Lead: l.Lead}
	for _, one := range l.Purchases {
		s.Purchases = append(s.Purchases, storedPurchase{At: millis(one.At), By: one.By})
	}
	return s
}

func (s *storedLife) load() Life {
	var l Life
	if s == nil {
		return l
	}
	l.Lead = s.Lead
	for _, one := range s.Purchases {
		l.Purchases = append(l.Purchases, Purchase{At: instant(one.At), By: one.By})
	}
	return l
}
