package people

import (
	"context"
	"slices"
	"time"

	"rapport/shared/person"
	"rapport/shared/quiet"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// Holder returns the person that has the node with that hash, nil when nobody
// does.
func (s *Store) Holder(ctx context.Context, nodeHash string) (*person.Person, error) {
	return s.find(ctx, nodeHash)
}

// keepSends is for how long a send is charged to a person: longer than any budget
// and any month.
const keepSends = (quiet.MaxDays + 1) * 24 * time.Hour

// Charge commits, at once or not at all: the person as it was read, with the
// send appended to the node and the message waiting no more, and the given writes.
// So what was judged by reading the person still holds when they are made. Errors:
// *table.Conflict, in which the first reason is the person's.
func (s *Store) Charge(ctx context.Context, p *person.Person, nodeHash string, send person.Send, with ...table.Write) error {
	next := p.Clone()
	next.Settle(send.ID)
	for _, n := range next.Nodes {
		if n.ID.Hash() != nodeHash {
			continue
		}
		n.Sends = slices.DeleteFunc(n.Sends, func(old person.Send) bool {
			return old.ID == send.ID || send.At.Sub(old.At) > keepSends
		})
		n.Sends = append(n.Sends, send)
	}
	return s.replace(ctx, next, with...)
}

// Defer commits, at once or not at all: the person as it was read, with a message
// to the node that waits, the timer that brings it back, and the given writes.
// Errors: as Charge.
func (s *Store) Defer(ctx context.Context, p *person.Person, nodeHash string, w person.Wait, with ...table.Write) error {
	next := p.Clone()
	for _, n := range next.Nodes {
		if n.ID.Hash() == nodeHash {
			n.Put(w)
		}
	}
	if p.Due.IsZero() || w.Until.Before(p.Due) {
		next.Due = w.Until
		with = append(with, arm(p.Root, next.Due, s.now()))
		if !p.Due.IsZero() {
			with = append(with, table.Delete(timerKey(p.Root, p.Due), table.Condition{}))
		}
	}
	return s.replace(ctx, next, with...)
}

// Refund takes a send back, and a message that waits, together with the given
// writes. One that is not charged, or not any more, changes nothing.
func (s *Store) Refund(ctx context.Context, nodeHash, messageID string, with ...table.Write) error {
	for range maxAttempts {
		p, err := s.find(ctx, nodeHash)
		if err != nil {
			return err
		}
		switch charged := p != nil && (p.Settle(messageID) || refund(p, messageID)); {
		case !charged && len(with) == 0:
			return nil
		case p == nil:
			return s.table.Commit(ctx, s.owner(), with...)
		}
		err = s.replace(ctx, p, with...)
		if c := table.AsConflict(err); c == nil || c.Reasons[0] == table.Held {
			return err
		}
	}
	return errContended
}

func refund(p *person.Person, messageID string) (charged bool) {
	for _, n := range p.Nodes {
		before := len(n.Sends)
		n.Sends = slices.DeleteFunc(n.Sends, func(send person.Send) bool { return send.ID == messageID })
		charged = charged || len(n.Sends) < before
	}
	return charged
}

// replace puts the person in place of the version it was read at.
func (s *Store) replace(ctx context.Context, p *person.Person, with ...table.Write) error {
	body, err := p.Encode()
	if err != nil {
		return err
	}
	put := table.Put(table.PersonKey(p.Root), body, p.Expires, table.VersionIs(p.Version))
	return s.table.Commit(ctx, s.owner(), append([]table.Write{put}, with...)...)
}

// Agree records what a person said to a purpose, under one of its identities; see
// Say.
func (s *Store) Agree(ctx context.Context, strat *strategy.Strategy, id person.NodeID, key string, c person.Consent) error {
	_, err := s.Say(ctx, strat, id, Statement{Consent: map[string]person.Consent{key: c}})
	return err
}
