package people_test

import (
	"maps"
	"slices"
	"time"

	"rapport/shared/event"
	"rapport/shared/person"
)

// reference says who the people are, in the plainest way: it goes through all
// that was accepted, in the order of arrival. Of the product it knows the names
// of things and no rule.
type reference struct {
	acts []act
	seen int // how many of them it went through
	w    *world
}

// act is one thing that arrived.
type act struct {
	what  string // "event", "consent", "split", "lift", "erase" or "reopen"
	node  person.NodeID
	event event.Event
	word  person.Consent
}

// proof says to whom an identity belongs, and by which event.
type proof struct {
	to person.NodeID
	at time.Time
	by string
}

func (p proof) before(o proof) bool { return p.at.Before(o.at) || p.at.Equal(o.at) && p.by < o.by }

type pair struct{ from, to person.NodeID }

// world is what the acts amount to. Everything is by identity; people are what
// proofs hold together.
type world struct {
	owner  map[person.NodeID]proof
	apart  map[pair]*proof // who may not be joined, and the earliest proof that waits; nil: none does
	out    map[pair]bool   // from was taken away from to
	known  map[person.NodeID]bool
	named  map[person.NodeID]bool // by an event, not only as another name in an alias
	erased map[person.NodeID]bool
	events map[person.NodeID][]event.Event
	kept   map[person.NodeID]map[string]string // digests by message id
	words  map[person.NodeID][]person.Consent
}

func newWorld() *world {
	return &world{
		owner: map[person.NodeID]proof{}, apart: map[pair]*proof{}, out: map[pair]bool{}, known: map[person.NodeID]bool{},
		named: map[person.NodeID]bool{}, erased: map[person.NodeID]bool{}, events: map[person.NodeID][]event.Event{},
		kept: map[person.NodeID]map[string]string{}, words: map[person.NodeID][]person.Consent{},
	}
}

// world is what all acts amount to by now.
func (r *reference) world() *world {
	if r.w == nil {
		r.w = newWorld()
	}
	w := r.w
	for ; r.seen < len(r.acts); r.seen++ {
		a := r.acts[r.seen]
		switch {
		case a.what == "event":
			w.accept(a.event)
		case a.what == "reopen":
			delete(w.erased, a.node)
		case a.what == "consent":
			if !w.erased[a.node] {
				w.known[a.node], w.named[a.node] = true, true
				w.words[a.node] = append(w.words[a.node], a.word)
			}
		case !w.known[a.node]:
		case a.what == "split":
			w.split(a.node)
		case a.what == "lift":
			w.lift(a.node)
		case a.what == "erase":
			w.erase(a.node)
		}
	}
	return w
}

// accept counts an event once, at one identity, and joins what it names.
func (w *world) accept(e event.Event) {
	node := belongsTo(&e)
	if w.erased[node] || w.repeated(node, &e) {
		return
	}
	w.strip(&e)
	anchor := node
	if e.UserID == "" && e.Email != "" {
		anchor = emailNode(e.Email)
	}
	p := proof{anchor, e.Timestamp, e.MessageID}
	var given []person.NodeID
	if e.AnonymousID != "" {
		given = append(given, device(e.AnonymousID))
	}
	if e.Email != "" {
		given = append(given, emailNode(e.Email))
	}
	for _, id := range e.ExternalIDs {
		given = append(given, externalNode(id))
	}
	for _, id := range given {
		if id != anchor {
			w.give(id, p)
			w.named[id] = true
		}
	}
	for _, id := range []person.NodeID{node, anchor} {
		w.known[id], w.named[id] = true, true
	}
	if e.Type == event.Alias && e.UserID != "" && e.PreviousID != "" && e.PreviousID != e.UserID {
		w.alias(&e, p)
	}
	w.events[node] = append(w.events[node], e)
}

func belongsTo(e *event.Event) person.NodeID {
	switch {
	case e.UserID != "":
		return userNode(e.UserID)
	case e.AnonymousID != "":
		return device(e.AnonymousID)
	case e.Email != "":
		return emailNode(e.Email)
	}
	return externalNode(e.ExternalIDs[0])
}

// repeated keeps the message id, with each content that it came with, and
// reports whether it is there already.
func (w *world) repeated(node person.NodeID, e *event.Event) bool {
	kept := w.kept[node]
	if kept == nil {
		kept = map[string]string{}
		w.kept[node] = kept
	}
	digest, again := kept[e.MessageID]
	switch {
	case !again:
		kept[e.MessageID] = e.Digest
	case digest != e.Digest:
		kept[e.MessageID+" with "+e.Digest] = e.Digest
	}
	return again
}

// strip takes the erased identities out.
func (w *world) strip(e *event.Event) {
	if w.erased[device(e.PreviousID)] || w.erased[userNode(e.PreviousID)] {
		e.PreviousID = ""
	}
	if w.erased[device(e.AnonymousID)] {
		e.AnonymousID = ""
	}
	if w.erased[emailNode(e.Email)] {
		e.Email = ""
	}
	e.ExternalIDs = slices.DeleteFunc(slices.Clone(e.ExternalIDs), func(id string) bool { return w.erased[externalNode(id)] })
}

// give lets the earliest proof decide; what is kept apart waits.
func (w *world) give(id person.NodeID, p proof) {
	w.known[id], w.known[p.to] = true, true
	if waits, refused := w.apart[pair{id, p.to}]; refused {
		if waits == nil || p.before(*waits) {
			w.apart[pair{id, p.to}] = &p
		}
		return
	}
	if have, owned := w.owner[id]; !owned || p.before(have) {
		w.owner[id] = p
	}
}

// alias joins an earlier id: of a browser its own, of a server whichever it is.
func (w *world) alias(e *event.Event, p proof) {
	if e.Trusted {
		w.give(userNode(e.PreviousID), p)
	}
	if e.Trusted || len(e.PreviousID) >= 16 {
		w.give(device(e.PreviousID), p)
	}
}

// group lists who is one person with the identity, sorted.
func (w *world) group(id person.NodeID) []person.NodeID {
	in := []person.NodeID{id}
	for i := 0; i < len(in); i++ {
		for from, p := range w.owner {
			for _, ends := range [2]pair{{from, p.to}, {p.to, from}} {
				if ends.from == in[i] && !slices.Contains(in, ends.to) {
					in = append(in, ends.to)
				}
			}
		}
	}
	slices.SortFunc(in, person.NodeID.Compare)
	return in
}

func (w *world) split(id person.NodeID) {
	whole := w.group(id)
	if p, owned := w.owner[id]; owned {
		w.cut(id, id)
		for up, hops := p.to, 0; hops < len(whole); hops++ {
			next, owned := w.owner[up]
			if owned && next.to == id {
				w.cut(id, up)
				break
			}
			up = next.to
		}
		mine := w.group(id)
		for _, other := range whole {
			if other.Kind == person.UserID && !slices.Contains(mine, other) {
				w.refuse(id, other)
			}
		}
		return
	}
	for ends := range w.out {
		if ends.from == id {
			return
		}
	}
	var users, all []person.NodeID
	for _, from := range whole {
		if p, owned := w.owner[from]; owned && p.to == id {
			all = append(all, from)
			if from.Kind == person.UserID && w.named[from] {
				users = append(users, from)
			}
		}
	}
	if len(users) > 0 {
		all = users
	}
	for _, from := range all {
		w.cut(id, from)
	}
}

// cut lets the proof of one end wait, so that id is apart from the other end.
func (w *world) cut(id, from person.NodeID) {
	p := w.owner[from]
	delete(w.owner, from)
	other := from
	if from == id {
		other = p.to
	}
	w.refuse(id, other)
	w.apart[pair{from, p.to}] = &p
}

func (w *world) refuse(id, other person.NodeID) {
	w.out[pair{id, other}] = true
	for _, ends := range []pair{{id, other}, {other, id}} {
		if _, ok := w.apart[ends]; !ok {
			w.apart[ends] = nil
		}
	}
}

func (w *world) lift(id person.NodeID) {
	var from []person.NodeID
	for ends := range w.out {
		if ends.from == id {
			from = append(from, ends.to)
		}
	}
	slices.SortFunc(from, person.NodeID.Compare)
	for _, other := range from {
		for _, ends := range []pair{{id, other}, {other, id}} {
			waits := w.apart[ends]
			delete(w.out, ends)
			delete(w.apart, ends)
			if waits != nil {
				w.give(ends.from, *waits)
			}
		}
	}
}

// doomed lists what an erasure takes: who is one person with the identity, and
// what an alias only implied as another reading of one of theirs.
func (w *world) doomed(id person.NodeID) []person.NodeID {
	group := w.group(id)
	for _, node := range group {
		other := device(node.Value)
		if node == other {
			other = userNode(node.Value)
		}
		alike := node.Kind == person.UserID || node.Kind == person.AnonymousID
		if alike && w.known[other] && !w.named[other] && !slices.Contains(group, other) {
			group = append(group, other)
		}
	}
	return group
}

func (w *world) erase(id person.NodeID) {
	for _, node := range w.doomed(id) {
		w.erased[node] = true
		delete(w.owner, node)
		delete(w.known, node)
		delete(w.named, node)
		delete(w.events, node)
		delete(w.kept, node)
		delete(w.words, node)
		touches := func(ends pair) bool { return ends.from == node || ends.to == node }
		maps.DeleteFunc(w.apart, func(ends pair, _ *proof) bool { return touches(ends) })
		maps.DeleteFunc(w.out, func(ends pair, _ bool) bool { return touches(ends) })
	}
}
