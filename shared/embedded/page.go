package embedded

import (
	"bytes"
	"context"
	"encoding/base64"
	"iter"

	"go.etcd.io/bbolt"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// Query implements table.Table.
func (d *DB) Query(ctx context.Context, partition string, r table.Range) (table.Page, error) {
	if err := table.ValidateRange(partition, r); err != nil {
		return table.Page{}, err
	}
	p := pager{now: d.clock().Unix(), limit: r.Limit, cursor: func(key table.Key) string { return key.Sort }}
	walk := ascending
	if r.Descending {
		walk = descending
	}
	err := d.view(ctx, func(b *bbolt.Bucket) error {
		return p.fill(walk(b.Cursor(), rangeSpan(partition, r)), func(table.Key) bool { return true })
	})
	return p.end(ctx, "Query", err)
}

// Scan implements table.Table. The segment of an item depends on its partition.
func (d *DB) Scan(ctx context.Context, s table.Segment) (table.Page, error) {
	if err := table.ValidateSegment(s); err != nil {
		return table.Page{}, err
	}
	after, err := base64.RawURLEncoding.DecodeString(s.After)
	if err != nil {
		return table.Page{}, fault.New(fault.Invalid, "bad_cursor", "read on with the cursor of the page before").Because(err)
	}
	everything := span{high: []byte{0xFF}} // keys are UTF-8, which has no such byte
	if len(after) > 0 {
		everything.low = append(after, 0)
	}
	p := pager{now: d.clock().Unix(), limit: s.Limit, cursor: func(key table.Key) string {
		return base64.RawURLEncoding.EncodeToString(encodeKey(key))
	}}
	err = d.view(ctx, func(b *bbolt.Bucket) error {
		return p.fill(ascending(b.Cursor(), everything), func(key table.Key) bool { return inSegment(key.Partition, s) })
	})
	return p.end(ctx, "Scan", err)
}

// pager fills one page. Like DynamoDB it pays for expired items that it passes.
type pager struct {
	now    int64
	limit  int
	cursor func(table.Key) string

	page table.Page
	read int // bytes
}

// fill takes the wanted items of a walk until the page is full, and then notes
// where to read on if anything is left.
func (p *pager) fill(walk iter.Seq2[[]byte, []byte], want func(table.Key) bool) error {
	var last table.Key
	for encoded, value := range walk {
		key := decodeKey(encoded)
		if !want(key) {
			continue
		}
		if p.read >= table.PageBytes || p.limit > 0 && len(p.page.Items) >= p.limit {
			p.page.Next = p.cursor(last)
			return nil
		}
		r, err := decodeRecord(value)
		if err != nil {
			return err
		}
		p.read += r.bytes(key)
		if r.live(p.now) {
			p.page.Items = append(p.page.Items, r.item(key))
		}
		last = key
	}
	return nil
}

// end returns the page and reports what it consumed.
func (p *pager) end(ctx context.Context, call string, err error) (table.Page, error) {
	if err != nil {
		return table.Page{}, err
	}
	table.Spend(ctx, table.Usage{Call: call, Items: len(p.page.Items), Reads: readUnits(p.read)})
	return p.page, nil
}

func ascending(c *bbolt.Cursor, s span) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		key, value := c.Seek(s.low)
		for key != nil && bytes.Compare(key, s.high) < 0 && yield(key, value) {
			key, value = c.Next()
		}
	}
}

func descending(c *bbolt.Cursor, s span) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		before := c.Prev
		if above, _ := c.Seek(s.high); above == nil {
			before = c.Last
		}
		key, value := before()
		for key != nil && bytes.Compare(key, s.low) >= 0 && yield(key, value) {
			key, value = c.Prev()
		}
	}
}
