package decide

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// visitor is who is to be served, as far as the caller proved it.
type visitor struct {
	node person.NodeID // whose person to read; zero for somebody unknown, and then nothing is read
	unit string        // what splits are drawn by if there is no such person yet; "" for nobody

	optsOut bool // the browser asks not to be sold or shared: Global Privacy Control
}

// identify says who is served. A user id counts from a secret key or with a
// proof, and then only that user's person is read. A user id without either is
// as good as not sent: nothing that follows may depend on it, or a stranger
// could learn who is known here.
func (f *function) identify(caller access.Kind, b body, now time.Time) (visitor, error) {
	trusted := caller == access.Secret
	user := ""
	switch {
	case b.Proof != "":
		proven, err := f.Proofs.Verify(b.Proof, now)
		if err != nil {
			return visitor{}, err
		}
		if b.UserID != "" && b.UserID != proven {
			return visitor{}, fault.New(fault.Forbidden, "proof_mismatch", "send the proof of this user, not of another one").In("proof")
		}
		user = proven
	case trusted:
		user = b.UserID
	}
	return visit(user, b.AnonymousID, trusted), nil
}

func visit(user, device string, trusted bool) visitor {
	var v visitor
	if possible(user) {
		v.node = person.NodeID{Kind: person.UserID, Value: user}
		v.unit = v.node.Hash()
	}
	if possible(device) && (trusted || !person.Guessable(device)) {
		node := person.NodeID{Kind: person.AnonymousID, Value: device}
		v.unit = node.Hash()
		if v.node.IsZero() {
			v.node = node
		}
	}
	return v
}

// possible reports whether collect would take the id: nobody can have another.
func possible(id string) bool { return !person.Junk(id) && person.Clean(id) }

// allows reports whether content may be chosen by what is known of the person. A
// browser that asks not to be sold or shared says no to the purposes that the
// strategy marks so.
func (v visitor) allows(s *strategy.Strategy, p *person.Person, now time.Time) bool {
	optsOut := func(purpose message.Purpose) bool { return purpose.GPC && purpose.Uses(message.Personalization) }
	return !(v.optsOut && slices.ContainsFunc(s.Purposes, optsOut)) && s.Allows(message.Personalization, p.Consents(), now)
}

// found is what reading people brought.
type found struct {
	person *person.Person // nil for somebody unknown
	reads  int64          // items read for it
	failed error          // why people could not be read
}

// peoplePatience bounds the wait for a person: a page that waits longer has
// shown its default content already.
const peoplePatience = 300 * time.Millisecond

// find reads the person. Somebody who refuses to have content chosen by what is
// known of them is served by what they chose themselves, and by nothing else.
func (f *function) find(ctx context.Context, s *strategy.Strategy, v visitor) found {
	if v.node.IsZero() {
		return found{}
	}
	var reads atomic.Int64
	counted := table.WithMeter(ctx, func(u table.Usage) {
		reads.Add(int64(u.Items))
		table.Spend(ctx, u)
	})
	counted, cancel := context.WithTimeout(counted, peoplePatience)
	defer cancel()
	p, err := f.People.Find(counted, v.node)
	if p != nil && !v.allows(s, p, f.Now()) {
		p = p.Chosen()
	}
	return found{person: p, reads: reads.Load(), failed: err}
}
