package tabletest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// fill puts an item under each sort key, and its number as the body.
func (s *suite) fill(keys ...table.Key) {
	s.Helper()
	for chunk := range slices.Chunk(keys, table.MaxCommitWrites) {
		var writes []table.Write
		for _, key := range chunk {
			writes = append(writes, table.Put(key, []byte(key.Sort), time.Time{}, table.Absent()))
		}
		s.commit(writes...)
	}
}

func get(s *suite) {
	keys := s.keys(table.MaxGetKeys)
	s.fill(keys[:50]...)
	slices.Reverse(keys)
	for i, item := range s.get(keys...) {
		switch {
		case i < 50 && item != nil:
			s.Errorf("item %d is there: %v", i, item.Key)
		case i >= 50 && (item == nil || item.Key != keys[i] || string(item.Body) != keys[i].Sort):
			s.Errorf("item %d is %+v, want %v", i, item, keys[i])
		}
	}
	twice := s.get(keys[60], keys[0], keys[60])
	if twice[0] == nil || twice[1] != nil || twice[2] == nil || twice[0].Key != twice[2].Key {
		s.Errorf("a key that is named twice has two answers: %v", twice)
	}
	s.get() // no key, no answer
}

// sortOrder is that of the bytes, which is not that of UTF-16.
func sortOrder(s *suite) {
	want := []string{
		"\x01", " ", "#", "-1", "0", "1", "10", "2", "A", "B", "a", "a\x01", "a#", "a#b", "aa", "b", "z", "~",
		"é", "日本", "\uFFFD", "\U0001F600", "\U0010FFFF",
		"\U0010FFFF" + strings.Repeat("x", table.MaxKeyPartBytes-5), "\U0010FFFF" + strings.Repeat("x", table.MaxKeyPartBytes-4),
	}
	var keys []table.Key
	for i := range want {
		keys = append(keys, s.key(want[(i*7+3)%len(want)])) // 7 and 25 share no factor
	}
	s.fill(keys...)
	got := sorts(s.query(s.prefix, table.Range{}))
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("sort keys (-want +got):\n%s", diff)
	}
	slices.Reverse(want)
	got = sorts(s.query(s.prefix, table.Range{Descending: true}))
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("sort keys, descending (-want +got):\n%s", diff)
	}
}

// partitions do not reach into each other, however alike their names are.
func partitions(s *suite) {
	var keys []table.Key
	for _, more := range []string{"", "#", "#a", "\x01", "a", "aa", "é", "\U0010FFFF"} {
		for _, sort := range []string{"#", "a", "#a", "\x01", "\U0010FFFF"} {
			keys = append(keys, table.Key{Partition: s.prefix + more, Sort: sort})
		}
	}
	s.fill(keys...)
	for partition := range slices.Chunk(keys, 5) {
		for _, down := range []bool{false, true} {
			items := s.query(partition[0].Partition, table.Range{Descending: down})
			var got []table.Key
			for _, item := range items {
				got = append(got, item.Key)
			}
			if len(got) != 5 || slices.ContainsFunc(got, func(k table.Key) bool { return !slices.Contains(partition, k) }) {
				s.Errorf("partition %q has %q", partition[0].Partition, got)
			}
		}
	}
	if items := s.query(s.prefix+"nothing", table.Range{}); len(items) != 0 {
		s.Errorf("a partition without items has %v", items)
	}
	long := table.Key{Partition: s.prefix + strings.Repeat("p", 2*table.MaxKeyPartBytes-len(s.prefix)), Sort: strings.Repeat("s", table.MaxKeyPartBytes)}
	s.fill(long)
	s.holds(long, table.Item{Version: 1, Body: []byte(long.Sort)})
}

// ranges compares every kind of bound, in both directions and in pages of every
// size, with the same selection made on a list.
func ranges(s *suite) {
	var all []string
	var keys []table.Key
	for i := range 12 {
		all = append(all, fmt.Sprintf("k%02d", 2*i))
		keys = append(keys, s.key(all[i]))
	}
	s.fill(keys...)
	cases := []struct{ from, to string }{
		{"", ""},
		{"k06", ""},
		{"", "k06"},
		{"k06", "k14"}, // bounds are inclusive
		{"k05", "k15"},
		{"k06", "k06"},
		{"k07", "k07"},
		{"k14", "k06"},
		{"a", "k00"},
		{"k22", "z"},
		{"l", ""},
		{"", "j"},
		{"k", "k\U0010FFFF"},
	}
	for _, c := range cases {
		var want []string
		for _, sort := range all {
			if sort >= c.from && (c.to == "" || sort <= c.to) {
				want = append(want, sort)
			}
		}
		for _, limit := range []int{0, 1, 5, 12, 100} {
			up := table.Range{From: c.from, To: c.to, Limit: limit}
			down := up
			down.Descending = true
			got, back := sorts(s.query(s.prefix, up)), sorts(s.query(s.prefix, down))
			slices.Reverse(back)
			if !slices.Equal(got, want) || !slices.Equal(back, want) {
				s.Errorf("from %q to %q in pages of %d: %q, backwards %q, want %q", c.from, c.to, limit, got, back, want)
			}
		}
	}
}

// pages end after a megabyte, and All reads over them.
func pages(s *suite) {
	const n, size = 30, 50 << 10
	var writes []table.Write
	for i, key := range s.keys(n) {
		writes = append(writes, table.Put(key, bytes.Repeat([]byte{byte(i)}, size), time.Time{}, table.Absent()))
	}
	s.commit(writes...)
	first, err := s.table.Query(s.Context(), s.prefix, table.Range{})
	if err != nil || first.Next == "" || len(first.Items) == 0 || len(first.Items) > table.PageBytes/size+1 {
		s.Fatalf("first page has %d items, next %q: %v", len(first.Items), first.Next, err)
	}
	for _, r := range []table.Range{{}, {Descending: true}, {Limit: 25}, {From: "k002", To: "k028"}} {
		want := s.keys(n)
		if r.From != "" {
			want = want[2:29]
		}
		if r.Descending {
			slices.Reverse(want)
		}
		i := 0
		for item, err := range table.All(s.Context(), s.table, s.prefix, r) {
			if err != nil || i == len(want) || item.Key != want[i] || len(item.Body) != size {
				s.Fatalf("%+v: item %d is %v with %d bytes: %v", r, i, item.Key, len(item.Body), err)
			}
			i++
		}
		if i != len(want) {
			s.Errorf("%+v: %d items, want %d", r, i, len(want))
		}
	}
}

// scan finds every item in exactly one segment.
func scan(s *suite) {
	want := map[table.Key]bool{}
	var keys []table.Key
	for i := range 60 {
		key := table.Key{Partition: fmt.Sprintf("%s/%d", s.prefix, i%20), Sort: fmt.Sprint(i)}
		keys, want[key] = append(keys, key), true
	}
	s.fill(keys...)
	for _, c := range []struct{ of, limit int }{{0, 0}, {1, 7}, {4, 0}, {4, 1}, {table.MaxScanSegments, 0}} {
		found := map[table.Key]int{}
		for i := range max(c.of, 1) {
			items := s.follow(c.limit, func(after string) (table.Page, error) {
				return s.table.Scan(s.Context(), table.Segment{Index: i, Of: c.of, Limit: c.limit, After: after})
			})
			for _, item := range items {
				if want[item.Key] && string(item.Body) == item.Key.Sort && item.Version == 1 {
					found[item.Key]++
				}
			}
		}
		for key := range want {
			if found[key] != 1 {
				s.Errorf("%d segments in pages of %d: item %v was found %d times", c.of, c.limit, key, found[key])
			}
		}
	}
}

// refusedReads are wrong by themselves.
func refusedReads(s *suite) {
	key, long := s.key("a"), strings.Repeat("k", 2*table.MaxKeyPartBytes+1)
	keys := []struct {
		name string
		kind fault.Kind
		keys []table.Key
	}{
		{"too many", fault.TooLarge, s.keys(table.MaxGetKeys + 1)},
		{"no partition", fault.Invalid, []table.Key{key, {Sort: "a"}}},
		{"no sort key", fault.Invalid, []table.Key{key, s.key("")}},
		{"long sort key", fault.Invalid, []table.Key{s.key(long)}},
		{"long partition", fault.Invalid, []table.Key{{Partition: long, Sort: "a"}}},
	}
	for _, c := range keys {
		s.section("get "+c.name, func(s *suite) {
			_, err := s.table.Get(s.Context(), c.keys...)
			s.faulty(c.kind, err)
		})
	}
	queries := []struct {
		name      string
		partition string
		r         table.Range
	}{
		{"no partition", "", table.Range{}},
		{"long partition", long, table.Range{}},
		{"long bound", s.prefix, table.Range{To: long}},
		{"negative limit", s.prefix, table.Range{Limit: -1}},
	}
	for _, c := range queries {
		s.section("query "+c.name, func(s *suite) {
			_, err := s.table.Query(s.Context(), c.partition, c.r)
			s.faulty(fault.Invalid, err)
		})
	}
	for _, segment := range []table.Segment{{Index: 1}, {Index: -1, Of: 2}, {Index: 2, Of: 2}, {Of: table.MaxScanSegments + 1}, {Of: 1, Limit: -1}} {
		_, err := s.table.Scan(s.Context(), segment)
		s.faulty(fault.Invalid, err)
	}
}
