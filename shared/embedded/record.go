package embedded

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// record is an item as the file holds it. A nil record is an absent item.
type record struct {
	version  int64
	owner    string // of the commit that wrote it last
	expires  int64  // unix seconds; 0: never
	counters map[string]int64
	body     []byte
}

// live reports whether the record is there for readers and conditions at now,
// in unix seconds: in its last second an item is gone.
func (r *record) live(now int64) bool { return r != nil && (r.expires == 0 || r.expires > now) }

// bytes returns the size of the record's item, 0 when there is none.
func (r *record) bytes(key table.Key) int {
	if r == nil {
		return 0
	}
	return table.Item{Key: key, Counters: r.counters, Body: r.body}.Bytes()
}

// item returns a copy that is the caller's own.
func (r *record) item(key table.Key) table.Item {
	item := table.Item{Key: key, Version: r.version, Counters: r.counters}
	if len(r.body) > 0 {
		item.Body = slices.Clone(r.body)
	}
	if r.expires != 0 {
		item.Expires = time.Unix(r.expires, 0).UTC()
	}
	return item
}

// format is the first byte of every value. Another layout gets another number,
// and this one stays readable.
const format = 1

// encode lays a record out as
//
//	format byte | version | owner | expires | counters | body
//
// Numbers are varints, texts have their length before them, counters have their
// number before them and are sorted by name, and the body is the rest.
func (r *record) encode() []byte {
	b := make([]byte, 0, 64+len(r.owner)+len(r.body)+32*len(r.counters))
	b = append(b, format)
	b = binary.AppendVarint(b, r.version)
	b = appendText(b, r.owner)
	b = binary.AppendVarint(b, r.expires)
	b = binary.AppendUvarint(b, uint64(len(r.counters)))
	for _, name := range slices.Sorted(maps.Keys(r.counters)) {
		b = appendText(b, name)
		b = binary.AppendVarint(b, r.counters[name])
	}
	return append(b, r.body...)
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// decodeRecord is the inverse of encode; the body still lies in value. It fails
// with kind Internal on anything that encode does not make.
func decodeRecord(value []byte) (*record, error) {
	if len(value) == 0 || value[0] != format {
		return nil, unreadable()
	}
	c := cutter{rest: value[1:]}
	r := &record{version: c.number(), owner: c.text(), expires: c.number()}
	// A counter takes two bytes at least: a larger number is damage.
	if n := c.count(); n > len(c.rest)/2 {
		c.broken = true
	} else if n > 0 {
		r.counters = make(map[string]int64, n)
		for range n {
			name := c.text()
			r.counters[name] = c.number()
		}
	}
	if c.broken {
		return nil, unreadable()
	}
	r.body = c.rest
	return r, nil
}

func unreadable() error {
	return fault.New(fault.Internal, "item_unreadable",
		"the data file holds an item that this version cannot read: use the version that wrote it, or restore the file")
}

// cutter takes one part after the other off the front of a value. After the
// first part that does not fit, it is broken and yields zeros.
type cutter struct {
	rest   []byte
	broken bool
}

func (c *cutter) number() int64 {
	v, n := binary.Varint(c.rest)
	c.skip(n)
	return v
}

// count reads a length, which is never more than what follows it.
func (c *cutter) count() int {
	v, n := binary.Uvarint(c.rest)
	c.skip(n)
	if v > uint64(len(c.rest)) {
		c.broken = true
		return 0
	}
	return int(v)
}

func (c *cutter) text() string {
	n := c.count()
	text := string(c.rest[:n])
	c.rest = c.rest[n:]
	return text
}

func (c *cutter) skip(n int) {
	if n <= 0 {
		c.broken, c.rest = true, nil
		return
	}
	c.rest = c.rest[n:]
}
