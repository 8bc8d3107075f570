package people

import (
	"time"

	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Standing is where a person stands in one walk through a journey.
type Standing struct {
	Journey string
	Key     string
	State   string    // "waiting" for its next step, "goal" when that was reached, "done" when all steps were taken
	Changed time.Time // of the latest trigger or change
	Due     time.Time // of the next step; zero unless waiting
}

// Standings lists the walks that are known of a person, by journey and key.
func Standings(p *person.Person, s *strategy.Strategy) []Standing {
	var out []Standing
	for i := range s.Journeys {
		id := s.Journeys[i].ID
		for _, key := range walksOf(p, id) {
			w, _ := p.Walk(id, key)
			g := stage{Walk: w, journey: definition(s, id, w.Version), key: key}
			at := Standing{Journey: id, Key: key, State: "done", Changed: w.Changed}
			switch {
			case w.Over():
				at.State = "goal"
			case w.Fired < len(g.journey.Steps):
				at.State, at.Due = "waiting", g.due()
			}
			out = append(out, at)
		}
	}
	return out
}
