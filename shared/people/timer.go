package people

import (
	"context"
	"hash/fnv"
	"time"

	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// timerLife is how long a timer that nobody fired is kept after it was due.
const timerLife = 30 * 24 * time.Hour

// arm returns the write that makes the person's root due. A timer never enters
// a minute before the current one; arming one twice is harmless.
func arm(root string, due, now time.Time) table.Write {
	minute := sweepMinute(due)
	if minute.Before(now) {
		minute = sweepMinute(now)
	}
	key := table.TimerKey(minute, shard(root), root, due)
	return table.Add(key, map[string]int64{"armed": 1}, minute.Add(timerLife), table.Condition{})
}

// timerKey is where arm puts a timer that is not yet due.
func timerKey(root string, due time.Time) table.Key {
	return table.TimerKey(sweepMinute(due), shard(root), root, due)
}

// sweepMinute is the first whole minute at which the instant has passed, so
// that no timer fires early.
func sweepMinute(at time.Time) time.Time {
	return at.Add(time.Minute - 1).Truncate(time.Minute)
}

func shard(root string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(root))
	return int(h.Sum32() % table.TimerShards)
}

// Timer names one armed timer: the node it hangs on, when the person is due, and
// the minute in which it is swept.
type Timer struct {
	Node   string    `json:"node"` // node hash
	Due    time.Time `json:"due"`
	Minute time.Time `json:"minute"`
}

// Sweeps go back this far behind the cursor, for timers that were written by a
// clock that is a little behind; and this far ahead at most in one call, so that
// a system that stood still for months catches up in steps.
const (
	sweepBack  = 3 * time.Minute
	sweepAhead = 24 * time.Hour
)

// Sweep visits the timers that are due, minute by minute, and moves the cursor
// up to now once all were visited. A timer may be visited more than once.
func (s *Store) Sweep(ctx context.Context, visit func([]Timer) error) error {
	now := s.now().Truncate(time.Minute)
	items, err := s.table.Get(ctx, table.TimerCursorKey())
	if err != nil {
		return err
	}
	from, cond := now, table.Absent()
	if item := items[0]; item != nil {
		from, cond = time.Unix(item.Counters["minute"]*60, 0), table.VersionIs(item.Version)
	}
	to := now
	if limit := from.Add(sweepAhead); limit.Before(now) {
		to = limit
	}
	if err := s.visit(ctx, from.Add(-sweepBack), to, visit); err != nil {
		return err
	}
	cursor := table.Put(table.TimerCursorKey(), nil, time.Time{}, cond)
	cursor.Counters = map[string]int64{"minute": to.Unix() / 60}
	err = s.table.Commit(ctx, s.owner(), cursor)
	if table.AsConflict(err) != nil {
		return nil // another tick came as far; what it left is swept again
	}
	return err
}

// visit reads the timers of the minutes from first to last, hour by hour.
func (s *Store) visit(ctx context.Context, first, last time.Time, visit func([]Timer) error) error {
	for hour := first.Truncate(time.Hour); !hour.After(last); hour = hour.Add(time.Hour) {
		for i := range table.TimerShards {
			due, err := s.due(ctx, table.TimerPartition(hour, i), table.TimerRange(first, last))
			if err != nil {
				return err
			}
			if len(due) == 0 {
				continue
			}
			if err := visit(due); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) due(ctx context.Context, partition string, r table.Range) ([]Timer, error) {
	var out []Timer
	for item, err := range table.All(ctx, s.table, partition, r) {
		if err != nil {
			return nil, err
		}
		if minute, node, due, ok := table.ParseTimerSort(item.Key.Sort); ok {
			out = append(out, Timer{Node: node, Due: due, Minute: minute})
		}
	}
	return out, nil
}

// Wake fires a timer: the person's audiences are evaluated at this moment, the
// next timer is armed and this one is removed, in one commit that keeps the
// effects. A timer that was fired before gives those effects again and changes
// nothing; one that the person no longer waits for only removes itself.
func (s *Store) Wake(ctx context.Context, strat *strategy.Strategy, t Timer) ([]Effect, error) {
	for range maxAttempts {
		effects, err := s.wake(ctx, strat, t)
		if table.AsConflict(err) == nil {
			return effects, err
		}
	}
	return nil, errContended
}

func (s *Store) wake(ctx context.Context, strat *strategy.Strategy, t Timer) ([]Effect, error) {
	u := s.begin(ctx, strat)
	u.idle = true
	if t.Due.After(u.now) {
		return nil, nil // our clock is behind the sweeper's: the next sweep finds the timer again
	}
	if err := u.read(t.Node); err != nil {
		return nil, err
	}
	effects, before, err := s.fired(ctx, t)
	if err != nil {
		return nil, err
	}
	var writes []table.Write
	if p := u.people[u.home[t.Node]]; p != nil && p.Due.Equal(t.Due) {
		u.dirty[p.Root] = true
		p.Due = time.Time{}
		if p.Root == t.Node {
			delete(u.armed, p.Root) // this very timer, which is removed below
		}
		changes := reassess(p, spokesman(p), "timer "+t.Due.UTC().Format(timeFormat), strat, u.now, false)
		if len(changes) > 0 {
			effects = append(effects, changes...) // history may arm for an instant that has passed, and was fired for
			body, err := encode(Record{Effects: effects})
			if err != nil {
				return nil, err
			}
			writes = append(writes, table.Put(table.WakeKey(t.Node, t.Due), body, u.now.Add(timerLife), before))
		}
	}
	more, err := u.writes()
	if err != nil {
		return nil, err
	}
	writes = append(writes, more...)
	writes = append(writes, table.Delete(table.TimerKey(t.Minute, shard(t.Node), t.Node, t.Due), table.Condition{}))
	return effects, s.table.Commit(ctx, s.owner(), writes...)
}

// fired returns the effects that the timer had when it fired before, and what
// holds of their record.
func (s *Store) fired(ctx context.Context, t Timer) ([]Effect, table.Condition, error) {
	items, err := s.table.Get(ctx, table.WakeKey(t.Node, t.Due))
	if err != nil || items[0] == nil {
		return nil, table.Absent(), err
	}
	r, err := DecodeRecord(items[0])
	if err != nil {
		return nil, table.Condition{}, err
	}
	effects, err := s.restore(ctx, r)
	return effects, table.VersionIs(items[0].Version), err
}

// spokesman is the identity that a change without an event is reported under.
func spokesman(p *person.Person) person.NodeID {
	if user := p.User(); user != nil {
		return user.ID
	}
	return p.Nodes[0].ID
}
