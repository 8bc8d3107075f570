package people

import (
	"context"
	"strings"
	"time"

	"rapport/shared/person"
	"rapport/shared/table"
)

// A transaction costs twice as much as the writes in it. Most commits are one
// event and its person, and those make do with two writes of their own:
//
//	1  read the person, at version v; what is pending in it is put in its place
//	2  read the event's record: if it is there, the event was counted before
//	3  put the person if it still has version v, with the record pending in it
//	4  put the record if it is absent
//
// Step 3 is the commit. An event that was counted is pending in the person, or
// has its record, for nothing replaces what is pending before its record is
// there. Since step 2 comes after step 1, and step 3 holds for that version
// only, no event is counted twice: who read the person before it was counted
// fails at step 3, and who read it afterwards finds the record at step 2. And
// who dies after step 3 leaves all that it takes to go on: the delivery that
// comes again puts the record in its place, and takes the effects from it.
//
// Step 4 may come at any time, even after the person was erased. So an erasure
// leaves blanks where records were, for as long as a write may be on its way: a
// counted event's place is never empty, and what comes late finds it taken.

// Bounds of what pends: that it is no burden to those who read the person, who
// pay by 4 KB.
const (
	maxPending = 600
	readUnit   = 4 << 10
)

// pends reports whether the writes are the entry's new record and its person
// only, and the person is a good place for the record: it expires when the event
// alone says so. What is imported is written by the hundred, and may be imported
// again after an erasure, which therefore leaves no blanks of it.
func pends(en *entry, writes []table.Write) bool {
	return en != nil && len(writes) == 2 && writes[1].Op == table.OpPut &&
		strings.HasPrefix(writes[0].Key.Sort, table.EventPrefix) && writes[0].If.Absent &&
		!en.event.Imported && writes[0].Expires.Equal(en.known()) &&
		len(writes[0].Body) <= maxPending && writes[1].Bytes()+len(writes[0].Body) < readUnit
}

// pend commits one event with its person, which was read before: steps 2 to 4.
// Errors: *table.Conflict, whose first reason is the record's.
func (s *Store) pend(ctx context.Context, record, put table.Write) error {
	items, err := s.table.Get(ctx, record.Key)
	switch {
	case err != nil:
		return err
	case items[0] != nil:
		return &table.Conflict{Reasons: []table.Reason{table.Exists, table.Held}}
	}
	put.Body = person.Pend(put.Body, record.Body)
	err = s.table.Commit(ctx, s.owner(), put)
	if c := table.AsConflict(err); c != nil {
		return &table.Conflict{Reasons: append([]table.Reason{table.Held}, c.Reasons...)}
	}
	if err != nil {
		return err
	}
	return s.keep(ctx, record)
}

// keep puts a record in its place, unless it lies there already.
func (s *Store) keep(ctx context.Context, record table.Write) error {
	err := s.table.Commit(ctx, s.owner(), record)
	switch c := table.AsConflict(err); {
	case c == nil:
		return err
	case c.Reasons[0] == table.Exists:
		return nil
	}
	return errContended
}

// waiting returns what is pending in a person, and the write that puts it in its
// place; nil when nothing is.
func waiting(p *person.Person) (*Record, table.Write, error) {
	if p.Pending == nil {
		return nil, table.Write{}, nil
	}
	r, err := unpackRecord(p.Pending)
	if err != nil {
		return nil, table.Write{}, err
	}
	en := entry{event: &r.Event}
	return r, en.put(p.Pending, en.known()), nil
}

// settle puts what is pending in a person in its place, so that the person may
// be replaced without it.
func (s *Store) settle(ctx context.Context, p *person.Person) error {
	r, record, err := waiting(p)
	if r == nil || err != nil {
		return err
	}
	items, err := s.table.Get(ctx, record.Key)
	if err == nil && items[0] == nil {
		err = s.keep(ctx, record)
	}
	if err == nil {
		p.Pending = nil
	}
	return err
}

// blankLife is for how long an erasure keeps the places of records taken: longer
// than any function runs that may be about to write there.
const blankLife = 24 * time.Hour

// blank reports whether the item keeps the place of a record that was erased.
func blank(item *table.Item) bool { return len(item.Body) == 0 }

// wipe takes the record of an erased event away, and leaves a blank where one
// that was pending may still come.
func wipe(item *table.Item, now time.Time) table.Write {
	if item.Expires.IsZero() {
		return table.Delete(item.Key, table.Condition{})
	}
	return table.Put(item.Key, nil, now.Add(blankLife), table.VersionIs(item.Version))
}
