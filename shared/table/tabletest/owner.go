package tabletest

import (
	"time"

	"rapport/shared/table"
)

// ownSuccess repeats commits as after a lost reply: nothing changes any more.
func ownSuccess(s *suite) {
	never := time.Time{}
	one := map[string]int64{"n": 1}
	s.section("put", func(s *suite) {
		key := s.key("item")
		for range 3 {
			s.commitAs("first", table.Put(key, []byte("one"), never, table.Absent()))
		}
		s.holds(key, table.Item{Version: 1, Body: []byte("one")})
		for range 3 {
			s.commitAs("second", table.Put(key, []byte("two"), never, table.VersionIs(1)))
		}
		s.holds(key, table.Item{Version: 2, Body: []byte("two")})
	})
	s.section("put that would hold again", func(s *suite) {
		key := s.key("item")
		s.commitAs("same", table.Put(key, []byte("one"), never, table.Absent()))
		s.commitAs("same", table.Put(key, []byte("two"), never, table.VersionIs(1)))
		s.holds(key, table.Item{Version: 1, Body: []byte("one")})
	})
	s.section("add", func(s *suite) {
		key := s.key("item")
		for range 3 {
			s.commitAs("same", table.Add(key, one, never, table.Condition{}))
		}
		s.holds(key, table.Item{Version: 1, Counters: one})
		s.commitAs("other", table.Add(key, one, never, table.Condition{}))
		s.holds(key, table.Item{Version: 2, Counters: map[string]int64{"n": 2}})
	})
	s.section("add under its own limit", func(s *suite) {
		key := s.key("item")
		for range 3 {
			s.commitAs("same", table.Add(key, one, never, table.CounterBelow("n", 1)))
		}
		s.holds(key, table.Item{Version: 1, Counters: one})
	})
	s.section("delete", func(s *suite) {
		key := s.key("item")
		s.commit(table.Put(key, nil, never, table.Absent()))
		for range 3 {
			s.commitAs("same", table.Delete(key, table.VersionIs(1)))
		}
		s.absent(key)
	})
	s.section("several", func(s *suite) {
		counter, marker, gone := s.key("counter"), s.key("marker"), s.key("gone")
		commit := []table.Write{
			table.Add(counter, one, never, table.Condition{}),
			table.Put(marker, nil, never, table.Absent()),
			table.Delete(gone, table.VersionIs(1)),
		}
		s.commit(table.Put(gone, nil, never, table.Absent()))
		s.commitAs("same", commit...)
		s.commitAs("same", commit...)

		// One item that still shows the owner is enough, wherever it stands.
		s.commit(table.Add(counter, one, never, table.Condition{}))
		s.commitAs("same", commit...)
		s.holds(counter, table.Item{Version: 2, Counters: map[string]int64{"n": 2}})
		s.holds(marker, table.Item{Version: 1})
		s.absent(gone)
	})
	s.section("with a check that no longer holds", func(s *suite) {
		guard, key := s.key("guard"), s.key("item")
		commit := []table.Write{table.Check(guard, table.Absent()), table.Put(key, nil, never, table.Absent())}
		s.commitAs("same", commit...)
		s.commit(table.Put(guard, nil, never, table.Absent()))
		s.commitAs("same", commit...)
		s.holds(key, table.Item{Version: 1})
	})
}

// strangers are never taken for the owner.
func strangers(s *suite) {
	never := time.Time{}
	one := map[string]int64{"n": 1}
	s.section("another owner", func(s *suite) {
		marker, counter := s.key("marker"), s.key("counter")
		commit := []table.Write{table.Put(marker, nil, never, table.Absent()), table.Add(counter, one, never, table.Condition{})}
		s.commitAs("a", commit...)
		s.refusedAs("b", because(table.Exists, table.Held), commit...)
		s.refusedAs("A", because(table.Exists, table.Held), commit...)
		s.holds(counter, table.Item{Version: 1, Counters: one})
	})
	s.section("an owner whose items others have changed", func(s *suite) {
		key := s.key("item")
		s.commitAs("a", table.Put(key, []byte("a"), never, table.Absent()))
		s.commitAs("b", table.Put(key, []byte("b"), never, table.VersionIs(1)))
		s.refusedAs("a", because(table.Exists), table.Put(key, []byte("a"), never, table.Absent()))
		s.holds(key, table.Item{Version: 2, Body: []byte("b")})
	})
	s.section("a refused commit leaves no owner behind", func(s *suite) {
		key, other := s.key("item"), s.key("other")
		s.commitAs("a", table.Put(key, nil, never, table.Absent()))
		commit := []table.Write{table.Add(other, one, never, table.Condition{}), table.Put(key, nil, never, table.Absent())}
		s.refusedAs("b", because(table.Held, table.Exists), commit...)
		s.refusedAs("b", because(table.Held, table.Exists), commit...)
		s.absent(other)
	})
	s.section("the owner of an item that is only checked", func(s *suite) {
		guard, key := s.key("guard"), s.key("item")
		s.commitAs("a", table.Put(guard, nil, never, table.Absent()))
		s.refusedAs("a", because(table.Exists), table.Check(guard, table.Absent()))
		s.refusedAs("a", because(table.Exists, table.Held), table.Check(guard, table.Absent()), table.Put(key, nil, never, table.Absent()))
		s.commitAs("a", table.Check(guard, table.VersionIs(1)), table.Put(key, nil, never, table.Absent()))
		s.holds(key, table.Item{Version: 1})
		s.holds(guard, table.Item{Version: 1})
	})
	s.section("the owner of an item that has expired", func(s *suite) {
		key := s.key("item")
		w := table.Add(key, one, s.clock.in(10*time.Second), table.Condition{})
		s.commitAs("a", w)
		s.clock.advance(10 * time.Second)
		w.Expires = time.Time{}
		s.commitAs("a", w)
		s.holds(key, table.Item{Version: 1, Counters: one})
	})
}
