package event

import "rapport/shared/person"

// Node is the one node that the event belongs to and counts in: its proven user
// id, else its anonymous id, else the address, else the first external id.
func (e *Event) Node() person.NodeID {
	switch {
	case e.UserID != "":
		return person.NodeID{Kind: person.UserID, Value: e.UserID}
	case e.AnonymousID != "" || e.Email == "" && len(e.ExternalIDs) == 0:
		return person.NodeID{Kind: person.AnonymousID, Value: e.AnonymousID}
	case e.Email != "":
		return person.NodeID{Kind: person.Email, Value: e.Email}
	default:
		return person.NodeID{Kind: person.External, Value: e.ExternalIDs[0]}
	}
}

// Anchor is the strongest identity that the event names, which the others are
// given to: a user id, else an address, else where the event counts. A device is
// given to an address and never the other way round, so that two customers of
// one device stay two.
func (e *Event) Anchor() person.NodeID {
	if e.UserID == "" && e.Email != "" {
		return person.NodeID{Kind: person.Email, Value: e.Email}
	}
	return e.Node()
}

// Named lists the identities that the event gives to its Anchor.
func (e *Event) Named() []person.NodeID {
	var out []person.NodeID
	anchor := e.Anchor()
	add := func(kind person.Kind, value string) {
		if id := (person.NodeID{Kind: kind, Value: value}); value != "" && id != anchor {
			out = append(out, id)
		}
	}
	add(person.AnonymousID, e.AnonymousID)
	add(person.Email, e.Email)
	for _, id := range e.ExternalIDs {
		add(person.External, id)
	}
	return out
}

// Nodes lists every identity that the event may join: its anchor, those that it
// gives to it, and both readings of an alias.
func (e *Event) Nodes() []person.NodeID {
	out := append([]person.NodeID{e.Anchor()}, e.Named()...)
	if e.Type == Alias && e.UserID != "" && e.PreviousID != "" {
		out = append(out,
			person.NodeID{Kind: person.UserID, Value: e.PreviousID},
			person.NodeID{Kind: person.AnonymousID, Value: e.PreviousID})
	}
	return out
}

// Size estimates the bytes that the event takes in a record.
func (e *Event) Size() int {
	const fixed = 400 // names, times, ids' quotes
	size := fixed + len(e.MessageID) + len(e.Name) + len(e.UserID) + len(e.AnonymousID) + len(e.PreviousID) + len(e.Email) +
		len(e.GroupID) + len(e.Claim) + len(e.Properties) + len(e.Traits) + len(e.Context) + len(e.Integrations)
	for _, id := range e.ExternalIDs {
		size += len(id) + len(`"",`)
	}
	return size
}
