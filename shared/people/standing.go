package people

import (
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Standing is where a person stands in one walk through a journey.
type Standing struct {
	Journey string
	Key     string
	State   string    // "waiting" for its next step, "goal" when that was reached, "deferred" when all steps were taken and the mail of one was put off, else "done"
	Changed time.Time // of the latest trigger or change
	Due     time.Time // of the next step, or when the mail is tried again; zero when done or at the goal
}

// Standings lists the walks that are known of a person, by journey and key.
func Standings(p *person.Person, s *strategy.Strategy) []Standing {
	var out []Standing
	until := deferred(p)
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
			case !until[person.InstanceKey(id, key)].IsZero():
				at.State, at.Due = "deferred", until[person.InstanceKey(id, key)]
			}
			out = append(out, at)
		}
	}
	return out
}

// deferred says until when the first mail of each walk waits, by person.InstanceKey.
func deferred(p *person.Person) map[string]time.Time {
	until := map[string]time.Time{}
	for _, w := range slices.Backward(p.Waiting()) { // the first of them has the last word
		var m message.Message
		_ = json.Unmarshal(w.Message, &m) // what message.Pause wrote
		until[person.InstanceKey(m.Journey, m.Key)] = w.Until
	}
	return until
}
