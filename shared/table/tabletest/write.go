package tabletest

import (
	"bytes"
	"math"
	"strings"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

func put(s *suite) {
	key := s.key("item")
	w := table.Put(key, []byte("one"), s.clock.in(time.Hour), table.Absent())
	w.Counters = map[string]int64{"a": 1, "b": -2}
	s.commit(w)
	s.holds(key, table.Item{Version: 1, Body: []byte("one"), Expires: s.clock.in(time.Hour), Counters: map[string]int64{"a": 1, "b": -2}})

	// A put replaces everything: what it does not carry is gone.
	s.commit(table.Put(key, []byte("two"), time.Time{}, table.VersionIs(1)))
	s.holds(key, table.Item{Version: 2, Body: []byte("two")})
	s.refused(because(table.VersionChanged), table.Put(key, nil, time.Time{}, table.VersionIs(1)))
	s.commit(table.Put(key, nil, time.Time{}, table.VersionIs(2)))
	s.holds(key, table.Item{Version: 3})
}

func add(s *suite) {
	key := s.key("item")
	s.commit(table.Add(key, map[string]int64{"a": 2, "b": 3}, s.clock.in(time.Hour), table.Condition{}))
	s.holds(key, table.Item{Version: 1, Expires: s.clock.in(time.Hour), Counters: map[string]int64{"a": 2, "b": 3}})

	// Later adds keep the expiry that the first one set.
	s.commit(table.Add(key, map[string]int64{"b": -5, "c": 1}, s.clock.in(2*time.Hour), table.Condition{}))
	s.holds(key, table.Item{Version: 2, Expires: s.clock.in(time.Hour), Counters: map[string]int64{"a": 2, "b": -2, "c": 1}})
	s.commit(table.Add(key, map[string]int64{"a": 1}, time.Time{}, table.Condition{}))
	s.holds(key, table.Item{Version: 3, Expires: s.clock.in(time.Hour), Counters: map[string]int64{"a": 3, "b": -2, "c": 1}})

	// The body of a put stays, and its never expiring too.
	kept := s.key("kept")
	s.commit(table.Put(kept, []byte("body"), time.Time{}, table.Absent()))
	s.commit(table.Add(kept, map[string]int64{"n": 1}, s.clock.in(time.Hour), table.VersionIs(1)))
	s.holds(kept, table.Item{Version: 2, Body: []byte("body"), Counters: map[string]int64{"n": 1}})
}

func deletion(s *suite) {
	key := s.key("item")
	s.commit(table.Delete(key, table.VersionIs(7)))
	s.commit(table.Put(key, []byte("one"), time.Time{}, table.Absent()))
	s.refused(because(table.VersionChanged), table.Delete(key, table.VersionIs(2)))
	s.commit(table.Delete(key, table.VersionIs(1)))
	s.absent(key)

	// A life after that begins anew.
	s.commit(table.Put(key, []byte("two"), time.Time{}, table.Absent()))
	s.holds(key, table.Item{Version: 1, Body: []byte("two")})
	s.commit(table.Delete(key, table.Condition{}))
	s.absent(key)
}

func check(s *suite) {
	guard, key := s.key("guard"), s.key("item")
	w := table.Put(key, []byte("one"), time.Time{}, table.Absent())
	s.refused(because(table.Missing, table.Held), table.Check(guard, table.VersionIs(1)), w)
	s.absent(guard, key)
	s.commit(table.Check(guard, table.Absent()), w)
	s.absent(guard)

	s.commit(table.Add(guard, map[string]int64{"n": 1}, time.Time{}, table.Condition{}))
	s.refused(because(table.Held, table.Exists), table.Delete(key, table.Condition{}), table.Check(guard, table.Absent()))
	s.refused(because(table.CounterReached), table.Check(guard, table.CounterBelow("n", 1)))
	s.commit(table.Delete(key, table.Condition{}), table.Check(guard, table.CounterBelow("n", 2)))
	s.absent(key)
	s.commit(table.Check(guard, table.VersionIs(1)))
	s.holds(guard, table.Item{Version: 1, Counters: map[string]int64{"n": 1}})
}

// bodies come back byte for byte.
func bodies(s *suite) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	all := map[string][]byte{
		"every byte": every, "zero": {0}, "not UTF-8": {0xFF, 0xFE}, "JSON": []byte(`{"a":[1,"é"]}`),
		"large": bytes.Repeat(every, 400), "nil": nil,
	}
	for name, body := range all {
		s.commit(table.Put(s.key(name), body, time.Time{}, table.Absent()))
	}
	for name, body := range all {
		s.holds(s.key(name), table.Item{Version: 1, Body: body})
	}
	s.commit(table.Put(s.key("empty"), []byte{}, time.Time{}, table.Absent()))
	s.holds(s.key("empty"), table.Item{Version: 1})
}

// counters are exact over the whole range, and one that returned to 0 is still there.
func counters(s *suite) {
	key := s.key("item")
	steps := []struct{ added, want map[string]int64 }{
		{map[string]int64{"up": math.MaxInt64 - 1, "down": math.MinInt64 + 1}, map[string]int64{"up": math.MaxInt64 - 1, "down": math.MinInt64 + 1}},
		{map[string]int64{"up": 1, "down": -1}, map[string]int64{"up": math.MaxInt64, "down": math.MinInt64}},
		{map[string]int64{"up": -1<<53 - 1, "down": 1<<53 + 1}, map[string]int64{"up": math.MaxInt64 - 1<<53 - 1, "down": math.MinInt64 + 1<<53 + 1}},
		{map[string]int64{"zero": 0}, map[string]int64{"up": math.MaxInt64 - 1<<53 - 1, "down": math.MinInt64 + 1<<53 + 1, "zero": 0}},
	}
	for i, step := range steps {
		s.commit(table.Add(key, step.added, time.Time{}, table.Condition{}))
		s.holds(key, table.Item{Version: int64(i + 1), Counters: step.want})
	}

	// Names are free text; a few that query languages treat as special.
	odd := map[string]int64{"a b": 1, "a.b": 2, "#a": 3, ":a": 4, "size": 5, "é": 6, "version": 7, strings.Repeat("n", table.MaxCounterLength): 8}
	s.commit(table.Add(s.key("odd"), odd, time.Time{}, table.Condition{}))
	s.holds(s.key("odd"), table.Item{Version: 1, Counters: odd})
	s.refused(because(table.CounterReached), table.Check(s.key("odd"), table.CounterBelow("a.b", 2)))
	s.commit(table.Check(s.key("odd"), table.CounterBelow("a.b", 3)))
}

// refusedCommits are wrong by themselves, and nothing of them is applied.
func refusedCommits(s *suite) {
	key := s.key("item")
	good := table.Put(key, []byte("body"), time.Time{}, table.Absent())
	var many []table.Write
	for _, k := range s.keys(table.MaxCommitWrites + 1) {
		many = append(many, table.Put(k, nil, time.Time{}, table.Absent()))
	}
	cases := []struct {
		name   string
		kind   fault.Kind
		owner  string
		writes []table.Write
	}{
		{"no owner", fault.Invalid, "", []table.Write{good}},
		{"long owner", fault.Invalid, strings.Repeat("o", table.MaxOwnerBytes+1), []table.Write{good}},
		{"no write", fault.Invalid, "owner", nil},
		{"put without a condition", fault.Invalid, "owner", []table.Write{table.Put(key, nil, time.Time{}, table.Condition{})}},
		{"put with a counter condition only", fault.Invalid, "owner", []table.Write{table.Put(key, nil, time.Time{}, table.CounterBelow("n", 1))}},
		{"check without a condition", fault.Invalid, "owner", []table.Write{good, table.Check(s.key("other"), table.Condition{})}},
		{"item named twice", fault.Invalid, "owner", []table.Write{good, table.Check(key, table.Absent())}},
		{"no partition", fault.Invalid, "owner", []table.Write{good, table.Delete(table.Key{Sort: "a"}, table.Condition{})}},
		{"no sort key", fault.Invalid, "owner", []table.Write{good, table.Delete(s.key(""), table.Condition{})}},
		{"long sort key", fault.Invalid, "owner", []table.Write{good, table.Delete(s.key(strings.Repeat("k", table.MaxKeyPartBytes+1)), table.Condition{})}},
		{"add of nothing", fault.Invalid, "owner", []table.Write{table.Add(key, nil, time.Time{}, table.Condition{})}},
		{"too many writes", fault.TooLarge, "owner", many},
	}
	for _, c := range cases {
		s.section(c.name, func(s *suite) {
			s.faulty(c.kind, s.table.Commit(s.Context(), c.owner, c.writes...))
		})
	}
	s.absent(key)
	s.absent(s.keys(table.MaxGetKeys)...)
}

// itemSize goes up to the limits of an item and of a commit, and over them.
func itemSize(s *suite) {
	filled := func(sort string, more int) table.Write {
		w := table.Put(s.key(sort), nil, s.clock.in(time.Hour), table.Absent())
		w.Counters = map[string]int64{"n": math.MinInt64}
		w.Body = bytes.Repeat([]byte{0xAB}, table.MaxItemBytes-w.Bytes()+more)
		return w
	}
	fits := filled("fits", 0)
	s.commit(fits)
	s.holds(fits.Key, table.Item{Version: 1, Body: fits.Body, Counters: fits.Counters, Expires: fits.Expires})

	over, small := filled("over", 1), filled("small", -table.MaxItemBytes/2)
	s.faulty(fault.TooLarge, s.table.Commit(s.Context(), s.owner(), over))
	s.faulty(fault.TooLarge, s.table.Commit(s.Context(), s.owner(), small, over))
	s.absent(over.Key, small.Key)

	var heavy []table.Write
	var keys []table.Key
	for total := 0; total <= table.MaxCommitBytes; total += table.MaxItemBytes {
		heavy = append(heavy, filled(strings.Repeat("h", len(heavy)+1), 0))
		keys = append(keys, heavy[len(heavy)-1].Key)
	}
	s.faulty(fault.TooLarge, s.table.Commit(s.Context(), s.owner(), heavy...))
	s.absent(keys...)
}
