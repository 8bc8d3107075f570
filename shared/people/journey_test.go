package people_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// cartStrategy is the sample with one journey of its own, so that these tests
// do not change with the sample's wording.
func cartStrategy(t testing.TB) *strategy.Strategy {
	t.Helper()
	s := *sample(t)
	s.Journeys = []journey.Journey{{
		ID: "cart-recovery", Version: "v1", Start: "Product Added", Change: []string{"Product Removed"},
		Goal: []string{"Order Completed"}, Key: "cart_id", Steps: []journey.Step{{Wait: time.Hour, Send: "cart-reminder"}},
	}}
	s.Retired = nil
	return &s
}

// shopping is one act of a story: who, what, with which cart, how long after noon.
type shopping struct {
	after time.Duration
	event string
	node  string // a user id, or a device
	cart  string // "" sends no cart_id
}

func (s shopping) build(i int) event.Event {
	e := base(fmt.Sprint("s", i, "-", s.event, s.after), event.Track, noon.Add(s.after))
	e.Name = s.event
	if strings.HasPrefix(s.node, "device-") {
		e.AnonymousID = s.node
	} else {
		e.UserID, e.Trusted = s.node, true
	}
	e.Properties = []byte(fmt.Sprintf(`{"cart_id":%q,"product_id":"linden","name":"Linden Blossom","price":7.2,"quantity":1}`, s.cart))
	if s.cart == "" {
		e.Properties = []byte(`{"product_id":"linden"}`)
	}
	if s.event == "scanned" { // a link in the mail, followed by a program
		e.Name, e.Properties = "Product Added", []byte(fmt.Sprintf(`{"cart_id":%q,"machine":true}`, s.cart))
	}
	if s.event == "bought by a scanner" {
		e.Name, e.Properties = "Order Completed", []byte(fmt.Sprintf(`{"cart_id":%q,"machine":true}`, s.cart))
	}
	if s.event == "login" {
		return login(e.MessageID, "device-0123456789abc", s.node, e.Timestamp, `{"email":"customer@example.com"}`)
	}
	return e
}

// mails plays the story minute by minute for a day and returns when which cart
// brought a mail.
func mails(t *testing.T, strat *strategy.Strategy, story ...shopping) []string {
	t.Helper()
	c := &clock{noon}
	s := newStore(shelf{}, c.Now)
	var out []string
	take := func(effects []people.Effect) {
		for _, e := range effects {
			if e.Kind != people.MessageDue {
				continue
			}
			holder, err := s.Holder(context.Background(), e.Message.Node)
			if err != nil {
				t.Fatal(err)
			}
			if why := people.Void(holder, e.Message); why != "" {
				t.Errorf("a message fell due although void: %s", why)
			}
			out = append(out, fmt.Sprintf("%s at +%s", e.Message.Key, e.At.Sub(noon)))
		}
	}
	for ; c.now.Before(noon.Add(26 * time.Hour)); c.now = c.now.Add(time.Minute) {
		for i, act := range story {
			if noon.Add(act.after).Equal(c.now) {
				take(fold(t, s, strat, act.build(i)))
			}
		}
		take(c.until(t, c.now, s, strat))
		c.now = c.now.Add(-time.Minute) // until steps past the minute
	}
	return out
}

func TestCartMail(t *testing.T) {
	strat := cartStrategy(t)
	const dev = "device-0123456789abc"
	added, removed, ordered := "Product Added", "Product Removed", "Order Completed"
	for name, c := range map[string]struct {
		story []shopping
		want  string
	}{
		"left": {[]shopping{{0, added, "u1", "A"}}, "A at +1h0m0s"},
		"restarted by a change": {
			[]shopping{{0, added, "u1", "A"}, {50 * time.Minute, added, "u1", "A"}, {70 * time.Minute, removed, "u1", "A"}}, "A at +2h10m0s",
		},
		"ordered":                   {[]shopping{{0, added, "u1", "A"}, {30 * time.Minute, ordered, "u1", "A"}}, ""},
		"ordered twice":             {[]shopping{{0, added, "u1", "A"}, {30 * time.Minute, ordered, "u1", "A"}, {31 * time.Minute, ordered, "u1", "A"}}, ""},
		"ordered without a cart id": {[]shopping{{0, added, "u1", "A"}, {30 * time.Minute, ordered, "u1", ""}}, ""},
		"another cart was ordered":  {[]shopping{{0, added, "u1", "A"}, {time.Minute, added, "u1", "B"}, {30 * time.Minute, ordered, "u1", "A"}}, "B at +1h1m0s"},
		"a change starts nothing":   {[]shopping{{0, removed, "u1", "A"}}, ""},
		"left again after an order": {[]shopping{{0, ordered, "u1", "A"}, {time.Minute, added, "u1", "A"}}, "A at +1h1m0s"},
		"left again after its mail": {[]shopping{{0, added, "u1", "A"}, {3 * time.Hour, added, "u1", "A"}}, "A at +1h0m0s"},
		"left again after its mail and an order": {
			[]shopping{{0, added, "u1", "A"}, {2 * time.Hour, ordered, "u1", "A"}, {3 * time.Hour, added, "u1", "A"}}, "A at +1h0m0s, A at +4h0m0s",
		},
		"a change after an order starts nothing": {[]shopping{{0, added, "u1", "A"}, {30 * time.Minute, ordered, "u1", "A"}, {40 * time.Minute, removed, "u1", "A"}}, ""},
		"a machine starts nothing":               {[]shopping{{0, "scanned", "u1", "A"}}, ""},
		"a machine changes nothing":              {[]shopping{{0, added, "u1", "A"}, {50 * time.Minute, "scanned", "u1", "A"}}, "A at +1h0m0s"},
		"a machine reaches no goal":              {[]shopping{{0, added, "u1", "A"}, {30 * time.Minute, "bought by a scanner", "u1", "A"}}, "A at +1h0m0s"},
		"on a device, then signed in":            {[]shopping{{0, added, dev, "A"}, {10 * time.Minute, "login", "u1", ""}}, "A at +1h0m0s"},
		"ordered elsewhere before the merge": {
			[]shopping{{0, added, dev, "A"}, {20 * time.Minute, ordered, "u1", ""}, {40 * time.Minute, "login", "u1", ""}}, "",
		},
		"ordered elsewhere, then left anew": {
			[]shopping{{0, ordered, "u1", ""}, {5 * time.Minute, added, dev, "A"}, {40 * time.Minute, "login", "u1", ""}}, "A at +1h5m0s",
		},
		"one cart on two devices": {
			[]shopping{{0, added, dev, "A"}, {5 * time.Minute, "login", "u1", ""}, {20 * time.Minute, added, "u1", "A"}}, "A at +1h20m0s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(mails(t, strat, c.story...), ", "); got != c.want {
				t.Errorf("mails: %q, want %q", got, c.want)
			}
		})
	}
}

// A message that was on its way when the order came stays void when the same cart
// is filled again, and the mail about the new cart shows nothing that was bought.
func TestOrderVoidsWhatIsOnItsWay(t *testing.T) {
	strat := cartStrategy(t)
	c := &clock{noon}
	s := newStore(newTable(t, c.Now), c.Now)
	sweep(t, s)
	play := func(after time.Duration, event string) {
		c.now = noon.Add(after)
		fold(t, s, strat, shopping{after, event, "u1", "A"}.build(0))
	}
	play(0, "Product Added")
	first := c.until(t, noon.Add(61*time.Minute), s, strat)[0].Message
	void := func(m *message.Message) string { return people.Void(find(t, s, userNode("u1")), m) }
	play(62*time.Minute, "Product Added")
	if why := void(first); why != "" {
		t.Errorf("after a mere change: %q", why)
	}
	play(63*time.Minute, "Order Completed")
	if why := void(first); why != "goal" {
		t.Errorf("after the order: %q", why)
	}
	play(64*time.Minute, "Product Added")
	if why := void(first); why != "changed" {
		t.Errorf("after the cart was filled again: %q", why)
	}
	second := c.until(t, noon.Add(130*time.Minute), s, strat)[0].Message
	if why := void(second); why != "" || void(first) != "changed" || strings.Count(string(second.Content), "linden") != 1 || !strings.Contains(string(second.Content), `"quantity":1`) {
		t.Errorf("the second message: %q, %s; the first: %q", why, second.Content, void(first))
	}
}

func TestLateAndImportedTriggersStartNothing(t *testing.T) {
	strat := cartStrategy(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	late := shopping{-25 * time.Hour, "Product Added", "u1", "A"}.build(0)
	imported := shopping{-time.Hour, "Product Added", "u1", "B"}.build(1)
	imported.Imported = true
	fold(t, s, strat, late)
	fold(t, s, strat, imported)
	if p := find(t, s, userNode("u1")); len(p.Node(userNode("u1")).Instances) != 0 {
		t.Errorf("instances: %v", p.Node(userNode("u1")).Instances)
	}
}

// A journey that is edited goes on as it began for those who are under way.
func TestEditedJourneyStrandsNobody(t *testing.T) {
	strat := cartStrategy(t)
	c := &clock{noon}
	s := newStore(newTable(t, c.Now), c.Now)
	sweep(t, s)
	fold(t, s, strat, shopping{0, "Product Added", "u1", "A"}.build(0))
	edited := *strat
	edited.Retired = strat.Journeys
	edited.Journeys = []journey.Journey{strat.Journeys[0]}
	edited.Journeys[0].Version, edited.Journeys[0].Steps = "v2", []journey.Step{{Wait: 5 * time.Hour, Send: "other"}}
	effects := c.until(t, noon.Add(61*time.Minute), s, &edited)
	if len(effects) != 1 || effects[0].Message.Template != "cart-reminder" || effects[0].Message.Version != "v1" {
		t.Errorf("effects: %+v", effects)
	}
}

func TestNoWinsTies(t *testing.T) {
	strat := cartStrategy(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	ctx := context.Background()
	fold(t, s, strat, order("m1", "u1", noon, "1"))
	for _, c := range []person.Consent{{Given: false, At: noon}, {Given: true, At: noon}, {Given: true, At: noon.Add(-time.Hour)}} {
		if err := s.Agree(ctx, strat, userNode("u1"), "marketing", c); err != nil {
			t.Fatal(err)
		}
	}
	if c := find(t, s, userNode("u1")).Consents()["marketing"]; c.Given || !c.At.Equal(noon) {
		t.Errorf("consent = %+v", c)
	}
}

// An order is remembered for as long as the cart that it ended, wherever that was
// filled: whoever bought is not reminded weeks later.
func TestOrdersOutliveTheirCarts(t *testing.T) {
	const dev = "device-0123456789abc"
	strat := cartStrategy(t)
	for _, where := range []string{"u1", dev} {
		c := &clock{noon}
		s := newStore(shelf{}, c.Now)
		play := func(i int, act shopping) {
			act.after = c.now.Sub(noon)
			effects := fold(t, s, strat, act.build(i))
			for _, e := range append(effects, c.until(t, c.now.Add(time.Minute), s, strat)...) {
				if e.Kind == people.MessageDue {
					t.Fatalf("filled by %s and ordered, and %s later a mail about %s", where, c.now.Sub(noon), e.Message.Key)
				}
			}
		}
		play(0, shopping{event: "login", node: "u1"})
		play(1, shopping{event: "Product Added", node: where, cart: "A"})
		play(2, shopping{event: "Order Completed", node: "u1", cart: "A"})
		for day := range 80 {
			c.now = noon.AddDate(0, 0, day+1)
			play(3+2*day, shopping{event: "Product Removed", node: "u1", cart: "Z"})
			play(4+2*day, shopping{event: "Product Removed", node: dev, cart: "Z"})
		}
	}
}
