package person

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Instance is a person's way through one journey, as far as one node saw it.
// Instances of one journey and key on several nodes act as one (Walks).
type Instance struct {
	Version string          // of the journey's definition that it started with
	Changed time.Time       // event time of the latest trigger or change
	By      string          // its message id
	Fired   int             // how many steps were fired
	FiredAt time.Time       // when the last one was
	FiredOn time.Time       // the change that the last one followed
	Content json.RawMessage // what is in the cart
}

// Send is one message that was sent, or is being sent, to the person.
type Send struct {
	ID      string // message id
	Purpose string
	At      time.Time
}

// Exposure is what a node remembers of a block that was shown to it.
type Exposure struct {
	At      time.Time // the minute of the decision, which the receipt proves
	Since   time.Time // of an earlier one in the same days that arrived later; zero: none
	Ordered bool      // an order was put down to it
}

// From is from when on orders are put down to the exposure.
func (x Exposure) From() time.Time {
	if x.Since.IsZero() {
		return x.At
	}
	return x.Since
}

// Order is what a node remembers of an order, to put it down to exposures that
// were on their way when it came.
type Order struct {
	ID         string // a hash of the order's id
	At         time.Time
	Currency   string // of ISO 4217
	Hundredths int64  // what it was worth; 0 when that is not known
}

// InstanceKey names an instance, or a goal: of one journey, for one key.
func InstanceKey(journey, key string) string { return journey + "|" + key }

// Walk is one instance of the whole person.
type Walk struct {
	Instance
	Node NodeID    // that the latest change came in by
	Goal time.Time // when the latest goal that concerns it was reached; zero: never
}

// Over reports whether a goal ended the walk: one reached no earlier than its
// latest change.
func (w Walk) Over() bool { return !w.Goal.IsZero() && !w.Changed.After(w.Goal) }

// Walk joins the instances of a journey and key over all nodes: the later
// change counts, with its content; steps that any of them fired are fired. Those
// that were fired on a change before the latest goal belong to a walk that is
// over: a later change begins anew.
func (p *Person) Walk(journey, key string) (Walk, bool) {
	var w Walk
	for _, n := range p.Nodes {
		w.Goal = latest(w.Goal, n.Goals[InstanceKey(journey, key)], n.Goals[InstanceKey(journey, "")])
	}
	found := false
	for _, n := range p.Nodes {
		in := n.Instances[InstanceKey(journey, key)]
		if in == nil {
			continue
		}
		fired, at, on := w.Fired, w.FiredAt, w.FiredOn
		if w.Goal.IsZero() || in.FiredOn.After(w.Goal) {
			fired, at, on = max(fired, in.Fired), latest(at, in.FiredAt), latest(on, in.FiredOn)
		}
		if !found || later(*in, w.Instance) {
			w.Instance, w.Node = *in, n.ID
		}
		w.Fired, w.FiredAt, w.FiredOn, found = fired, at, on, true
	}
	return w, found
}

func later(a, b Instance) bool {
	return cmp.Or(a.Changed.Compare(b.Changed), cmp.Compare(a.By, b.By)) > 0
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// Start makes the node's instance of that name or brings it up to a later change.
func (n *Node) Start(name string, in Instance) *Instance {
	have := n.Instances[name]
	if have == nil {
		if n.Instances == nil {
			n.Instances = map[string]*Instance{}
		}
		have = &in
		n.Instances[name] = have
		return have
	}
	if later(in, *have) {
		have.Changed, have.By = in.Changed, in.By
	}
	return have
}

// Reach remembers that a goal was reached then.
func (n *Node) Reach(name string, at time.Time) {
	if n.Goals == nil {
		n.Goals = map[string]time.Time{}
	}
	n.Goals[name] = latest(n.Goals[name], at)
}

// Sent lists what was sent to the person since then, oldest first.
func (p *Person) Sent(since time.Time) []Send {
	var out []Send
	for _, n := range p.Nodes {
		for _, s := range n.Sends {
			if !s.At.Before(since) {
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b Send) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Address is where mail may go: the latest "email" that was declared under a
// proven user id. One that a browser stated for itself is only a claim.
func (p *Person) Address() string {
	var best Trait
	for _, n := range p.Nodes {
		t, ok := n.Traits["email"]
		if n.ID.Kind == UserID && ok && (best.Value == nil || t.wins(best)) {
			best = t
		}
	}
	var address string
	_ = json.Unmarshal(best.Value, &address) // anything but a text is no address
	return address
}
