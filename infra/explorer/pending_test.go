package explorer_test

import (
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/message"
)

// pendings: an event that is committed with its record pending in the person,
// with itself and with all that replaces the person; and what goes on after
// whoever committed one died before its record lay in its place.
func pendings(t testing.TB, s *stage) []*scene {
	half := noon.Add(30 * time.Minute)
	begin := func() *story {
		b := newStory(t, s, plan{guarantee: message.AtMostOnce}).known().fold(added("m3", "c1", noon))
		b.now = half
		return b
	}
	product, other := added("m8", "c2", half), added("m9", "c1", half)
	pair := func(name string, with func(b *story) act) *scene {
		b := begin()
		return b.sets("a-product-alone/"+name, b.happen(product), with(b))
	}
	died := func(name string, with func(b *story) act) *scene {
		b := begin()
		return b.sets("a-product-pending/"+name, b.dies(product), with(b))
	}
	does := func(a act) func(*story) act { return func(*story) act { return a } }
	happens := func(events ...event.Event) func(*story) act {
		return func(b *story) act { return b.happen(events...) }
	}
	b := begin()
	again := b.happen(product)
	return []*scene{
		b.sets("a-product-alone/again", again, again).always(),
		pair("another", happens(other)),
		pair("several", happens(other, product, addedOn("device-1", "u1", "m7", "c3", half))),
		pair("a-merge", happens(login("m9", "device-0", half))),
		pair("opt-out", does(optOut)),
		pair("erasure", does(erasure)),
		died("another", happens(other)),
		died("several", happens(other, product, addedOn("device-1", "u1", "m7", "c3", half))),
		died("a-merge", happens(login("m9", "device-0", half))),
		died("erasure", does(erasure)),
		diedBeforeAMail(newStory(t, s, plan{guarantee: message.AtMostOnce}).asked()),
	}
}

// dies lets who delivers the event die when it has committed the person.
func (b *story) dies(e event.Event) act {
	b.t.Helper()
	a := b.happen(e)
	p := b.start("before", a)
	for p.commits == 0 {
		p.step(fine)
	}
	if p.step(crashBefore); p.call != "" || b.pended == 0 {
		b.t.Fatalf("it died before %q, and %d were pending", p.call, b.pended)
	}
	return a
}

func diedBeforeAMail(b *story) *scene {
	visit := b.dies(track("m9", "Viewed", "device-1", "u1", b.now, ""))
	return b.sets("a-message/a-visit-pending", b.next(messages), visit)
}
