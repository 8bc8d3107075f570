package event

import "rapport/shared/person"

// Nodes lists every identity that the event may join: its own, the device that
// a proven event names beside the user, and both readings of an alias.
func (e *Event) Nodes() []person.NodeID {
	out := []person.NodeID{e.Node()}
	if e.UserID == "" {
		return out
	}
	if e.AnonymousID != "" {
		out = append(out, person.NodeID{Kind: person.AnonymousID, Value: e.AnonymousID})
	}
	if e.Type == Alias && e.PreviousID != "" {
		out = append(out,
			person.NodeID{Kind: person.UserID, Value: e.PreviousID},
			person.NodeID{Kind: person.AnonymousID, Value: e.PreviousID})
	}
	return out
}

// Size estimates the bytes that the event takes in a record.
func (e *Event) Size() int {
	const fixed = 400 // names, times, ids' quotes
	return fixed + len(e.MessageID) + len(e.Name) + len(e.UserID) + len(e.AnonymousID) + len(e.PreviousID) +
		len(e.GroupID) + len(e.Claim) + len(e.Properties) + len(e.Traits) + len(e.Context) + len(e.Integrations)
}
