package tabletest

import (
	"time"

	"rapport/shared/table"
)

// expired items are absent to everyone from their last second on.
func expired(s *suite) {
	key, stays, limit := s.key("item"), s.key("stays"), s.clock.in(10*time.Second)
	w := table.Put(key, []byte("old"), limit, table.Absent())
	w.Counters = map[string]int64{"n": 5}
	s.commit(w, table.Put(stays, []byte("old"), limit.Add(time.Hour), table.Absent()))

	s.clock.advance(limit.Sub(s.clock.read()) - time.Nanosecond)
	s.holds(key, table.Item{Version: 1, Body: []byte("old"), Expires: limit, Counters: w.Counters})
	s.seen(key, 1)
	s.seen(stays, 1)
	s.refused(because(table.Exists), table.Check(key, table.Absent()))

	s.clock.advance(time.Nanosecond)
	s.absent(key)
	s.seen(key, 0)
	s.seen(stays, 1)
	s.commit(table.Check(key, table.Absent()))
	s.commit(table.Check(key, table.CounterBelow("n", 1)))
	s.refused(because(table.Missing), table.Check(key, table.VersionIs(1)))

	s.clock.advance(500 * time.Millisecond)
	s.absent(key)
	s.seen(key, 0)
	s.commit(table.Check(key, table.Absent()))
}

// seen expects the item that often in a query and a scan.
func (s *suite) seen(key table.Key, times int) {
	s.Helper()
	scanned := s.follow(0, func(after string) (table.Page, error) {
		return s.table.Scan(s.Context(), table.Segment{Of: 1, After: after})
	})
	for call, items := range map[string][]table.Item{"query": s.query(key.Partition, table.Range{}), "scan": scanned} {
		n := 0
		for _, item := range items {
			if item.Key == key {
				n++
			}
		}
		if n != times {
			s.Errorf("%s finds item %q %d times, want %d", call, key.Sort, n, times)
		}
	}
}

// expiry is kept in whole seconds, and what takes the place of an expired item
// has nothing of it.
func expiry(s *suite) {
	limit := s.clock.in(10 * time.Second)
	s.section("whole seconds", func(s *suite) {
		s.commit(table.Put(s.key("item"), nil, limit.Add(999*time.Millisecond), table.Absent()))
		s.holds(s.key("item"), table.Item{Version: 1, Expires: limit})
		zoned := limit.In(time.FixedZone("", 5*3600+1800))
		s.commit(table.Add(s.key("zoned"), map[string]int64{"n": 1}, zoned, table.Condition{}))
		s.holds(s.key("zoned"), table.Item{Version: 1, Expires: limit, Counters: map[string]int64{"n": 1}})
	})
	s.section("born expired", func(s *suite) {
		key := s.key("item")
		s.commit(table.Put(key, []byte("a"), s.clock.in(0), table.Absent()))
		s.absent(key)
		s.commit(table.Put(key, []byte("b"), s.clock.in(time.Second), table.Absent()))
		s.holds(key, table.Item{Version: 1, Body: []byte("b"), Expires: s.clock.in(time.Second)})
	})
	replace := map[string]struct {
		write func(key table.Key, expires time.Time) table.Write
		want  *table.Item
	}{
		"put": {func(k table.Key, e time.Time) table.Write { return table.Put(k, []byte("new"), e, table.Absent()) }, &table.Item{Body: []byte("new")}},
		"add": {func(k table.Key, e time.Time) table.Write {
			return table.Add(k, map[string]int64{"m": 2}, e, table.Condition{})
		}, &table.Item{Counters: map[string]int64{"m": 2}}},
		"delete": {func(k table.Key, _ time.Time) table.Write { return table.Delete(k, table.VersionIs(4)) }, nil},
	}
	for name, r := range replace {
		s.section("replaced by "+name, func(s *suite) {
			key := s.key("item")
			w := table.Put(key, []byte("old"), s.clock.in(10*time.Second), table.Absent())
			w.Counters = map[string]int64{"n": 5}
			s.commit(w)
			s.clock.advance(10 * time.Second)
			s.commit(r.write(key, s.clock.in(time.Minute)))
			if r.want == nil {
				s.absent(key)
				return
			}
			r.want.Version, r.want.Expires = 1, s.clock.in(time.Minute)
			s.holds(key, *r.want)
			s.clock.advance(time.Minute)
			s.absent(key)
		})
	}
}

// expiredPages are read over even when nothing is left of a whole page.
func expiredPages(s *suite) {
	const size = 50 << 10
	var writes []table.Write
	for _, key := range s.keys(table.PageBytes/size + 5) {
		writes = append(writes, table.Put(key, make([]byte, size), s.clock.in(10*time.Second), table.Absent()))
	}
	s.commit(append(writes, table.Put(s.key("last"), nil, time.Time{}, table.Absent()))...)
	s.clock.advance(10 * time.Second)
	for _, r := range []table.Range{{}, {Limit: 1}} {
		if got := sorts(s.query(s.prefix, r)); len(got) != 1 || got[0] != "last" {
			s.Errorf("pages of %d: %q, want the last item only", r.Limit, got)
		}
	}
}

// expiredBetween hides expired items from pages without losing the others.
func expiredBetween(s *suite) {
	var want []string
	for i, key := range s.keys(20) {
		expires := s.clock.in(10 * time.Second)
		if i%3 == 2 {
			expires, want = time.Time{}, append(want, key.Sort)
		}
		s.commit(table.Put(key, nil, expires, table.Absent()))
	}
	s.clock.advance(10 * time.Second)
	for _, r := range []table.Range{{}, {Limit: 1}, {Limit: 2}, {Limit: 4}} {
		got := sorts(s.query(s.prefix, r))
		if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			s.Errorf("pages of %d: %q, want %q", r.Limit, got, want)
		}
	}
}
