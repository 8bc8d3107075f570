package people

import (
	"context"
	"slices"
	"strings"

	"rapport/shared/person"
	"rapport/shared/table"
)

// forgetRefusals takes out of a node that was kept apart from erased ones what
// it remembers of them: its refusals, and the effects of the split.
func (s *Store) forgetRefusals(ctx context.Context, hash string, erased []string) error {
	if err := s.forgetSplit(ctx, hash, erased); err != nil {
		return err
	}
	for range maxAttempts {
		p, err := s.find(ctx, hash)
		if err != nil || p == nil {
			return err
		}
		found := false
		for _, n := range p.Nodes {
			before := len(n.Refused)
			n.Refused = slices.DeleteFunc(n.Refused, func(r person.Refusal) bool { return slices.Contains(erased, r.With.Hash()) })
			found = found || len(n.Refused) < before
		}
		if !found {
			return nil
		}
		if err = s.replace(ctx, p); table.AsConflict(err) == nil {
			return err
		}
	}
	return errContended
}

// forgetSplit takes what concerned erased nodes out of the record of a node's
// latest split.
func (s *Store) forgetSplit(ctx context.Context, hash string, erased []string) error {
	key := table.SplitKey(hash)
	for range maxAttempts {
		items, err := s.table.Get(ctx, key)
		if err != nil || items[0] == nil {
			return err
		}
		r, err := DecodeRecord(items[0])
		if err != nil {
			return err
		}
		before := len(r.Effects)
		r.Effects = slices.DeleteFunc(r.Effects, func(e Effect) bool { return slices.Contains(erased, e.hash()) })
		if len(r.Effects) == before {
			return nil
		}
		body, err := encode(*r)
		if err != nil {
			return err
		}
		put := table.Put(key, body, items[0].Expires, table.VersionIs(items[0].Version))
		if err = s.table.Commit(ctx, s.owner(), put); table.AsConflict(err) == nil {
			return err
		}
	}
	return errContended
}

// hash is that of the identity that the effect is reported under.
func (e *Effect) hash() string {
	hash, _, _ := strings.Cut(e.ID, "_")
	return hash
}

// restore names again whom the effects of a record concern, other than the
// event's own identity: records do not name people beside their own, who may be
// erased without them. What concerned somebody who was erased meanwhile is left
// out.
func (s *Store) restore(ctx context.Context, r *Record) ([]Effect, error) {
	var out []Effect
	for _, e := range r.Effects {
		if e.Node == "" {
			p, err := s.find(ctx, e.hash())
			if err != nil {
				return nil, err
			}
			if p == nil {
				continue
			}
			i := slices.IndexFunc(p.Nodes, func(n *person.Node) bool { return n.ID.Hash() == e.hash() })
			e.Node = p.Nodes[i].ID.String()
		}
		out = append(out, e)
	}
	return out, nil
}
