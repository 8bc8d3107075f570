package embedded

import (
	"bytes"
	"hash/fnv"

	"rapport/shared/table"
)

// A key in the file is the partition, a mark, and the sort key as it is. A zero
// byte in the partition is escaped, and both the mark and the escape begin with
// one. So bytes order as (partition, sort), and no partition reaches into another.
var (
	mark    = []byte{0, 1}
	markEnd = []byte{0, 2} // above every key of the partition
	zero    = []byte{0}
	escaped = []byte{0, 0xFF}
)

func encodeKey(key table.Key) []byte {
	return append(append(escape(key.Partition), mark...), key.Sort...)
}

func escape(partition string) []byte {
	return bytes.ReplaceAll([]byte(partition), zero, escaped)
}

// decodeKey is the inverse of encodeKey.
func decodeKey(encoded []byte) table.Key {
	partition, sort, _ := bytes.Cut(encoded, mark)
	return table.Key{Partition: string(bytes.ReplaceAll(partition, escaped, zero)), Sort: string(sort)}
}

// inSegment reports whether a partition belongs to that share of the table.
func inSegment(partition string, s table.Segment) bool {
	if s.Of <= 1 {
		return true
	}
	h := fnv.New32a()
	h.Write([]byte(partition)) // a hash takes every write
	return h.Sum32()%uint32(s.Of) == uint32(s.Index)
}

// span is an interval of encoded keys: low belongs to it, high does not.
type span struct{ low, high []byte }

func rangeSpan(partition string, r table.Range) span {
	prefix := escape(partition)
	at := func(sort string) []byte { return bytes.Join([][]byte{prefix, mark, []byte(sort)}, nil) }
	above := func(sort string) []byte { return append(at(sort), 0) } // the next key that is possible
	s := span{low: at(r.From), high: bytes.Join([][]byte{prefix, markEnd}, nil)}
	if r.To != "" {
		s.high = above(r.To)
	}
	switch {
	case r.After == "":
	case r.Descending:
		s.high = least(s.high, at(r.After))
	default:
		s.low = greatest(s.low, above(r.After))
	}
	return s
}

func least(a, b []byte) []byte {
	if bytes.Compare(a, b) < 0 {
		return a
	}
	return b
}

func greatest(a, b []byte) []byte {
	if bytes.Compare(a, b) > 0 {
		return a
	}
	return b
}
