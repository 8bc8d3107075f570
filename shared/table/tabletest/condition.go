package tabletest

import (
	"slices"
	"time"

	"rapport/shared/table"
)

// conditionCase is a condition with what becomes of it when the item is absent
// or has expired, and when it is there in version 2 with counter n at 5.
type conditionCase struct {
	name          string
	cond          table.Condition
	absent, there table.Reason
}

var conditionCases = []conditionCase{
	{"none", table.Condition{}, table.Held, table.Held},
	{"absent", table.Absent(), table.Held, table.Exists},
	{"version before", table.VersionIs(1), table.Missing, table.VersionChanged},
	{"version", table.VersionIs(2), table.Missing, table.Held},
	{"version to come", table.VersionIs(3), table.Missing, table.VersionChanged},
	{"below", table.CounterBelow("n", 6), table.Held, table.Held},
	{"reached", table.CounterBelow("n", 5), table.Held, table.CounterReached},
	{"absent counter below", table.CounterBelow("other", 1), table.Held, table.Held},
	{"absent counter reached", table.CounterBelow("other", 0), table.CounterReached, table.CounterReached},
	{"below a negative limit", table.CounterBelow("other", -1), table.CounterReached, table.CounterReached},
	{"absent and below", table.Condition{Absent: true, Counter: "n", Below: 6}, table.Held, table.Exists},
	{"absent and reached", table.Condition{Absent: true, Counter: "n", Below: 0}, table.CounterReached, table.Exists},
	{"version and below", table.Condition{Version: 2, Counter: "n", Below: 6}, table.Missing, table.Held},
	{"version and reached", table.Condition{Version: 2, Counter: "n", Below: 5}, table.Missing, table.CounterReached},
	{"version before and below", table.Condition{Version: 1, Counter: "n", Below: 6}, table.Missing, table.VersionChanged},
}

// conditions tries every condition with every write on an item in every state,
// as a commit of its own and as one of two writes.
func conditions(s *suite) {
	for _, c := range conditionCases {
		s.section(c.name, func(s *suite) {
			for _, op := range []table.Op{table.OpPut, table.OpAdd, table.OpDelete, table.OpCheck} {
				if op == table.OpPut && !c.cond.Absent && c.cond.Version == 0 || op == table.OpCheck && c.cond.IsZero() {
					continue // not a write
				}
				for _, state := range []string{"absent", "expired", "there"} {
					for _, company := range []string{"alone", "with another"} {
						s.section(opNames[op]+" "+state+" "+company, func(s *suite) {
							s.condition(c, op, state, company == "alone")
						})
					}
				}
			}
		})
	}
}

var opNames = [...]string{"put", "add", "delete", "check"}

func (s *suite) condition(c conditionCase, op table.Op, state string, alone bool) {
	key, other := s.key("item"), s.key("other")
	s.bring(key, state)
	before := s.get(key)[0]
	w := table.Write{Op: op, Key: key, If: c.cond}
	switch op {
	case table.OpPut:
		w.Body = []byte("new")
	case table.OpAdd:
		w.Counters = map[string]int64{"n": 1}
	}
	reason := c.absent
	if state == "there" {
		reason = c.there
	} else if op == table.OpDelete {
		reason = table.Held // gone is gone
	}
	commit := []table.Write{w}
	reasons := because(reason)
	if !alone {
		commit = append(commit, table.Put(other, []byte("other"), time.Time{}, table.Absent()))
		reasons = append(reasons, table.Held)
	}
	if reason != table.Held {
		s.refused(reasons, commit...)
		s.same(key, before)
		s.absent(other)
		return
	}
	s.commit(commit...)
	s.same(key, after(op, key, before))
	if !alone {
		s.holds(other, table.Item{Version: 1, Body: []byte("other")})
	}
}

// bring makes an item that is absent, expired, or there in version 2 with
// counter n at 5. An expired one is the same, and its time has come just now.
func (s *suite) bring(key table.Key, state string) {
	s.Helper()
	if state == "absent" {
		return
	}
	s.commit(table.Put(key, []byte("old"), s.clock.in(10*time.Second), table.Absent()))
	s.commit(table.Add(key, map[string]int64{"n": 5}, time.Time{}, table.Condition{}))
	if state == "expired" {
		s.clock.advance(10 * time.Second)
	}
}

// same expects that the item is as given; nil is absent.
func (s *suite) same(key table.Key, want *table.Item) {
	s.Helper()
	if want == nil {
		s.absent(key)
		return
	}
	s.holds(key, *want)
}

// after returns what the writes of conditions make of an item.
func after(op table.Op, key table.Key, before *table.Item) *table.Item {
	switch {
	case op == table.OpDelete:
		return nil
	case op == table.OpCheck:
		return before
	case op == table.OpPut && before == nil:
		return &table.Item{Key: key, Version: 1, Body: []byte("new")}
	case op == table.OpPut:
		return &table.Item{Key: key, Version: before.Version + 1, Body: []byte("new")}
	case before == nil:
		return &table.Item{Key: key, Version: 1, Counters: map[string]int64{"n": 1}}
	}
	item := *before
	item.Version++
	item.Counters = map[string]int64{"n": 6}
	return &item
}

// allOrNothing commits as many writes as are allowed, first with a few that do
// not hold.
func allOrNothing(s *suite) {
	keys := s.keys(table.MaxCommitWrites)
	s.commit(table.Put(keys[37], []byte("there"), time.Time{}, table.Absent()))
	s.commit(table.Add(keys[99], map[string]int64{"n": 3}, time.Time{}, table.Absent()))

	writes, reasons := make([]table.Write, len(keys)), make([]table.Reason, len(keys))
	for i, key := range keys {
		writes[i] = table.Put(key, []byte{byte(i)}, time.Time{}, table.Absent())
	}
	writes[50] = table.Add(keys[50], map[string]int64{"n": 1}, time.Time{}, table.Condition{})
	writes[51] = table.Delete(keys[51], table.Absent())
	writes[70] = table.Check(keys[70], table.VersionIs(1))
	writes[99] = table.Add(keys[99], map[string]int64{"n": 1}, time.Time{}, table.CounterBelow("n", 3))
	reasons[37], reasons[70], reasons[99] = table.Exists, table.Missing, table.CounterReached
	s.refused(reasons, writes...)
	s.holds(keys[37], table.Item{Version: 1, Body: []byte("there")})
	s.holds(keys[99], table.Item{Version: 1, Counters: map[string]int64{"n": 3}})
	s.absent(slices.Concat(keys[:37], keys[38:99])...)

	writes[37].If = table.VersionIs(1)
	writes[70].If = table.Absent()
	writes[99].If = table.CounterBelow("n", 4)
	s.commit(writes...)
	for i, item := range s.get(keys...) {
		if gone := i == 51 || i == 70; gone != (item == nil) {
			s.Errorf("item %d after the commit: %v", i, item)
		}
	}
	s.holds(keys[37], table.Item{Version: 2, Body: []byte{37}})
	s.holds(keys[50], table.Item{Version: 1, Counters: map[string]int64{"n": 1}})
	s.holds(keys[99], table.Item{Version: 2, Counters: map[string]int64{"n": 4}})
}
