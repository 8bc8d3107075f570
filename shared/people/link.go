package people

import (
	"cmp"

	"rapport/shared/event"
	"rapport/shared/person"
)

// Verdicts that need the person's state. They are kept with the event, which
// counts all the same, and shown in the timeline.
const (
	MergeRefused = "merge_refused" // the identity belongs to another customer, or was taken away from this one
	TooManyIDs   = "too_many_ids"  // the person has person.MaxNodes identities
	IDReused     = "id_reused"     // the message id came before with other content; not counted
	ProfileFull  = "profile_full"  // the person's item is at its limit; not counted
)

// The rules by which one event gives an identity to another, by its kind. An
// event of a browser names at most its own device beside a proven user.
var rules = map[person.Kind]string{
	person.AnonymousID: string(event.Identify), person.Email: "email", person.External: "external",
}

// link joins the identities that an event names together with a right to: all
// of them are given to the strongest. It returns the verdict when one of them
// may not join.
func (u *unit) link(e *event.Event) (verdict string, err error) {
	anchor := e.Anchor()
	for _, id := range e.Named() {
		refused, err := u.own(id, anchor, evidence(anchor, rules[id.Kind], e), true)
		if err != nil {
			return "", err
		}
		if verdict == "" {
			verdict = refused
		}
	}
	if anchor != e.Node() {
		if err := u.name(anchor); err != nil {
			return "", err
		}
	}
	if e.Type != event.Alias || e.UserID == "" || e.PreviousID == "" || e.PreviousID == e.UserID {
		return verdict, nil
	}
	refused, err := u.alias(anchor, e)
	if refused != "" {
		verdict = refused
	}
	return verdict, err
}

// name remembers that an event stated the identity.
func (u *unit) name(id person.NodeID) error {
	p, err := u.person(id)
	if err != nil {
		return err
	}
	if n := p.Node(id); !n.Named {
		n.Named = true
		u.dirty[p.Root] = true
	}
	return nil
}

func evidence(to person.NodeID, rule string, e *event.Event) person.Link {
	return person.Link{To: to, Rule: rule, At: e.Timestamp, By: e.MessageID}
}

// own gives an identity to a stronger one. It has one owner, the one with the earliest
// evidence: that is what keeps two customers of one device apart, whatever
// order their events come in.
func (u *unit) own(id, owner person.NodeID, l person.Link, named bool) (verdict string, err error) {
	from, err := u.person(id)
	if err != nil {
		return "", err
	}
	to, err := u.person(owner)
	if err != nil {
		return "", err
	}
	n := from.Node(id)
	refused := n.Refusal(owner) != nil
	if !refused && from != to && len(to.Nodes)+len(from.Nodes) > person.MaxNodes {
		return TooManyIDs, nil
	}
	if named && !n.Named {
		n.Named = true
		u.dirty[from.Root] = true
	}
	if refused {
		if n.Withhold(l) {
			u.dirty[from.Root] = true
		}
		return MergeRefused, nil
	}
	if !n.Own(l) {
		if from != to {
			return MergeRefused, nil
		}
		return "", nil
	}
	u.dirty[from.Root] = true
	return "", u.rejoin(id, from, to)
}

// rejoin lets an identity whose owner changed take its place: what owners hold
// together with it goes along, what only its former owner held stays behind.
func (u *unit) rejoin(id person.NodeID, from, to *person.Person) error {
	held := from.Held(id)
	if len(held) == len(from.Nodes) {
		if from == to {
			return nil
		}
		return u.merge(to, from)
	}
	part, err := u.split(from, held)
	if err != nil || from == to {
		return err
	}
	return u.merge(to, part)
}

// alias joins an earlier id of the user. From a server that may be another user
// id or a device's: both readings are joined, since which one is meant shows
// only when it is used. Neither waits for the other, for a split may have taken
// one of them out.
func (u *unit) alias(user person.NodeID, e *event.Event) (verdict string, err error) {
	link := evidence(user, string(event.Alias), e)
	device := person.NodeID{Kind: person.AnonymousID, Value: e.PreviousID}
	earlier := person.NodeID{Kind: person.UserID, Value: e.PreviousID}
	if !e.Trusted {
		return u.browserAlias(earlier, device, user, link)
	}
	if verdict, err = u.own(earlier, user, link, false); err != nil {
		return "", err
	}
	refused, err := u.own(device, user, link, false)
	return cmp.Or(verdict, refused), err
}

// browserAlias joins the browser's own id, and never a user id. The answer says
// so when the id is some user's; what is joined does not depend on that, since
// it depends on what arrived before.
func (u *unit) browserAlias(earlier, device, user person.NodeID, l person.Link) (verdict string, err error) {
	if person.Guessable(earlier.Value) {
		return MergeRefused, nil
	}
	if verdict, err = u.own(device, user, l, false); verdict != "" || err != nil {
		return verdict, err
	}
	if err := u.read(earlier.Hash()); err != nil {
		return "", err
	}
	if root, ok := u.home[earlier.Hash()]; ok && u.people[root].Node(earlier).Named {
		return MergeRefused, nil
	}
	return "", nil
}
