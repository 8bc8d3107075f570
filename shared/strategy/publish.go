package strategy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// partBytes is the most that one item of a published version holds.
const partBytes = 300 << 10

// maxParts bounds a strategy: all its parts are read in one call.
const maxParts = 20

// pointer is the body of the item that names the current version.
type pointer struct {
	Version string `json:"version"`
	Parts   int    `json:"parts"`
}

// Publish makes the document the current strategy, together with the earlier
// versions of its journeys that people may still be on. Its parts are stored
// first, the pointer last, so that readers never see half of it; publishing the
// current strategy again changes nothing. It returns faults of kind Invalid for a
// document that the engine cannot run, TooLarge for one of over 6 MB, and
// Conflict when somebody else published at the same moment.
func Publish(ctx context.Context, t table.Table, doc Document) error {
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
	doc, err = doc.retire(before).Seal()
	if err != nil {
		return err
	}
	body, err := doc.encode()
	if err != nil {
		return err
	}
	next := pointer{Version: doc.Version, Parts: (len(body) + partBytes - 1) / partBytes}
	if next.Parts > maxParts {
		return fault.New(fault.TooLarge, "strategy_too_large", "a strategy has at most %d KB; keep images and long texts on the website", maxParts*partBytes>>10)
	}
	if have == next {
		return nil
	}
	for i := range next.Parts {
		part := body[i*partBytes : min(len(body), (i+1)*partBytes)]
		if err := store(ctx, t, table.StrategyPartKey(doc.Version, i), part); err != nil {
			return err
		}
	}
	return point(ctx, t, next, version)
}

// previous returns the document that the pointer leads to. One that cannot be
// read does not stop the next from being published, which is what mends it.
func previous(ctx context.Context, t table.Table, p pointer) (Document, error) {
	body, err := parts(ctx, t, p)
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) && f.Code == missingPart {
			return Document{}, nil
		}
		return Document{}, err
	}
	var doc Document
	if json.Unmarshal(body, &doc) != nil {
		return Document{}, nil
	}
	return doc, nil
}

// current reads the pointer and its item's version, 0 when nothing was published.
func current(ctx context.Context, t table.Table) (pointer, int64, error) {
	var p pointer
	items, err := t.Get(ctx, table.StrategyPointerKey())
	if err != nil || items[0] == nil {
		return p, 0, err
	}
	if err := json.Unmarshal(items[0].Body, &p); err != nil {
		return p, 0, fault.New(fault.Internal, "strategy_pointer", "the pointer to the strategy cannot be read; publish again").Because(err)
	}
	return p, items[0].Version, nil
}

// store puts one part. An earlier attempt may have put it already.
func store(ctx context.Context, t table.Table, key table.Key, part []byte) error {
	err := t.Commit(ctx, "publish "+key.Sort, table.Put(key, part, time.Time{}, table.Absent()))
	if table.AsConflict(err) == nil {
		return err
	}
	items, err := t.Get(ctx, key)
	if err != nil {
		return err
	}
	if items[0] == nil || !bytes.Equal(items[0].Body, part) {
		return fault.New(fault.Conflict, "strategy_part", "another strategy is stored as %s; change anything in yours and publish again", key.Sort)
	}
	return nil
}

// point moves the pointer, whose item has that version, to the next strategy.
func point(ctx context.Context, t table.Table, next pointer, version int64) error {
	cond := table.Absent()
	if version > 0 {
		cond = table.VersionIs(version)
	}
	body, err := json.Marshal(next)
	if err != nil {
		return fault.New(fault.Internal, "strategy_pointer", "the pointer to the strategy could not be encoded").Because(err)
	}
	owner := fmt.Sprintf("publish %s after %d", next.Version, version)
	err = t.Commit(ctx, owner, table.Put(table.StrategyPointerKey(), body, time.Time{}, cond))
	if table.AsConflict(err) != nil {
		return fault.New(fault.Conflict, "published_meanwhile", "somebody else published at the same moment; look at the current strategy, then publish again").Because(err)
	}
	return err
}
