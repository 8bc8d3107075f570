package explorer_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/insight"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/table"
)

// scene is where scenarios begin: what is in the table and in the queues, and who
// is at work.
type scene struct {
	plan
	name  string
	items []raw
	queue []*parcel
	at    time.Time
	acts  []act
	twins bool // both do the same: an order and its mirror image are one
	core  bool // one thing meets itself: all of it is explored with -many

	// What was so before, and what must come of it.
	counts   map[string]insight.Tally
	heard    map[string]bool
	events   []event.Event // all that happen
	refusals map[table.Key]refusal
	erased   bool
}

var customer = person.NodeID{Kind: person.UserID, Value: "u1"}

const address = "customer@example.com"

func track(id, name, device, user string, at time.Time, properties string) event.Event {
	return event.Event{
		MessageID: id, Type: event.Track, Name: name, AnonymousID: device, UserID: user,
		Timestamp: at, ReceivedAt: at, Digest: "d-" + id, Properties: json.RawMessage(properties),
	}
}

func added(id, cart string, at time.Time) event.Event {
	return addedOn("device-1", "u1", id, cart, at)
}

func addedOn(device, user, id, cart string, at time.Time) event.Event {
	return track(id, "Product Added", device, user, at,
		fmt.Sprintf(`{"cart_id":%q,"product_id":%q,"name":"Green tea","price":4.5}`, cart, "p-"+id))
}

func ordered(id, cart string, at time.Time) event.Event {
	return track(id, "Order Completed", "device-1", "u1", at, fmt.Sprintf(`{"cart_id":%q,"order_id":"o1"}`, cart))
}

func login(id, device string, at time.Time) event.Event {
	e := track(id, "", device, "u1", at, "")
	e.Type, e.Traits = event.Identify, json.RawMessage(`{"email":"`+address+`"}`)
	return e
}

// story makes a scene: it plays what came before, without mishaps.
type story struct {
	*world
	t testing.TB
}

func newStory(t testing.TB, s *stage, by plan) *story {
	t.Helper()
	empty := &scene{
		plan: by, at: noon.Add(-24 * time.Hour),
		refusals: map[table.Key]refusal{}, counts: map[string]insight.Tally{}, heard: map[string]bool{},
	}
	b := &story{s.begin(empty), t}
	b.do(tick)
	b.fold(track("m1", "Viewed", "device-0", "", b.now, "")) // an older device: a merge moves the person there
	return b
}

func (b *story) do(a act) {
	if p := b.start("before", a).toEnd(); !p.acked {
		b.t.Fatal("what came before failed")
	}
}

func (b *story) fold(events ...event.Event) *story {
	b.do(b.happen(events...))
	return b
}

// happen puts events on their queue; the act delivers them.
func (b *story) happen(events ...event.Event) act {
	b.t.Helper()
	bodies, err := event.Pack(events)
	if err != nil || len(bodies) != 1 {
		b.t.Fatal(len(bodies), err)
	}
	b.scene.events = append(b.scene.events, events...)
	for _, e := range events {
		if e.Name == "Order Completed" {
			b.scene.refusals[table.EventKey(e.Node().Hash(), e.MessageID)] = refusal{cart: cartOf(e), until: e.Timestamp}
		}
	}
	_ = b.put(ingest, bodies)
	return delivery(b.queue[len(b.queue)-1])
}

func cartOf(e event.Event) string {
	var p struct {
		Cart string `json:"cart_id"`
	}
	_ = json.Unmarshal(e.Properties, &p)
	return p.Cart
}

// left: the customer put something into cart c1 at noon, and it is one o'clock.
func (b *story) left() *story {
	b.known().fold(added("m3", "c1", noon))
	b.now = noon.Add(time.Hour)
	return b
}

// known: the customer has signed in at noon, and it is noon.
func (b *story) known() *story {
	b.now = noon
	b.do(tick)
	return b.fold(login("m2", "device-1", noon))
}

// due: and the clock found the timer.
func (b *story) due() *story {
	b.left().do(tick)
	return b
}

// asked: and the journey asked for the mail.
func (b *story) asked() *story {
	b.due().do(b.next(timers))
	return b
}

// next delivers what waits in the queue.
func (b *story) next(name queueName) act {
	b.t.Helper()
	for _, p := range b.queue {
		if p.queue == name && !p.acked {
			return delivery(p)
		}
	}
	b.t.Fatalf("nothing waits in %s", name)
	return act{}
}

// sets ends the story with a scene; the acts are what is explored.
func (b *story) sets(name string, acts ...act) *scene {
	if b.stage.world != b.world {
		b.t.Fatalf("%s: another story is on the stage", name)
	}
	sc := *b.scene
	sc.name, sc.at, sc.acts, sc.items = name, b.now, acts, b.items()
	sc.counts, sc.heard = maps.Clone(b.counts), maps.Clone(b.heard)
	for _, p := range b.queue {
		if !p.acked {
			sc.queue = append(sc.queue, p)
		}
	}
	a, z := acts[0], acts[len(acts)-1]
	sc.twins = len(acts) == 2 && a.name == z.name && a.parcel == z.parcel
	for _, a := range acts {
		sc.erased = sc.erased || a.name == erasure.name
	}
	return &sc
}

// always marks a scene that is small, and the heart of a protocol. With receipts,
// which may be sent again, it is not small.
func (s *scene) always() *scene {
	s.core = s.guarantee == message.AtMostOnce
	return s
}

// scenes are all of them.
func scenes(t testing.TB, s *stage) []*scene {
	var out []*scene
	for _, set := range []func() []*scene{
		func() []*scene { return foldings(t, s) },
		func() []*scene { return pendings(t, s) },
		func() []*scene { return firings(t, s) },
		func() []*scene { return sendings(t, s, message.AtMostOnce) },
		func() []*scene { return sendings(t, s, message.AtLeastOnce) },
		func() []*scene { return pauses(t, s, message.AtMostOnce) },
		func() []*scene { return pauses(t, s, message.AtLeastOnce) },
	} {
		out = append(out, set()...)
	}
	return out
}

// foldings: two deliveries to unify.
func foldings(t testing.TB, s *stage) []*scene {
	begin := func() *story { return newStory(t, s, plan{guarantee: message.AtMostOnce}) }
	twice := func(name string, b *story, events ...event.Event) *scene {
		a := b.happen(events...)
		return b.sets(name, a, a)
	}
	pair := func(name string, b *story, one, other event.Event) *scene {
		return b.sets(name, b.happen(one), b.happen(other))
	}
	one := noon.Add(time.Hour)
	at := func(b *story, now time.Time) *story { b.now = now; return b }
	return []*scene{
		twice("a-cart/again", at(begin(), noon), login("m2", "device-1", noon), added("m3", "c1", noon)).always(),
		twice("a-late-cart/again", at(begin(), one), login("m2", "device-1", noon), added("m3", "c1", noon)), // due as it comes
		twice("a-merge/again", begin().left(), login("m9", "device-0", one)),
		twice("an-order/again", begin().left(), ordered("m9", "c1", one)),
		pair("a-cart/another", begin().known(), added("m3", "c1", noon), added("m4", "c2", noon)),
		pair("a-product/another", begin().known(), added("m3", "c1", noon), added("m4", "c1", noon.Add(time.Second))),
		pair("a-cart/a-login", at(begin(), noon), addedOn("device-2", "", "m3", "c2", noon), login("m2", "device-2", noon)),
		pair("a-merge/another", begin().left(), login("m8", "device-0", one), login("m9", "device-2", one)),
		pair("a-merge/an-order", begin().left(), login("m8", "device-0", one), ordered("m9", "c1", one)),
		pair("a-product/an-order", begin().left(), added("m8", "c1", one), ordered("m9", "c1", one.Add(-time.Minute))),
	}
}

// firings: advance, with itself and with unify.
func firings(t testing.TB, s *stage) []*scene {
	begin := func() *story { return newStory(t, s, plan{guarantee: message.AtMostOnce}) }
	one := noon.Add(time.Hour)
	fires := func(name string, events ...event.Event) *scene {
		b := begin().due()
		return b.sets("a-timer/"+name, b.next(timers), b.happen(events...))
	}
	ticks := func(name string, events ...event.Event) *scene {
		b := begin().left()
		return b.sets("a-tick/"+name, tick, b.happen(events...))
	}
	return []*scene{
		fired(begin().due()), sweptAgain(begin().due()), firedAgain(begin().asked()), ticksEarly(begin().known()),
		begin().left().sets("a-tick/again", tick, tick),
		fires("an-order", ordered("m9", "c1", one)),
		fires("a-product", added("m9", "c1", one)),
		fires("an-earlier-product", added("m9", "c1", noon.Add(30*time.Minute))),
		fires("another-cart", added("m9", "c2", noon.Add(time.Minute))),
		fires("a-merge", login("m9", "device-0", one)),
		fires("an-order-and-a-cart", ordered("m8", "c1", one), added("m9", "c1", one.Add(time.Second))),
		ticks("another-cart", added("m9", "c2", noon.Add(time.Second))),
		ticks("an-order", ordered("m9", "c1", one)),
		ticks("a-merge", login("m9", "device-0", one)),
	}
}

func fired(b *story) *scene { return b.sets("a-timer/again", b.next(timers), b.next(timers)) }

func sweptAgain(b *story) *scene { return b.sets("a-timer/a-tick", b.next(timers), tick) }

// firedAgain: the timer is delivered once more while its message is sent.
func firedAgain(b *story) *scene {
	timer := b.queue[slices.IndexFunc(b.queue, func(p *parcel) bool { return p.queue == timers })]
	again := &parcel{queue: timers, body: timer.body}
	b.queue = append(b.queue, again)
	return b.sets("a-message/its-timer-again", b.next(messages), delivery(again))
}

// ticksEarly: the clock ticks while an event that comes an hour late arms a timer
// for the next minute.
func ticksEarly(b *story) *scene {
	b.now = noon.Add(time.Hour)
	return b.sets("a-tick/a-cart", tick, b.happen(added("m9", "c1", noon.Add(time.Minute)))).always()
}

// sendings: send, with itself and with all that may keep a mail from going out.
func sendings(t testing.TB, s *stage, g message.Guarantee) []*scene {
	one := noon.Add(time.Hour)
	with := func(name string, other func(*story) act) *scene {
		b := newStory(t, s, plan{guarantee: g}).asked()
		return b.sets("a-message/"+name, b.next(messages), other(b))
	}
	happens := func(name string, events ...event.Event) *scene {
		return with(name, func(b *story) act { return b.happen(events...) })
	}
	does := func(a act) *scene { return with(a.name, func(*story) act { return a }) }
	return []*scene{
		with("again", func(b *story) act { return b.next(messages) }).always(),
		does(optOut), does(suppression), does(erasure),
		happens("an-order", ordered("m9", "c1", one)),
		happens("an-order-without-a-cart", ordered("m9", "", one)),
		happens("an-order-and-a-cart", ordered("m8", "c1", one), added("m9", "c1", one.Add(time.Second))),
		happens("a-product", added("m9", "c1", one)),
		happens("a-visit", track("m9", "Viewed", "device-1", "u1", one, "")),
		happens("a-merge", login("m9", "device-0", one)),
	}
}
