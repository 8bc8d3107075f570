package people_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// sleeper is a customer with a store of their own, at a clock that the test moves.
type sleeper struct {
	t     *testing.T
	items shelf
	store *people.Store
	strat *strategy.Strategy
	now   time.Time
	node  person.NodeID
}

func newSleeper(t *testing.T) *sleeper {
	t.Helper()
	s := &sleeper{t: t, items: shelf{}, now: noon, strat: cartStrategy(t), node: person.NodeID{Kind: person.UserID, Value: "u1"}}
	s.store = newStore(s.items, func() time.Time { return s.now })
	said := map[string]person.Trait{"theme": {Value: json.RawMessage(`"dark"`), At: noon, By: "choice"}}
	if _, err := s.store.Say(context.Background(), s.strat, s.node, people.Statement{Preferences: said}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sleeper) person() *person.Person {
	s.t.Helper()
	p, err := s.store.Find(context.Background(), s.node)
	if err != nil || p == nil {
		s.t.Fatal(p, err)
	}
	return p
}

func (s *sleeper) waits(id string, until time.Duration, value int) {
	s.t.Helper()
	w := person.Wait{
		ID: id, Until: noon.Add(until), Ends: noon.Add(24 * time.Hour), Purpose: "marketing", Value: value,
		Message: json.RawMessage(fmt.Sprintf(`{"id":%q,"node":%q,"journey":"cart-recovery","key":"c1"}`, id, s.node.Hash())),
	}
	if err := s.store.Defer(context.Background(), s.person(), s.node.Hash(), w); err != nil {
		s.t.Fatal(err)
	}
}

// armed lists the timers that there are, by when they are due.
func (s *sleeper) armed() (due []string) {
	s.t.Helper()
	err := s.store.Sweep(context.Background(), func(timers []people.Timer) error {
		for _, t := range timers {
			due = append(due, t.Due.Sub(noon).String())
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return due
}

func (s *sleeper) wake() (ids []string) {
	s.t.Helper()
	p := s.person()
	effects, err := s.store.Wake(context.Background(), s.strat, people.Timer{Node: p.Root, Due: p.Due, Minute: p.Due})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range effects {
		if e.Kind == people.MessageDue && e.ID == e.Message.ID && e.Message.Key == "c1" {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// The timer is that of what may be asked for first; what is due together comes
// most valuable first, and once.
func TestWhatWaitsIsReleased(t *testing.T) {
	s := newSleeper(t)
	_ = s.armed() // the sweep begins here
	s.waits("n_b", 2*time.Hour, 1)
	s.waits("n_a", 3*time.Hour, 0)
	s.waits("n_c", time.Hour, 5)
	s.waits("n_d", 2*time.Hour, 9)
	if due := s.person().Due; !due.Equal(noon.Add(time.Hour)) {
		t.Fatalf("due at %s", due)
	}
	timers := 0
	for item := range s.items.items() {
		if _, _, _, ok := table.ParseTimerSort(item.Key.Sort); ok {
			timers++
		}
	}
	if timers != 1 {
		t.Errorf("%d timers: the one in place of which an earlier one was armed is still there", timers)
	}
	s.now = noon.Add(time.Hour)
	if armed := s.armed(); !slices.Equal(armed, []string{"1h0m0s"}) {
		t.Errorf("timers %v", armed)
	}
	for _, at := range []struct {
		after time.Duration
		ids   []string
		due   time.Duration
	}{{time.Hour, []string{"n_c"}, 2 * time.Hour}, {2 * time.Hour, []string{"n_d", "n_b"}, 3 * time.Hour}, {3 * time.Hour, []string{"n_a"}, 0}} {
		s.now = noon.Add(at.after)
		if got := s.wake(); !slices.Equal(got, at.ids) {
			t.Errorf("after %s: %v", at.after, got)
		}
		if due := s.person().Due; at.due > 0 && !due.Equal(noon.Add(at.due)) || at.due == 0 && !due.IsZero() {
			t.Errorf("after %s: due at %s", at.after, due)
		}
	}
	if w := s.person().Waiting(); len(w) != 4 || slices.ContainsFunc(w, func(w person.Wait) bool { return !w.Released }) {
		t.Errorf("what was released is remembered until it is decided: %+v", w)
	}
}

// A send, and whatever takes one back, ends the wait.
func TestWhatEndsAWait(t *testing.T) {
	s := newSleeper(t)
	s.waits("n_a", time.Hour, 0)
	s.waits("n_b", time.Hour, 0)
	ctx := context.Background()
	if err := s.store.Charge(ctx, s.person(), s.node.Hash(), person.Send{ID: "n_a", Purpose: "marketing", At: s.now}); err != nil {
		t.Fatal(err)
	}
	if w := s.person().Waiting(); len(w) != 1 || w[0].ID != "n_b" {
		t.Errorf("after a send: %+v", w)
	}
	if err := s.store.Refund(ctx, s.node.Hash(), "n_b"); err != nil {
		t.Fatal(err)
	}
	if w := s.person().Waiting(); len(w) != 0 || len(s.person().Sent(time.Time{})) != 1 {
		t.Errorf("after it was given up: %+v", w)
	}
}

// A timer that is overdue is about to fire: a pause does not take its place.
func TestAPauseLeavesAnOverdueTimer(t *testing.T) {
	s := newSleeper(t)
	s.waits("n_a", time.Hour, 0)
	s.now = noon.Add(90 * time.Minute)
	s.waits("n_b", 2*time.Hour, 0)
	if due := s.person().Due; !due.Equal(noon.Add(time.Hour)) {
		t.Fatalf("due at %s", due)
	}
	if got := s.wake(); !slices.Equal(got, []string{"n_a"}) || !s.person().Due.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("%v, due at %s", got, s.person().Due)
	}
}

// What was released long ago, and of which nothing was heard since, is forgotten.
func TestReleasedIsForgotten(t *testing.T) {
	s := newSleeper(t)
	s.waits("n_a", time.Hour, 0)
	s.now = noon.Add(time.Hour)
	s.wake()
	for _, c := range []struct {
		after time.Duration
		left  int
	}{{16 * 24 * time.Hour, 1}, {16*24*time.Hour + time.Second, 0}} {
		p := s.person()
		event := page("late", "", noon)
		event.UserID, event.AnonymousID = "u1", ""
		next, _ := people.Apply(p, &event, s.strat, noon.Add(c.after))
		if got := len(next.Waiting()); got != c.left {
			t.Errorf("after %s: %d", c.after, got)
		}
	}
}

// History triggers nothing: what is due is left to the timer.
func TestHistoryReleasesNothing(t *testing.T) {
	s := newSleeper(t)
	s.waits("n_a", time.Hour, 0)
	old := page("old", "", noon)
	old.UserID, old.AnonymousID, old.Imported = "u1", "", true
	next, effects := people.Apply(s.person(), &old, s.strat, noon.Add(2*time.Hour))
	if w := next.Waiting(); len(effects) > 0 || w[0].Released || !next.Due.Equal(noon.Add(time.Hour)) {
		t.Errorf("%+v, waiting %+v, due %s", effects, w, next.Due)
	}
}

// A walk whose steps were all taken stands where its mail does: the first of them.
func TestStandingOfAWait(t *testing.T) {
	s := newSleeper(t)
	left := shopping{0, "Product Added", "u1", "c1"}.build(0)
	if _, err := s.store.Fold(context.Background(), s.strat, []event.Event{left}); err != nil {
		t.Fatal(err)
	}
	standing := func() people.Standing { return people.Standings(s.person(), s.strat)[0] }
	s.waits("n_b", 3*time.Hour, 0)
	s.waits("n_c", 2*time.Hour, 0)
	if at := standing(); at.State != "waiting" {
		t.Errorf("before its step: %+v", at)
	}
	s.now = noon.Add(time.Hour)
	s.wake()
	if at := standing(); at.State != "deferred" || !at.Due.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("after its step: %+v", at)
	}
	for _, id := range []string{"n_b", "n_c"} {
		if err := s.store.Refund(context.Background(), s.node.Hash(), id); err != nil {
			t.Fatal(err)
		}
	}
	if at := standing(); at.State != "done" || !at.Due.IsZero() {
		t.Errorf("when nothing waits: %+v", at)
	}
}
