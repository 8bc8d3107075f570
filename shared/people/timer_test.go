package people_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/people"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func sweep(t *testing.T, s *people.Store) []people.Timer {
	t.Helper()
	var out []people.Timer
	err := s.Sweep(context.Background(), func(due []people.Timer) error {
		out = append(out, due...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// until ticks each minute and wakes what is due, and returns the effects.
func (c *clock) until(t *testing.T, end time.Time, s *people.Store, strat *strategy.Strategy) []people.Effect {
	t.Helper()
	var out []people.Effect
	for ; !c.now.After(end); c.now = c.now.Add(time.Minute) {
		for _, timer := range sweep(t, s) {
			effects, err := s.Wake(context.Background(), strat, timer)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, effects...)
		}
	}
	return out
}

func kinds(effects []people.Effect) []string {
	var out []string
	for _, e := range effects {
		out = append(out, string(e.Kind)+" "+e.Audience+string(e.From))
		if e.Kind == people.StageEntered {
			out[len(out)-1] += " " + string(e.Stage)
		}
	}
	return out
}

// A new visitor stops being new seven days after the first page, without any
// event: the timer does it, once, within the minute.
func TestMembershipEndsByTimeAlone(t *testing.T) {
	strat := sample(t)
	c := &clock{noon}
	s := newStore(shelf{}, c.Now)
	sweep(t, s)
	entered := fold(t, s, strat, page("m1", phone, noon))
	if got := kinds(entered); !slices.Equal(got, []string{"Audience Entered new-visitor"}) {
		t.Fatalf("effects = %v", got)
	}
	week := noon.AddDate(0, 0, 7)
	if early := c.until(t, week.Add(-time.Minute), s, strat); len(early) != 0 {
		t.Fatalf("early: %v", early)
	}
	left := c.until(t, week.Add(2*time.Minute), s, strat)
	if got := kinds(left); !slices.Equal(slices.Compact(got), []string{"Audience Left new-visitor"}) {
		t.Errorf("effects = %v", got)
	}
	for _, e := range left {
		if e.ID != left[0].ID || e.At.Sub(week) > time.Minute || e.At.Before(week) {
			t.Errorf("effect %+v, due %s", e, week)
		}
	}
	if p := find(t, s, device(phone)); len(p.Audiences) != 0 || !p.Due.IsZero() {
		t.Errorf("after the timer: %v, due %s", p.Audiences, p.Due)
	}
}

// Fired twice, or with its reply lost, a timer gives the same effects.
func TestTimerFiredTwice(t *testing.T) {
	strat := sample(t)
	c := &clock{noon}
	s := newStore(newTable(t, c.Now), c.Now)
	sweep(t, s)
	fold(t, s, strat, page("m1", phone, noon))
	c.now = noon.AddDate(0, 0, 7).Add(time.Minute)
	var due []people.Timer
	for range 9 { // the cursor catches up a day at a time
		due = append(due, sweep(t, s)...)
	}
	if len(due) == 0 {
		t.Fatal("nothing is due")
	}
	first, err := s.Wake(context.Background(), strat, due[0])
	if err != nil || len(first) != 1 {
		t.Fatal(first, err)
	}
	again, err := s.Wake(context.Background(), strat, due[0])
	if err != nil || !slices.Equal(first, again) {
		t.Errorf("again: %v, %v", again, err)
	}
}

// A timer whose person changed meanwhile fires for nobody.
func TestStaleTimerIsHarmless(t *testing.T) {
	strat := sample(t)
	c := &clock{noon}
	s := newStore(newTable(t, c.Now), c.Now)
	fold(t, s, strat, page("m1", phone, noon))
	before, _ := find(t, s, device(phone)).Encode()
	stale := people.Timer{Node: device(phone).Hash(), Due: noon.Add(-time.Hour), Minute: noon}
	written := 0
	ctx := table.WithMeter(context.Background(), func(u table.Usage) {
		if u.Call == "Commit" {
			written += u.Items
		}
	})
	if effects, err := s.Wake(ctx, strat, stale); err != nil || len(effects) != 0 || written != 1 {
		t.Errorf("effects %v, %v, %d writes: only the timer may go", effects, err, written)
	}
	unknown := people.Timer{Node: userNode("nobody").Hash(), Due: noon, Minute: noon}
	if effects, err := s.Wake(context.Background(), strat, unknown); err != nil || len(effects) != 0 {
		t.Errorf("effects %v, %v", effects, err)
	}
	if after, _ := find(t, s, device(phone)).Encode(); string(before) != string(after) {
		t.Error("a stale timer changed the person")
	}
}

// A clock that is behind the sweeper's leaves the timer for the next sweep.
func TestTimerMetEarlyStays(t *testing.T) {
	strat := sample(t)
	c := &clock{noon}
	tb := newTable(t, c.Now)
	s := newStore(tb, c.Now)
	fold(t, s, strat, page("m1", phone, noon))
	due := find(t, s, device(phone)).Due
	timer := people.Timer{Node: device(phone).Hash(), Due: due, Minute: due}
	c.now = due.Add(-time.Millisecond)
	if effects, err := s.Wake(context.Background(), strat, timer); err != nil || len(effects) != 0 || timers(t, tb) != 1 {
		t.Errorf("early: effects %v, %v, %d timers left", effects, err, timers(t, tb))
	}
	c.now = due
	if effects, err := s.Wake(context.Background(), strat, timer); err != nil || len(effects) != 1 || timers(t, tb) != 0 {
		t.Errorf("on time: effects %v, %v, %d timers left", effects, err, timers(t, tb))
	}
}

// An event between the due instant and the sweep does the timer's work.
func TestEventBeforeTheSweep(t *testing.T) {
	strat := sample(t)
	c := &clock{noon}
	tb := newTable(t, c.Now)
	s := newStore(tb, c.Now)
	sweep(t, s)
	fold(t, s, strat, page("m1", phone, noon))
	c.now = noon.AddDate(0, 0, 7).Add(time.Second)
	if got := kinds(fold(t, s, strat, page("m2", phone, c.now))); !slices.Equal(got, []string{"Audience Left new-visitor"}) {
		t.Fatalf("effects = %v", got)
	}
	c.now = c.now.Add(time.Minute)
	for range 9 {
		for _, timer := range sweep(t, s) {
			if effects, err := s.Wake(context.Background(), strat, timer); err != nil || len(effects) != 0 {
				t.Errorf("fired again: %v %v", effects, err)
			}
		}
	}
	if left := timers(t, tb); left != 0 {
		t.Errorf("%d timers are left", left)
	}
}

func timers(t *testing.T, tb table.Table) (n int) {
	for _, item := range everything(t, tb) {
		if item.Key != table.TimerCursorKey() && strings.HasPrefix(item.Key.Partition, "t#") {
			n++
		}
	}
	return n
}

// An import that merges a person whose step is due already takes no step. The
// timer that it arms lies ahead of the sweep, however long ago the step was due.
func TestTimerIsNotArmedBehindTheSweep(t *testing.T) {
	strat := cartStrategy(t)
	c := &clock{noon.Add(-time.Hour)}
	s := newStore(newTable(t, c.Now), c.Now)
	sweep(t, s)
	fold(t, s, strat, page("m1", "device-0123456789abc", c.now)) // older, so its item is where both will live
	c.now = noon
	fold(t, s, strat, shopping{0, "Product Added", "u1", "A"}.build(0))
	c.now = noon.Add(90 * time.Minute)
	sweep(t, s) // what is due now gets lost
	imported := login("m2", "device-0123456789abc", "u1", noon, "")
	imported.Imported = true
	fold(t, s, strat, imported)
	effects := c.until(t, c.now.Add(10*time.Minute), s, strat)
	if len(effects) != 1 || effects[0].Message == nil {
		t.Errorf("effects: %+v", effects)
	}
}
