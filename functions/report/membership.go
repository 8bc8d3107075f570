package report

import (
	"time"

	"rapport/shared/audience"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// reasons says why a person is in an audience, or is not.
type reasons struct {
	Audience string `json:"audience"`
	Member   bool   `json:"member"`
	Because  string `json:"because"` // the conditions that decided, with the values that they read
}

// why explains every audience of the strategy at this moment.
func why(p *person.Person, s *strategy.Strategy, now time.Time) []reasons {
	var facts audience.Facts
	s.Rules.Fill(&facts, p.View(s.Declared, now), nil, now)
	out := make([]reasons, len(s.Audiences))
	for i, a := range s.Audiences {
		matched, err := s.Rules.Match(i, &facts)
		out[i] = reasons{Audience: a.ID, Member: matched && err == nil, Because: s.Rules.Why(i, &facts)}
	}
	return out
}

// staged is a stage with when the person was announced to have entered it.
type staged struct {
	Stage person.Stage `json:"stage"`
	Since *time.Time   `json:"since,omitempty"`
}

// stage shows where the person is in the life cycle, nil without one.
func stage(p *person.Person, v *person.View, provenance bool) any {
	switch {
	case v.Stage == "":
		return nil
	case !provenance:
		return v.Stage
	case p.Stage != v.Stage:
		return staged{Stage: v.Stage}
	default:
		return staged{v.Stage, optional(p.Staged)}
	}
}
