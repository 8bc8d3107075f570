package message

import (
	"slices"
	"time"
)

// Count is something that happened once to a message and is counted once under
// its id, however often it is asked for.
type Count struct {
	ID  string    // <message id>/<what>
	At  time.Time // when
	Add []Change
}

// Change adds to one counter of the journey.
type Change struct {
	Counter []string // path: ["sent"], ["skipped", "goal"]
	N       int64
}

// Waiting is the counter of messages that wait, by the reason why each was first
// put off.
const Waiting = "waiting"

// counted are the facts that reports count.
var counted = []Fact{Delivered, Opened, Clicked, Bounced, Complained}

// Counts returns all that happened so far. Asking again returns the same and
// what came since, so it is asked for after each move and at each redelivery,
// and no crash in between loses a count. A message that was unknown and is
// settled takes that count back, and so does the end of one that waited.
func (l *Ledger) Counts() []Count {
	var out []Count
	add := func(what string, at time.Time, changes ...Change) {
		out = append(out, Count{ID: l.ID + "/" + what, At: at, Add: changes})
	}
	waiting := []string{Waiting, l.WaitedFor}
	if !l.Waited.IsZero() {
		add(Waiting, l.Waited, Change{waiting, 1})
	}
	doubted, waited := !l.Doubted.IsZero(), !l.Waited.IsZero()
	if doubted {
		changes := []Change{{[]string{string(Unknown)}, 1}}
		if waited {
			changes = append(changes, Change{waiting, -1})
		}
		add(string(Unknown), l.Doubted, changes...)
	}
	if end, ok := l.ending(); ok {
		changes := []Change{end}
		switch {
		case doubted:
			changes = append(changes, Change{[]string{string(Unknown)}, -1})
		case waited:
			changes = append(changes, Change{waiting, -1})
		}
		add(string(l.State), l.Since, changes...)
	}
	for _, f := range counted {
		if at, ok := l.Facts[f]; ok {
			add(string(f), at, Change{[]string{string(f)}, 1})
		}
	}
	return slices.Clip(out)
}

func (l *Ledger) ending() (Change, bool) {
	switch l.State {
	case Sent, Rejected:
		return Change{[]string{string(l.State)}, 1}, true
	case Skipped:
		return Change{[]string{string(Skipped), l.Reason}, 1}, true
	}
	return Change{}, false
}
