package explorer_test

import (
	"fmt"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/message"
	"rapport/shared/quiet"
)

// What holds mails back, by name. The mail of a cart that was left at noon falls
// due at one o'clock: a quiet hour begins.
const (
	aQuietHour = "a-quiet-hour"
	aBudget    = "a-budget"
)

var contacts = map[string]message.Contact{
	"":         {},
	aQuietHour: {Quiet: &quiet.Hours{From: 13 * 60, To: 14 * 60}, Zones: []string{"Europe/London"}},
	aBudget:    {Budget: &quiet.Budget{Most: 1, Days: 1}},
}

// pauses: messages that must wait, with themselves, with what brings them back,
// and with all that may make them needless.
func pauses(t testing.TB, s *stage, g message.Guarantee) []*scene {
	one, two := noon.Add(time.Hour), noon.Add(2*time.Hour)
	happens := func(events ...event.Event) func(*story) act {
		return func(b *story) act { return b.happen(events...) }
	}
	again := func(b *story) act { return b.next(messages) }
	earlier := func(b *story) act { return delivery(b.again(messages)) }
	set := func(name string, from func(*story) *story, at func(*story) act, other func(*story) act) *scene {
		b := from(newStory(t, s, plan{g, aQuietHour}))
		return b.sets(name, at(b), other(b))
	}
	waits := func(name string, other func(*story) act) *scene {
		return set("a-quiet-message/"+name, (*story).asked, again, other)
	}
	free := func(name string, other func(*story) act) *scene {
		return set("a-release/"+name, (*story).free, func(b *story) act { return b.next(timers) }, other)
	}
	released := func(name string, other func(*story) act) *scene {
		return set("a-released-message/"+name, (*story).released, again, other)
	}
	out := []*scene{
		waits("again", again).always(), free("again", func(b *story) act { return b.next(timers) }), released("again", again),
		overBudget(newStory(t, s, plan{g, aBudget})),
	}
	if g == message.AtLeastOnce {
		return out // what is certain is certain for both
	}
	return append(out,
		waits("an-order", happens(ordered("m9", "c1", one))),
		waits("another-cart", happens(added("m9", "c2", noon.Add(time.Minute)))),
		waits("a-merge", happens(login("m9", "device-0", one))),
		waits("an-opt-out", func(*story) act { return optOut }),
		free("its-message-again", earlier),
		free("an-order", happens(ordered("m9", "c1", two))),
		free("a-merge", happens(login("m9", "device-0", two))),
		released("its-message-again", earlier),
		released("an-order", happens(ordered("m9", "c1", two))),
	)
}

// free: the message was put off, the quiet hour is over, and the clock found the
// timer.
func (b *story) free() *story {
	b.asked().do(b.next(messages))
	b.now = noon.Add(2 * time.Hour)
	b.do(tick)
	return b
}

// released: and the message was asked for again.
func (b *story) released() *story {
	b.free().do(b.next(timers))
	return b
}

// overBudget: two messages fall due at once, and there is room for one.
func overBudget(b *story) *scene {
	b.known().fold(added("m3", "c1", noon), added("m4", "c2", noon))
	b.now = noon.Add(time.Hour)
	b.do(tick)
	b.do(b.next(timers))
	var due []act
	for _, p := range b.queue {
		if p.queue == messages {
			due = append(due, delivery(p))
		}
	}
	if len(due) != 2 {
		b.t.Fatalf("%d messages are due", len(due))
	}
	return b.sets("a-message/another-over-budget", due...)
}

// again puts the body of the first parcel of a queue into it once more, as a queue
// does that delivers twice.
func (b *story) again(name queueName) *parcel {
	for _, p := range b.queue {
		if p.queue == name {
			again := &parcel{queue: name, body: p.body}
			b.queue = append(b.queue, again)
			return again
		}
	}
	b.t.Fatalf("nothing was in %s", name)
	return nil
}

// limitsHold: no mail was begun in the quiet hour, and none beyond the budget.
func (w *world) limitsHold() string {
	for i, m := range w.mails {
		if w.scene.limit == aQuietHour && m.at.Hour() == 13 {
			return fmt.Sprintf("a mail was begun at %s, in the quiet hour", m.at.Format(time.TimeOnly))
		}
		for _, o := range w.mails[:i] {
			if w.scene.limit == aBudget && o.message.ID != m.message.ID && m.at.Sub(o.at).Abs() < 24*time.Hour {
				return fmt.Sprintf("two mails within %s", m.at.Sub(o.at))
			}
		}
	}
	return ""
}
