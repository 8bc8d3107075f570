package decide_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"rapport/functions/decide"
	"rapport/shared/person"
)

func TestDecisionsAreCountedForTheDashboard(t *testing.T) {
	got := map[string]int{}
	d := deps(t)
	d.Count = func(metric string, n int) { got[metric] += n }
	post(decide.New(d), "demo-write", `{"anonymousId":"`+phone+`"}`)
	if want := map[string]int{"Decisions": 2}; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	d.People = findFunc(func(context.Context, person.NodeID) (*person.Person, error) { return nil, errors.New("down") })
	post(decide.New(d), "demo-write", `{"anonymousId":"`+phone+`","slots":["hero"]}`)
	if want := map[string]int{"Decisions": 3, "DecisionsDegraded": 1}; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}
