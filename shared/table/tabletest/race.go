package tabletest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rapport/shared/table"
)

// oneCounter is added to by many at once, and no addition is lost.
func oneCounter(s *suite) {
	const many = 100
	key := s.key("item")
	var all sync.WaitGroup
	want := int64(0)
	for i := range int64(many) {
		want += 1 << i % (1 << 40)
		all.Go(func() {
			w := table.Add(key, map[string]int64{"n": 1, "sum": 1 << i % (1 << 40)}, time.Time{}, table.Condition{})
			if err := s.table.Commit(s.Context(), fmt.Sprint("owner-", i), w); err != nil {
				s.Errorf("add %d: %v", i, err)
			}
		})
	}
	all.Wait()
	s.holds(key, table.Item{Version: many, Counters: map[string]int64{"n": many, "sum": want}})
}

// oneVersion is asked for by many at once, and one of them gets it.
func oneVersion(s *suite) {
	const many, rounds = 8, 10
	key := s.key("item")
	for round := range int64(rounds) {
		cond := table.VersionIs(round)
		if round == 0 {
			cond = table.Absent()
		}
		var all sync.WaitGroup
		var winners, winner atomic.Int64
		for i := range int64(many) {
			all.Go(func() {
				body := []byte{byte(i)}
				err := s.table.Commit(s.Context(), fmt.Sprintf("owner-%d-%d", round, i), table.Put(key, body, time.Time{}, cond))
				if err == nil {
					winners.Add(1)
					winner.Store(i)
				} else if table.AsConflict(err) == nil {
					s.Errorf("put %d in round %d: %v", i, round, err)
				}
			})
		}
		all.Wait()
		if winners.Load() != 1 {
			s.Fatalf("round %d was won by %d, want 1", round, winners.Load())
		}
		s.holds(key, table.Item{Version: round + 1, Body: []byte{byte(winner.Load())}})
	}
}
