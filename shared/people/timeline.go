package people

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Timeline returns what is kept of a person's events, newest first, at most
// limit of them, and the cursor to pass as after for the ones before; "" at the
// end. It reads the partitions of all the person's nodes.
func (s *Store) Timeline(ctx context.Context, strat *strategy.Strategy, p *person.Person, after string, limit int) ([]Record, string, error) {
	from, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	k := keeper{p, strat, s.now()}
	var records []Record
	for _, n := range p.Nodes {
		for r, err := range s.records(ctx, k, n) {
			if err != nil {
				return nil, "", err
			}
			if from == nil || from.before(r) {
				records = append(records, *r)
			}
		}
	}
	slices.SortFunc(records, newestFirst)
	next := ""
	if len(records) > limit {
		records, next = records[:limit], cursorOf(&records[limit-1].Event)
	}
	names := s.names(p)
	for i := range records {
		if err := names.show(ctx, &records[i]); err != nil {
			return nil, "", err
		}
	}
	return records, next, nil
}

func newestFirst(a, b Record) int {
	return cmp.Or(b.Event.Timestamp.Compare(a.Event.Timestamp),
		cmp.Compare(a.Event.MessageID, b.Event.MessageID), cmp.Compare(a.Event.Digest, b.Event.Digest))
}

// cursor is the last record of a page; digest tells two of one message id apart.
type cursor struct {
	at                time.Time
	digest, messageID string
}

// cursorOf is the cursor after the event.
func cursorOf(last *event.Event) string {
	return fmt.Sprintf("%d~%s~%s", last.Timestamp.UnixMilli(), last.Digest, last.MessageID)
}

func parseCursor(text string) (*cursor, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.SplitN(text, "~", 3)
	ms, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || len(parts) != 3 {
		return nil, fault.New(fault.Invalid, "bad_cursor", "pass the next value of the page before").In("after")
	}
	return &cursor{at: time.UnixMilli(ms), digest: parts[1], messageID: parts[2]}, nil
}

// before reports whether the record comes after the cursor's in the list.
func (c *cursor) before(r *Record) bool {
	e := r.Event
	return cmp.Or(c.at.Compare(e.Timestamp), cmp.Compare(e.MessageID, c.messageID), cmp.Compare(e.Digest, c.digest)) > 0
}
