package people

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"rapport/shared/event"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// ReasonSplit is why an edge is refused that somebody took apart. The other
// reasons are verdicts.
const ReasonSplit = "split"

// Edge is evidence that two identities are one person.
type Edge struct {
	From        person.NodeID
	person.Link        // where it leads and what says so; without rule, time and message id while nothing does
	Reason      string // why it is refused; "" for an edge that holds
}

// Evidence is why a person is who it is.
type Evidence struct {
	Edges   []Edge // that hold, of all listed nodes; sorted
	Refused []Edge // sorted
	Path    []Edge // from the asked node, owner by owner, to the user id that holds it
}

// Why returns what joined the person p, how the node comes to be in it, and what
// was refused: by splits, and by the rule that an identity has one owner. The
// latter is read from the records of the person's events, so it is seen from the
// user id that did not get the identity, for as long as records are kept, and
// does not depend on what came first.
func (s *Store) Why(ctx context.Context, strat *strategy.Strategy, p *person.Person, node person.NodeID) (*Evidence, error) {
	w := &Evidence{}
	for _, n := range p.Owners(node) {
		w.Path = append(w.Path, Edge{From: n.ID, Link: *n.Owner})
	}
	k := keeper{p, strat, s.now()}
	refused := map[[2]person.NodeID]Edge{}
	for _, n := range p.Nodes {
		if n.Owner != nil && (n.Named || n.ID == node) {
			w.Edges = append(w.Edges, Edge{From: n.ID, Link: *n.Owner})
		}
		for _, r := range n.Refused {
			apart(n.ID, r).note(refused)
		}
	}
	names := s.names(p)
	for _, n := range p.Nodes {
		if n.ID.Kind != person.UserID {
			continue // an event that names two identities belongs to the user id
		}
		if err := s.denials(ctx, k, names, n, refused); err != nil {
			return nil, err
		}
	}
	w.Refused = slices.SortedFunc(maps.Values(refused), Edge.compare)
	return w, nil
}

// denials notes the edges that events of the node name and that do not hold.
func (s *Store) denials(ctx context.Context, k keeper, names directory, n *person.Node, refused map[[2]person.NodeID]Edge) error {
	for r, err := range s.records(ctx, k, n) {
		if err != nil {
			return err
		}
		if err := names.show(ctx, r); err != nil {
			return err
		}
		for _, e := range denied(k.person, r) {
			e.note(refused)
		}
	}
	return nil
}

// apart is a refusal as an edge: from the end that has the evidence, else from
// the end that was taken out.
func apart(id person.NodeID, r person.Refusal) Edge {
	if r.Link != nil {
		return Edge{From: id, Link: *r.Link, Reason: ReasonSplit}
	}
	if r.Out {
		return Edge{From: id, Link: person.Link{To: r.With}, Reason: ReasonSplit}
	}
	return Edge{From: r.With, Link: person.Link{To: id}, Reason: ReasonSplit}
}

// note keeps the earliest evidence for each pair, and the reason that was noted
// first.
func (e Edge) note(edges map[[2]person.NodeID]Edge) {
	pair := [2]person.NodeID{e.From, e.To}
	if have, ok := edges[pair]; ok {
		if e.Rule == "" || have.Rule != "" && !e.Before(have.Link) {
			return
		}
		e.Reason = have.Reason
	}
	edges[pair] = e
}

func (e Edge) compare(o Edge) int {
	return cmp.Or(e.From.Compare(o.From), e.To.Compare(o.To))
}

// denied returns the edges that an event of the person names and that do not
// hold.
func denied(p *person.Person, r *Record) []Edge {
	e := &r.Event
	user := e.Node()
	if user.Kind != person.UserID || !r.Counted() {
		return nil
	}
	reason := MergeRefused
	if slices.Contains(r.Verdicts, TooManyIDs) {
		reason = TooManyIDs
	}
	var out []Edge
	add := func(from person.NodeID, rule event.Type) {
		if p.Node(from) == nil {
			out = append(out, Edge{From: from, Link: evidence(user, string(rule), e), Reason: reason})
		}
	}
	if e.AnonymousID != "" {
		add(person.NodeID{Kind: person.AnonymousID, Value: e.AnonymousID}, event.Identify)
	}
	if e.Type == event.Alias && e.PreviousID != "" && e.PreviousID != e.UserID {
		add(previous(p, r), event.Alias)
	}
	return out
}

// previous is which of the two readings of an alias's earlier id to show: the
// one that holds, else the user id that a server or a short id means.
func previous(p *person.Person, r *Record) person.NodeID {
	device := person.NodeID{Kind: person.AnonymousID, Value: r.Event.PreviousID}
	user := person.NodeID{Kind: person.UserID, Value: r.Event.PreviousID}
	refused := slices.Contains(r.Verdicts, MergeRefused)
	switch {
	case r.Event.Trusted && p.Node(device) != nil && p.Node(device).Named:
		return device
	case r.Event.Trusted, person.Guessable(r.Event.PreviousID), refused && p.Node(device) != nil:
		return user
	}
	return device
}
