package explorer_test

import (
	"strings"
	"time"

	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/table"
)

// visibility is how long a queue waits until it delivers again what was not
// acknowledged.
const visibility = 6 * time.Minute

// ended is what a scenario came to.
type ended struct {
	stuck   string                     // what never ended
	before  map[string]*message.Ledger // by message, when the queues were done with them
	mails   int                        // that were out by then
	unheard string                     // what hear could not do
	broken  string                     // the promise that was broken before all was delivered once more
	final   contents
}

// contents are what is in the table.
type contents struct {
	people  []*person.Person
	ledgers map[string]*message.Ledger
	effects map[string]people.Effect // stored with events and timers, by id
	records map[table.Key]string     // digests of events
	timers  []people.Timer
	graves  []string // hashes of identities whose erasure is finished
}

// maxRounds is more than it takes to deliver all there can be.
const maxRounds = 30

// settle lets the queues deliver until all is acknowledged, whatever is late
// arrive, the clock move to what is due, SES tell what it took, and the queues
// deliver once more what they had forgotten to delete.
func (w *world) settle() {
	told, again := false, false
	for range maxRounds {
		w.now = w.now.Add(visibility)
		switch {
		case w.deliver():
		case len(w.ghosts) > 0:
			w.haunt(func(ghost) bool { return true })
		case w.fall():
		case !told:
			told = true
			w.tell()
		case !again:
			again = true
			w.end.final = w.read()
			w.end.broken = w.violation()
			w.trace("everything is delivered once more")
			for _, p := range w.queue {
				p.acked = false
			}
		default:
			w.end.final = w.read()
			return
		}
	}
	w.end.stuck = "something comes again for ever"
}

// deliver gives what waits in the queues to its functions.
func (w *world) deliver() (some bool) {
	for _, p := range w.queue {
		if !p.acked {
			some = true
			w.start("R", delivery(p)).toEnd()
		}
	}
	return some
}

// fall moves the clock to the first timer that is armed, and lets it tick.
func (w *world) fall() bool {
	var next time.Time
	for _, item := range w.everything() {
		if minute, _, _, ok := table.ParseTimerSort(item.Key.Sort); ok && (next.IsZero() || minute.Before(next)) {
			next = minute
		}
	}
	if next.IsZero() {
		return false
	}
	if w.now.Before(next) {
		w.now = next
	}
	w.start("T", tick).toEnd()
	return true
}

// tell lets SES say of each mail that it is delivered, and looks at the ledgers
// before that.
func (w *world) tell() {
	w.end.before, w.end.mails = w.read().ledgers, len(w.mails)
	for _, m := range w.mails {
		w.said("Delivery", "delivery", m)
	}
}

func (w *world) read() contents {
	s := contents{ledgers: map[string]*message.Ledger{}, effects: map[string]people.Effect{}, records: map[table.Key]string{}}
	for _, item := range w.everything() {
		if err := s.take(item); err != nil {
			panic(err)
		}
	}
	return s
}

func (s *contents) take(item table.Item) error {
	node, ofNode := strings.CutPrefix(item.Key.Partition, "n#")
	kind, _, _ := strings.Cut(item.Key.Sort, "#")
	switch {
	case !ofNode:
		if minute, root, due, ok := table.ParseTimerSort(item.Key.Sort); ok {
			s.timers = append(s.timers, people.Timer{Node: root, Due: due, Minute: minute})
		}
	case kind == "person":
		if _, pointer := person.DecodePointer(item.Body); pointer {
			return nil
		}
		if tomb, erased := person.DecodeTombstone(item.Body); erased {
			if len(tomb.Rest) == 0 {
				s.graves = append(s.graves, node)
			}
			return nil
		}
		p, err := person.Decode(node, item.Version, item.Body)
		if err != nil {
			return err
		}
		s.people = append(s.people, p)
	case kind == "l":
		l, err := message.DecodeLedger(&item)
		if err != nil {
			return err
		}
		s.ledgers[l.ID] = l
	case len(item.Body) == 0: // an erasure keeps the place taken
	default: // what is kept of an event or of a timer
		r, err := people.DecodeRecord(&item)
		if err != nil {
			return err
		}
		if kind == "e" {
			s.records[item.Key] = r.Event.Digest
		}
		for _, e := range r.Effects {
			s.effects[e.ID] = e
		}
	}
	return nil
}
