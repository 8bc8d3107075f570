package strategy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// Publish makes the document the current strategy, together with the earlier
// versions of its journeys that people may still be on. Its parts are stored
// first, the pointer last, so that readers never see half of it; publishing the
// current strategy again changes nothing. Now is when what the strategy before did
// not keep any more is lost for good (event.Retention). It returns faults of kind
// Invalid for a document that the engine cannot run, TooLarge for one of over
// 6 MB, and Conflict when somebody else published at the same moment.
func Publish(ctx context.Context, t table.Table, doc Document, now time.Time) error {
	if _, err := Ready(doc); err != nil {
		return err
	}
	have, version, err := current(ctx, t)
	if err != nil {
		return err
	}
	before, err := previous(ctx, t, have)
	if err != nil {
		return err
	}
	doc = doc.retire(before)
	if before.Version != "" {
		doc.Retention = doc.Retention.Succeed(before.Retention, now)
	}
	doc, err = doc.Seal()
	if err != nil {
		return err
	}
	next, parts, err := doc.split()
	if err != nil {
		return err
	}
	if have.header == next.header {
		return nil
	}
	for _, p := range parts {
		if err := store(ctx, t, p); err != nil {
			return err
		}
	}
	return point(ctx, t, next, version)
}

// previous returns the document that the pointer leads to, an empty one if there
// is none. One that cannot be read counts as none: publishing is what mends it.
func previous(ctx context.Context, t table.Table, p pointer) (Document, error) {
	doc, err := p.read(ctx, t, true)
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == missingPart || f.Code == damaged || f.Code == unreadable) {
		return Document{}, nil
	}
	return doc, err
}

// current reads the pointer and its item's version, 0 when nothing was published.
func current(ctx context.Context, t table.Table) (pointer, int64, error) {
	items, err := t.Get(ctx, table.StrategyPointerKey())
	if err != nil || items[0] == nil {
		return pointer{}, 0, err
	}
	p, err := decodePointer(items[0].Body)
	return p, items[0].Version, err
}

// store puts one part. An earlier attempt may have put it already.
func store(ctx context.Context, t table.Table, p part) error {
	err := t.Commit(ctx, "publish "+p.key.Sort, table.Put(p.key, p.body, time.Time{}, table.Absent()))
	if table.AsConflict(err) == nil {
		return err
	}
	items, err := t.Get(ctx, p.key)
	if err != nil {
		return err
	}
	if items[0] == nil || !bytes.Equal(items[0].Body, p.body) {
		return fault.New(fault.Conflict, "strategy_part", "another strategy is stored as %s; change anything in yours and publish again", p.key.Sort)
	}
	return nil
}

// point moves the pointer, whose item has that version, to the next strategy.
func point(ctx context.Context, t table.Table, next pointer, version int64) error {
	cond := table.Absent()
	if version > 0 {
		cond = table.VersionIs(version)
	}
	body, err := next.encode()
	if err != nil {
		return err
	}
	owner := fmt.Sprintf("publish %s after %d", next.Version, version)
	err = t.Commit(ctx, owner, table.Put(table.StrategyPointerKey(), body, time.Time{}, cond))
	if table.AsConflict(err) != nil {
		return fault.New(fault.Conflict, "published_meanwhile", "somebody else published at the same moment; look at the current strategy, then publish again").Because(err)
	}
	return err
}
