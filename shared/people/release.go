package people

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/message"
	"rapport/shared/person"
)

// keepReleased is for how long a message that was asked for again, and of which
// nothing was heard since, is remembered beyond its end: longer than a queue keeps
// it.
const keepReleased = 15 * 24 * time.Hour

// release asks again for the messages that have waited long enough, those first
// that are worth most, and returns when the next one has; zero when none waits. A
// message is asked for again once for each time that it was put off.
func release(p *person.Person, cause string, now time.Time, quiet bool) (effects []Effect, next time.Time) {
	var free []freed
	for _, n := range p.Nodes {
		n.Waits = slices.DeleteFunc(n.Waits, func(w person.Wait) bool { return w.Released && now.Sub(w.Ends) > keepReleased })
		for i := range n.Waits {
			w := &n.Waits[i]
			switch {
			case w.Released:
			case quiet || w.Until.After(now):
				next = earlier(next, w.Until)
			default:
				w.Released = true
				free = append(free, freed{n.ID, *w})
			}
		}
	}
	slices.SortStableFunc(free, func(a, b freed) int { return cmp.Compare(b.Value, a.Value) })
	for _, w := range free {
		effects = append(effects, w.effect(cause, now))
	}
	return effects, next
}

// freed is a message that has waited long enough, and whose node it is for.
type freed struct {
	node person.NodeID
	person.Wait
}

// effect is the one that the step had, without the content, which the ledger keeps.
func (w freed) effect(cause string, now time.Time) Effect {
	m := &message.Message{}
	_ = json.Unmarshal(w.Message, m) // what message.Pause wrote
	return Effect{ID: w.ID, Kind: MessageDue, Node: w.node.String(), Cause: cause, At: now.UTC(), Message: m}
}
