package people

import (
	"context"
	"slices"
	"strings"
	"time"

	"rapport/shared/fault"
	"rapport/shared/insight"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/table"
)

// Receipt says what an erasure took out. One that finds nothing left has zeros.
type Receipt struct {
	At       time.Time // when the person was erased, which may be long ago
	Nodes    int       // identities that are tombstones now
	Events   int       // event records
	Messages int       // ledgers: deleted, or stripped and soon expired
	Timers   int       // armed, or fired
	Letters  int       // events in queues, and dead letters; see Roads
}

// Roads are queues whose messages can be searched.
type Roads interface {
	// Remove takes out what waits for nodes with these hashes, and returns how
	// much that was.
	Remove(ctx context.Context, nodeHashes []string) (int, error)
}

// Erase forgets the person that has the node, with all its nodes. The first
// commit replaces the person by a tombstone: from then on nobody can read it, no
// event of any of its nodes counts, and every writer that had read it before
// fails and finds the tombstone. What hangs on the nodes is deleted after that.
// An erasure that was interrupted is finished by the next one; once finished,
// another changes nothing. Roads may be nil.
//
// What stays are the tombstones, under hashes; addresses that must get no mail,
// under hashes; for two weeks the stripped ledgers, for a message must not be
// sent or counted again; and counts.
//
// Errors: kind NotFound when nobody ever had the node.
func (s *Store) Erase(ctx context.Context, node person.NodeID, roads Roads) (Receipt, error) {
	var r Receipt
	for range maxAttempts {
		e, err := s.follow(ctx, node.Hash())
		switch {
		case err != nil:
			return r, err
		case e.erased:
			r.At = e.tomb.At
			return r, s.finish(ctx, e.root, e.tomb, roads, &r)
		case e.person == nil:
			return r, fault.New(fault.NotFound, "no_person", "nobody has this identity yet").In("node")
		}
		if err := s.settle(ctx, e.person); err != nil {
			return r, err
		}
		timers, err := s.entomb(ctx, e.person)
		if err != nil && table.AsConflict(err) == nil {
			return r, err
		}
		if err == nil {
			r.Timers = timers
		}
	}
	return r, errContended
}

// entomb replaces the person by a tombstone, and removes its timer.
func (s *Store) entomb(ctx context.Context, p *person.Person) (timers int, err error) {
	t := person.Tombstone{At: s.now()}
	for _, n := range p.Nodes {
		t.Rest = append(t.Rest, n.ID.Hash())
		if other, ok := twin(n.ID); ok && p.Node(other) == nil {
			t.Twins = append(t.Twins, other.Hash())
		}
		for _, r := range n.Refused {
			t.Apart = append(t.Apart, r.With.Hash())
		}
	}
	armed, err := s.armed(ctx, p)
	if err != nil {
		return 0, err
	}
	writes := []table.Write{table.Put(table.PersonKey(p.Root), t.Encode(), noExpiry, table.VersionIs(p.Version))}
	for _, key := range armed {
		writes = append(writes, table.Delete(key, table.Condition{}))
	}
	return len(armed), s.table.Commit(ctx, s.owner(), writes...)
}

// noExpiry is the expiry of what is kept for ever.
var noExpiry time.Time

// armed finds the person's timer. One that was overdue when it was armed stands
// in a later minute than its due instant says.
func (s *Store) armed(ctx context.Context, p *person.Person) ([]table.Key, error) {
	now := s.now()
	if p.Due.IsZero() {
		return nil, nil
	}
	first, last := sweepMinute(p.Due), sweepMinute(now)
	if last.Before(first) {
		last = first
	}
	var out []table.Key
	for hour := first.Truncate(time.Hour); !hour.After(last); hour = hour.Add(time.Hour) {
		due, err := s.due(ctx, table.TimerPartition(hour, shard(p.Root)), table.TimerRange(first, last))
		if err != nil {
			return nil, err
		}
		for _, t := range due {
			if t.Node == p.Root {
				out = append(out, table.TimerKey(t.Minute, shard(p.Root), p.Root, t.Due))
			}
		}
	}
	return out, nil
}

// finish deletes what hangs on the nodes, then makes each of them a tombstone of
// its own. Nothing is added to them any more: whoever would has to find the
// person first.
func (s *Store) finish(ctx context.Context, root string, t person.Tombstone, roads Roads, r *Receipt) error {
	if len(t.Rest) == 0 {
		return nil
	}
	for _, hash := range t.Rest {
		if err := s.clearAll(ctx, hash, r); err != nil {
			return err
		}
	}
	for _, hash := range t.Twins {
		if err := s.forgetTwin(ctx, hash, t.Rest); err != nil {
			return err
		}
	}
	for _, hash := range t.Apart {
		if err := s.forgetRefusals(ctx, hash, t.Rest); err != nil {
			return err
		}
	}
	if roads != nil {
		n, err := roads.Remove(ctx, t.Rest)
		if err != nil {
			return err
		}
		r.Letters = n
	}
	return s.closeAll(ctx, root, r)
}

// closeAll makes tombstones of all nodes that the root's remembers.
func (s *Store) closeAll(ctx context.Context, root string, r *Receipt) error {
	for range maxAttempts {
		items, err := s.table.Get(ctx, table.PersonKey(root))
		if err != nil {
			return err
		}
		if items[0] == nil {
			return nil // finished by another, and reopened
		}
		t, _ := person.DecodeTombstone(items[0].Body)
		if len(t.Rest) == 0 {
			return nil
		}
		n, err := s.close(ctx, root, items[0], t)
		if err != nil && table.AsConflict(err) == nil {
			return err
		}
		if err == nil {
			r.Nodes += n
		}
	}
	return errContended
}

// maxClosed is how many nodes become tombstones in one commit, beside the root.
const maxClosed = table.MaxCommitWrites - 1

// close makes tombstones of the next nodes and returns how many; the root, which
// remembers the rest, is counted with the last of them.
func (s *Store) close(ctx context.Context, root string, item *table.Item, t person.Tombstone) (int, error) {
	nodes := slices.DeleteFunc(slices.Clone(t.Rest), func(hash string) bool { return hash == root })
	now, rest := nodes[:min(len(nodes), maxClosed)], nodes[min(len(nodes), maxClosed):]
	keys := make([]table.Key, len(now))
	for i, hash := range now {
		keys[i] = table.PersonKey(hash)
	}
	var items []*table.Item
	if len(keys) > 0 {
		var err error
		if items, err = s.table.Get(ctx, keys...); err != nil {
			return 0, err
		}
	}
	put := table.Put(table.PersonKey(root), person.Tombstone{At: t.At, Rest: rest}.Encode(), noExpiry, table.VersionIs(item.Version))
	put.Counters = item.Counters
	writes := []table.Write{put}
	for i, key := range keys {
		cond := table.Absent()
		if items[i] != nil {
			cond = table.VersionIs(items[i].Version)
		}
		writes = append(writes, table.Put(key, person.Tombstone{At: t.At}.Encode(), noExpiry, cond))
	}
	n := len(now)
	if len(rest) == 0 {
		n++
	}
	return n, s.table.Commit(ctx, s.owner(), writes...)
}

// clearAll clears a node, of which another erasure may take away the same at
// this moment.
func (s *Store) clearAll(ctx context.Context, hash string, r *Receipt) error {
	for range maxAttempts {
		if err := s.clear(ctx, hash, r); table.AsConflict(err) == nil {
			return err
		}
	}
	return errContended
}

// clear deletes the children of a node.
func (s *Store) clear(ctx context.Context, hash string, r *Receipt) error {
	var gone []table.Write
	for item, err := range table.All(ctx, s.table, table.NodePartition(hash), table.Range{}) {
		if err != nil {
			return err
		}
		remove, err := s.releases(ctx, &item, r)
		if err != nil {
			return err
		}
		switch {
		case !remove:
		case strings.HasPrefix(item.Key.Sort, table.EventPrefix):
			gone = append(gone, wipe(&item, s.now()))
		default:
			gone = append(gone, table.Delete(item.Key, table.Condition{}))
		}
		if len(gone) == table.MaxCommitWrites {
			if err := s.table.Commit(ctx, s.owner(), gone...); err != nil {
				return err
			}
			gone = nil
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return s.table.Commit(ctx, s.owner(), gone...)
}

// releases counts an item of an erased node and reports whether it may be deleted.
func (s *Store) releases(ctx context.Context, item *table.Item, r *Receipt) (bool, error) {
	switch {
	case blank(item):
		return false, nil
	case strings.HasPrefix(item.Key.Sort, table.EventPrefix):
		r.Events++
		return true, nil
	case strings.HasPrefix(item.Key.Sort, table.ContentPrefix):
		return true, nil
	case strings.HasPrefix(item.Key.Sort, table.WakePrefix):
		r.Timers++
		return true, nil
	case item.Key.Sort == table.SplitKey("").Sort:
		return true, nil
	case strings.HasPrefix(item.Key.Sort, table.LedgerPrefix):
		return s.strip(ctx, item, r)
	default:
		return false, nil // the tombstone, or the pointer to it
	}
}

// strip takes out of a ledger what is about its person, and reports whether the
// rest may go as well. Send or hear may be moving it at this very moment.
func (s *Store) strip(ctx context.Context, item *table.Item, r *Receipt) (useless bool, err error) {
	book := message.Book{Table: s.table, Owner: s.owner}
	l, err := message.DecodeLedger(item)
	for range maxAttempts {
		if err != nil || l == nil || l.Erased {
			return false, err
		}
		waited := l.Waits()
		if l.Forget(s.now()) {
			r.Messages++
			return true, nil
		}
		if waited {
			err = s.tell(ctx, l)
		}
		if err == nil {
			err = book.Commit(ctx, l)
		}
		if err == nil {
			r.Messages++
			return false, nil
		}
		if table.AsConflict(err) == nil {
			return false, err
		}
		l, err = book.Read(ctx, l.Node, l.ID)
	}
	return false, errContended
}

// tell counts the end of a message that waited, ahead of the commit that ends it:
// both may be done again, and nobody else counts it.
func (s *Store) tell(ctx context.Context, l *message.Ledger) error {
	tallies := insight.Mail(l, time.UTC)
	if s.tallies == nil || len(tallies) == 0 {
		return nil
	}
	return s.tallies.Send(ctx, tallies...)
}

// Reopen lifts the tombstone of one node, which from then on is unknown like any
// other. The rest of the person stays erased. An erasure that was interrupted is
// finished first.
//
// Errors: kind NotFound, not_erased, when the node has no tombstone.
func (s *Store) Reopen(ctx context.Context, node person.NodeID, roads Roads) error {
	for range maxAttempts {
		e, err := s.follow(ctx, node.Hash())
		switch {
		case err != nil:
			return err
		case !e.erased:
			return fault.New(fault.NotFound, "not_erased", "nobody was erased under this identity; there is nothing to reopen").In("node")
		case len(e.tomb.Rest) > 0:
			if err := s.finish(ctx, e.root, e.tomb, roads, &Receipt{}); err != nil {
				return err
			}
			continue
		}
		err = s.table.Commit(ctx, s.owner(), table.Delete(table.PersonKey(e.root), table.VersionIs(e.item.Version)))
		if table.AsConflict(err) == nil {
			return err
		}
	}
	return errContended
}
