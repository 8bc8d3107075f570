package people_test

import (
	"context"
	"slices"
	"testing"

	"rapport/shared/people"
)

// heard keeps what goes on the bus.
type heard struct{ effects []people.Effect }

func (h *heard) Publish(_ context.Context, effects []people.Effect) error {
	h.effects = append(h.effects, effects...)
	return nil
}

// TestHopsGrow, row 98: what follows from an answer is one hop further on the bus, and
// telling it again adds none.
func TestHopsGrow(t *testing.T) {
	strat := sample(t)
	s := newStore(newTable(t, at(noon)), at(noon))
	e := order("m1", "u1", noon, "900")
	e.Hops = 3
	for range 2 {
		bus := &heard{}
		if err := (people.Outlet{Bus: bus}).Publish(context.Background(), fold(t, s, strat, e)); err != nil {
			t.Fatal(err)
		}
		if len(bus.effects) == 0 || slices.ContainsFunc(bus.effects, func(e people.Effect) bool { return e.Hops != 4 }) {
			t.Errorf("%+v", bus.effects)
		}
	}
}
