package people

import (
	"cmp"
	"context"
	"slices"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// Limits of one commit, and how often it is tried against others that change
// the same person.
const (
	maxFold      = 40
	maxFoldBytes = 2 << 20
	maxAttempts  = 40 // a person that many deliveries change at once: each round one of them wins
)

// Fold commits events, given in the order of arrival, so that each counts once:
// its record and all that it changes are written together. It returns the
// effects to publish, those of events that were folded before included, so the
// caller acknowledges the events only once the effects are out.
//
// The events should belong together (event.Group); others cost a larger commit.
// An error means that some events are not committed: deliver all of them again.
func (s *Store) Fold(ctx context.Context, strat *strategy.Strategy, events []event.Event) ([]Effect, error) {
	var effects []Effect
	for _, chunk := range chunks(distinct(events)) {
		out, err := s.fold(ctx, strat, chunk)
		effects = append(effects, out...)
		if err != nil {
			return effects, err
		}
	}
	return effects, nil
}

// distinct drops repetitions inside the batch and marks reused message ids.
func distinct(events []event.Event) []*entry {
	seen := map[table.Key]string{}
	var out []*entry
	for i := range events {
		en := &entry{given: &events[i], event: &events[i]}
		if digest, ok := seen[en.key()]; ok && digest != en.event.Digest {
			en.reused = true
		}
		if _, again := seen[en.key()]; again {
			continue
		}
		seen[en.key()] = en.event.Digest
		out = append(out, en)
	}
	return out
}

// chunks cuts entries into commits of bounded number and size.
func chunks(entries []*entry) [][]*entry {
	var out [][]*entry
	start, bytes := 0, 0
	for i, en := range entries {
		size := en.event.Size()
		if i > start && (i-start == maxFold || bytes+size > maxFoldBytes) {
			out = append(out, entries[start:i])
			start, bytes = i, 0
		}
		bytes += size
	}
	if start < len(entries) {
		out = append(out, entries[start:])
	}
	return out
}

// fold commits one chunk. It starts anew whenever another commit came first.
func (s *Store) fold(ctx context.Context, strat *strategy.Strategy, entries []*entry) ([]Effect, error) {
	var republished []Effect
	for range maxAttempts {
		if len(entries) == 0 {
			return republished, nil
		}
		effects, conflict, err := s.try(ctx, strat, entries)
		switch {
		case fault.KindOf(err) == fault.TooLarge:
			out, err := s.foldSmaller(ctx, strat, entries)
			return append(republished, out...), err
		case err != nil:
			return republished, err
		case conflict == nil:
			return append(republished, effects...), nil
		}
		var again []Effect
		if entries, again, err = s.drop(ctx, entries, conflict); err != nil {
			return republished, err
		}
		republished = append(republished, again...)
	}
	return republished, errContended
}

var errContended = fault.New(fault.Unavailable, "contended", "the person changes too often at this moment; try again")

// try makes one attempt at committing the entries. Their records are the first
// writes, in order, so that a conflict can be told apart.
func (s *Store) try(ctx context.Context, strat *strategy.Strategy, entries []*entry) ([]Effect, *table.Conflict, error) {
	u := s.begin(ctx, strat)
	if err := u.fold(entries); err != nil {
		return nil, nil, err
	}
	var effects []Effect
	var writes, contents []table.Write
	var latest *entry
	for _, en := range entries {
		if en.refused {
			continue
		}
		r := en.record()
		w, content, err := en.writes(until(u.people[u.home[en.event.Node().Hash()]], &r, strat))
		if err != nil {
			return nil, nil, err
		}
		latest, writes, contents = en, append(writes, w), append(contents, content...)
		effects = append(effects, en.effects...)
	}
	more, err := u.writes()
	if err != nil {
		return nil, nil, err
	}
	if writes = slices.Concat(writes, contents, more); len(writes) == 0 {
		return nil, nil, nil // nothing of these events is to be kept
	}
	if pends(latest, writes) {
		err = s.pend(ctx, writes[0], writes[1])
	} else {
		err = s.table.Commit(ctx, s.owner(), writes...)
	}
	if conflict := table.AsConflict(err); conflict != nil {
		return nil, conflict, nil
	}
	return effects, nil, err
}

// fold joins and applies the entries in memory. History and what happens now are
// looked at apart, for only the latter is announced.
func (u *unit) fold(entries []*entry) error {
	if err := u.read(hashes(entries)...); err != nil {
		return err
	}
	for len(entries) > 0 {
		n := slices.IndexFunc(entries, func(en *entry) bool { return en.event.Imported != entries[0].event.Imported })
		if n < 0 {
			n = len(entries)
		}
		if err := u.foldAlike(entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// foldAlike is fold for entries that are all history, or all not.
func (u *unit) foldAlike(entries []*entry) error {
	for _, en := range entries {
		if err := u.foldOne(en); err != nil {
			return err
		}
	}
	u.reassess(slices.DeleteFunc(slices.Clone(entries), func(en *entry) bool { return en.refused }))
	for _, en := range entries {
		en.answer()
	}
	return nil
}

// answer says of the entry's effects how many answers led to them.
func (en *entry) answer() {
	for i := range en.effects {
		en.effects[i].Hops = en.event.Hops
	}
}

func (u *unit) foldOne(en *entry) error {
	en.effects, en.verdicts = nil, nil
	u.refuse(en)
	if en.refused = en.refused || u.unmet(en.event); en.refused {
		return nil
	}
	if en.reused || en.full {
		u.relied[en.event.Node().Hash()] = true
		return nil
	}
	verdict, err := u.link(en.event)
	if err != nil {
		return err
	}
	p, err := u.person(en.event.Node())
	if err != nil {
		return err
	}
	en.judge(verdict)
	u.dirty[p.Root] = true
	u.apply(p, en)
	return nil
}

// apply applies an entry to the person that has its node.
func (u *unit) apply(p *person.Person, en *entry) {
	var verdict string
	if en.event.Imported {
		_, verdict = absorb(p, en.event, u.strategy, u.now)
		u.stale[p.Root] = true
	} else {
		en.effects, verdict = apply(p, en.event, u.strategy, u.now)
		delete(u.stale, p.Root)
	}
	if en.judge(verdict); verdict == NoConsent {
		en.event = bare(en.event)
	} else if !en.event.Imported {
		en.effects = append(en.effects, u.count(p, en.event)...)
	}
}

// reassess evaluates the people whose state changed after their audiences were
// last looked at: those that history was folded into, silently, and those that
// lost a node. What the latter changes is an effect of the last event.
func (u *unit) reassess(entries []*entry) {
	if len(entries) == 0 {
		return
	}
	last := entries[len(entries)-1]
	for _, root := range sortedKeys(u.stale) {
		p := u.people[root]
		node := last.event.Node()
		if p.Node(node) == nil {
			node = spokesman(p)
		}
		last.effects = append(last.effects, reassess(p, node, last.event.MessageID, u.strategy, u.now, last.event.Imported)...)
		delete(u.stale, root)
	}
}

// foldSmaller halves the chunk until it fits. A single event that does not fit
// is kept without being folded, and says so.
func (s *Store) foldSmaller(ctx context.Context, strat *strategy.Strategy, entries []*entry) ([]Effect, error) {
	if len(entries) == 1 {
		if entries[0].full {
			return nil, fault.New(fault.TooLarge, "event_too_large", "the event does not fit into a record")
		}
		entries[0].full = true
		return s.fold(ctx, strat, entries)
	}
	half := len(entries) / 2
	first, err := s.fold(ctx, strat, entries[:half])
	if err != nil {
		return first, err
	}
	second, err := s.fold(ctx, strat, entries[half:])
	return append(first, second...), err
}

// drop takes out the entries whose record exists and returns the effects those
// stored. A record of other content means that the message id was reused; a
// blank that the event was erased, and counts anew if its node was reopened.
func (s *Store) drop(ctx context.Context, entries []*entry, c *table.Conflict) ([]*entry, []Effect, error) {
	var keys []table.Key
	taken := map[*entry]int{}
	i := 0 // the place of the entry's record among the writes
	for _, en := range entries {
		if en.refused {
			continue
		}
		en.blank = 0
		if c.Reasons[i] == table.Exists {
			taken[en] = len(keys)
			keys = append(keys, en.key())
		}
		i++
	}
	if len(keys) == 0 {
		return entries, nil, nil
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, nil, err
	}
	var republished []Effect
	var rest []*entry
	for _, en := range entries {
		i, exists := taken[en]
		if !exists || items[i] == nil {
			rest = append(rest, en)
			continue
		}
		effects, again, err := s.repeat(ctx, en, items[i])
		if err != nil {
			return nil, nil, err
		}
		if !again {
			rest = append(rest, en)
		}
		republished = append(republished, effects...)
	}
	return rest, republished, nil
}

// repeat returns the effects in the record of an event. One of other content, and
// a blank, say that it is no repetition, and the entry remembers what it is.
func (s *Store) repeat(ctx context.Context, en *entry, item *table.Item) (effects []Effect, again bool, err error) {
	if blank(item) {
		en.blank = item.Version
		return nil, false, nil
	}
	r, err := DecodeRecord(item)
	if err != nil {
		return nil, false, err
	}
	if cmp.Or(r.Mark, r.Event.Digest) != en.event.Digest {
		en.reused = true
		return nil, false, nil
	}
	if r.Mark != "" {
		items, err := s.table.Get(ctx, en.contentKey())
		if err != nil || items[0] == nil {
			return nil, true, err // its effects have long been out
		}
		if r, err = DecodeRecord(items[0]); err != nil {
			return nil, false, err
		}
	}
	effects, err = s.restore(ctx, r)
	return effects, true, err
}

func hashes(entries []*entry) []string {
	var out []string
	for _, en := range entries {
		for _, id := range en.given.Nodes() {
			out = append(out, id.Hash())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
