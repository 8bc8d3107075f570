package people_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// machine lets one and the same happen to the product and to the reference, and
// holds the one against the other after each operation.
type machine struct {
	strat *strategy.Strategy
	shelf shelf
	clock *clock
	store *people.Store
	ref   reference

	sent []event.Event
	ids  int // how many message ids there are

	effects   map[string]people.Effect // by id
	announced map[person.NodeID]map[string]bool
	mails     map[string]people.Effect // by node, journey, key and step
	reached   map[person.NodeID]bool   // had part in a person when that got a mail

	decoded map[string]*person.Person // by root and body
	drawn   map[*person.Person]drawing
}

// drawing is the portrait of a person at a moment.
type drawing struct {
	at       time.Time
	portrait portrait
}

func newMachine(strat *strategy.Strategy) *machine {
	m := &machine{
		strat: strat, shelf: shelf{}, clock: &clock{noon}, ref: reference{},
		effects: map[string]people.Effect{}, announced: map[person.NodeID]map[string]bool{}, mails: map[string]people.Effect{},
		reached: map[person.NodeID]bool{}, decoded: map[string]*person.Person{}, drawn: map[*person.Person]drawing{},
	}
	m.store = newStore(m.shelf, m.clock.Now)
	return m
}

// deliver folds events as a batch brings them, and tells the reference.
func (m *machine) deliver(t *rapid.T, events ...event.Event) {
	for _, e := range events {
		if !slices.ContainsFunc(m.sent, func(sent event.Event) bool { return sent.MessageID == e.MessageID }) {
			m.sent = append(m.sent, e)
		}
	}
	for _, group := range people.Together(events) {
		picked := make([]event.Event, len(group))
		for i, n := range group {
			picked[i] = events[n]
		}
		effects, err := m.store.Fold(context.Background(), m.strat, picked)
		if err != nil {
			t.Fatal(err)
		}
		m.hear(t, picked, effects)
	}
}

// hear goes through a batch event by event. What was announced because of each
// is heard; history announces nothing, and is known all the same.
func (m *machine) hear(t *rapid.T, batch []event.Event, effects []people.Effect) {
	for i, e := range batch {
		e.ReceivedAt = m.clock.now
		m.ref.acts = append(m.ref.acts, act{what: "event", event: e})
		last := i+1 == len(batch) || batch[i+1].Imported != e.Imported
		because := effects[:0:0]
		for _, effect := range effects {
			if effect.Cause == e.MessageID {
				because = append(because, effect)
			}
		}
		m.take(t, because)
		m.spread(belongsTo(&e))
		m.spread(e.Anchor())
		if e.Imported && len(because) > 0 {
			t.Fatalf("history announced %v", because)
		}
		if e.Imported && last {
			m.know()
		}
	}
	causes := map[string]bool{}
	for _, e := range batch {
		causes[e.MessageID] = true
	}
	for _, effect := range effects {
		if !causes[effect.Cause] {
			t.Fatalf("%v is announced because of %s, which is not in the batch", effect, effect.Cause)
		}
	}
}

// know takes over what is known without being announced.
func (m *machine) know() {
	w := m.ref.world()
	for id := range w.known {
		m.announced[id] = setOf(strings.Fields(strings.Trim(w.portrait(w.group(id), m.strat.Location(), m.clock.now).audiences, "[]")))
	}
}

// spread lets those that were joined have their memberships in common, as they go
// on to when they part.
func (m *machine) spread(id person.NodeID) {
	together := map[string]bool{}
	group := m.ref.world().group(id)
	for _, node := range group {
		for audience, in := range m.announced[node] {
			together[audience] = together[audience] || in
		}
	}
	for _, node := range group {
		for audience, in := range together {
			m.tell(node, audience, in)
		}
	}
}

func (m *machine) tell(id person.NodeID, audience string, in bool) {
	if m.announced[id] == nil {
		m.announced[id] = map[string]bool{}
	}
	m.announced[id][audience] = in
}

// take hears of effects as who listens on the bus does: each id counts once, and
// means the person that the identity belongs to.
func (m *machine) take(t *rapid.T, effects []people.Effect) {
	var w *world
	for _, e := range effects {
		if before, again := m.effects[e.ID]; again {
			if e.Kind == people.Counted { // a goal is counted once a walk, whichever event says so first
				before.Node, before.Cause, before.At = e.Node, e.Cause, e.At
			}
			if !reflect.DeepEqual(before, e) {
				t.Fatalf("the id %s names two effects:\n%+v\n%+v", e.ID, before, e)
			}
			continue
		}
		m.effects[e.ID] = e
		if w == nil {
			w = m.ref.world()
		}
		id, err := person.ParseNode(e.Node)
		if err != nil || !w.known[id] {
			t.Fatalf("an effect concerns %q, whom nobody knows: %+v", e.Node, e)
		}
		switch e.Kind {
		case people.AudienceEntered, people.AudienceLeft:
			for _, node := range w.group(id) {
				m.tell(node, e.Audience, e.Kind == people.AudienceEntered)
			}
		case people.MessageDue:
			m.mail(t, w.group(id), e)
		}
	}
}

// mail holds that a step of a journey makes one mail for a person, whichever
// identities it came in by, until an order ends it and the cart is filled anew.
func (m *machine) mail(t *rapid.T, group []person.NodeID, e people.Effect) {
	const remembered = 30 * 24 * time.Hour
	w := m.ref.world()
	for _, node := range group {
		name := fmt.Sprint(node.Hash(), e.Message.Journey, e.Message.Key, e.Message.Step)
		before, again := m.mails[name]
		if again && e.At.Sub(before.At) < remembered && !w.ordered(group, before.Message.Changed, e.Message.Changed) {
			t.Fatalf("one step, two mails:\n%+v\n%+v", before.Message, e.Message)
		}
		m.reached[node] = true
	}
	m.mails[fmt.Sprint(e.Message.Node, e.Message.Journey, e.Message.Key, e.Message.Step)] = e
}

// tick fires the timers that are due, some of them twice.
func (m *machine) tick(t *rapid.T) {
	err := m.store.Sweep(context.Background(), func(due []people.Timer) error {
		for _, timer := range due {
			for range 1 + len(timer.Node)%2 + int(timer.Due.Unix()%2) {
				effects, err := m.store.Wake(context.Background(), m.strat, timer)
				if err != nil {
					return err
				}
				m.take(t, effects)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wait lets time pass.
func (m *machine) wait(t *rapid.T, d time.Duration) {
	m.clock.now = m.clock.now.Add(d)
	for passed := time.Duration(0); passed <= d; passed += 24 * time.Hour {
		m.tick(t)
	}
}

// recast splits or lifts, as the function does.
func (m *machine) recast(t *rapid.T, what string, id person.NodeID) {
	m.wait(t, time.Minute) // what is done to one identity twice is done at two moments
	known := m.ref.world().known[id]
	m.ref.acts = append(m.ref.acts, act{what: what, node: id})
	step := m.store.Split
	if what == "lift" {
		step = m.store.Lift
	}
	for more := true; more; {
		effects, again, err := step(context.Background(), m.strat, id)
		if (err == nil) != known || err != nil && fault.KindOf(err) != fault.NotFound {
			t.Fatalf("%s of %s, known %v: %v", what, id, known, err)
		}
		more = again
		m.take(t, effects)
	}
	m.spread(id)
}

func (m *machine) erase(t *rapid.T, id person.NodeID) {
	w := m.ref.world()
	r, err := m.store.Erase(context.Background(), id, nil)
	if known := w.known[id] || w.erased[id]; (err == nil) != known {
		t.Fatalf("erasing %s, known %v: %v", id, known, err)
	}
	if want := len(w.group(id)); w.known[id] && r.Nodes != want {
		t.Fatalf("erasing %s: %d identities, want %d", id, r.Nodes, want)
	}
	m.ref.acts = append(m.ref.acts, act{what: "erase", node: id})
	for _, node := range w.doomed(id) {
		delete(m.announced, node)
		delete(m.reached, node)
		hash := node.Hash()
		maps.DeleteFunc(m.mails, func(name string, _ people.Effect) bool { return strings.HasPrefix(name, hash) })
		maps.DeleteFunc(m.effects, func(name string, _ people.Effect) bool { return strings.HasPrefix(name, hash) })
	}
}

func (m *machine) reopen(t *rapid.T, id person.NodeID) {
	m.wait(t, time.Minute) // who begins anew does so at another moment
	erased := m.ref.world().erased[id]
	if err := m.store.Reopen(context.Background(), id, nil); (err == nil) != erased {
		t.Fatalf("reopening %s, erased %v: %v", id, erased, err)
	}
	m.ref.acts = append(m.ref.acts, act{what: "reopen", node: id})
}

// consent is a word to a purpose. Of a user id that nobody named before it would
// make a known person, which is announced with the next event only.
func (m *machine) consent(t *rapid.T, id person.NodeID, c person.Consent) {
	w := m.ref.world()
	erased := w.erased[id]
	if id.Kind == person.UserID && !w.named[id] && !erased {
		t.Skip("a user id that was never named")
	}
	if err := m.store.Agree(context.Background(), m.strat, id, "marketing", c); (err != nil) != erased {
		t.Fatalf("%s agrees, erased %v: %v", id, erased, err)
	}
	m.ref.acts = append(m.ref.acts, act{what: "consent", node: id, word: c})
}

// check holds what the product keeps against the reference.
func (m *machine) check(t *rapid.T) {
	m.tick(t)
	w, found := m.ref.world(), m.scan(t)
	seen := map[string]bool{}
	for id := range w.known {
		p, root := found.person(id.Hash())
		if p == nil {
			t.Fatalf("%s is lost", id)
		}
		if seen[root] {
			continue
		}
		seen[root] = true
		group := w.group(id)
		if got := identities(p); !slices.Equal(got, group) {
			t.Fatalf("%s is with %v, want %v", id, got, group)
		}
		got, want := m.draw(p), w.portrait(group, m.strat.Location(), m.clock.now)
		if got != want {
			t.Fatalf("at %s %v are\n%+v\nwant\n%+v", m.clock.now, group, got, want)
		}
		m.told(t, w, group, want)
	}
	found.sound(t, w, seen)
}

// told holds what listeners were told of a person against what is so.
func (m *machine) told(t *rapid.T, w *world, group []person.NodeID, want portrait) {
	member := map[string]bool{}
	var events []event.Event
	mailed := false
	for _, id := range group {
		for audience, in := range m.announced[id] {
			if in {
				member[audience] = true
			}
		}
		events = append(events, w.events[id]...)
		mailed = mailed || m.reached[id]
	}
	if got := fmt.Sprint(slices.Sorted(maps.Keys(member))); got != want.audiences {
		t.Fatalf("at %s %v were announced as %s, and are %s", m.clock.now, group, got, want.audiences)
	}
	if wanted(events, m.clock.now) && !mailed {
		t.Fatalf("at %s %v left a cart an hour ago, and got no mail", m.clock.now, group)
	}
}

func identities(p *person.Person) []person.NodeID {
	var out []person.NodeID
	for _, n := range p.Nodes {
		out = append(out, n.ID)
	}
	return out
}
