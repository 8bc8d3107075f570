package person

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Wait is a message to the person that was put off: the person's timer brings it
// back.
type Wait struct {
	ID       string
	Until    time.Time // when it is asked for again
	Ends     time.Time // when it is worth nothing any more
	Purpose  string
	Value    int             // beside others that wait for the same room
	Released bool            // it was asked for again, and nothing is decided yet
	Message  json.RawMessage // what the queue of messages carries, without its content, which the ledger has
}

// Ready reports whether the message may be decided at any moment.
func (w Wait) Ready(now time.Time) bool {
	return (w.Released || !w.Until.After(now)) && now.Before(w.Ends)
}

// Put remembers that a message waits, in place of an earlier word about it.
func (n *Node) Put(w Wait) {
	i, known := slices.BinarySearchFunc(n.Waits, w.ID, func(w Wait, id string) int { return cmp.Compare(w.ID, id) })
	if known {
		n.Waits[i] = w
		return
	}
	n.Waits = slices.Insert(n.Waits, i, w)
}

// Waiting lists the messages that wait, the first to be asked for again first.
func (p *Person) Waiting() []Wait {
	var out []Wait
	for _, n := range p.Nodes {
		out = append(out, n.Waits...)
	}
	slices.SortFunc(out, func(a, b Wait) int { return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Settle forgets that the message waits, and reports whether it did.
func (p *Person) Settle(id string) (waited bool) {
	for _, n := range p.Nodes {
		before := len(n.Waits)
		n.Waits = slices.DeleteFunc(n.Waits, func(w Wait) bool { return w.ID == id })
		waited = waited || len(n.Waits) < before
	}
	return waited
}
