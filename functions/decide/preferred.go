package decide

import (
	"encoding/json"
	"time"

	"rapport/shared/audience"
	"rapport/shared/decision"
	"rapport/shared/person"
)

// preference is the value of a preferred field. What is left out when empty is
// for secret keys only.
type preference struct {
	Value  json.RawMessage `json:"value"`
	Source audience.Source `json:"source"`
	*evidence
	Others []rival `json:"others,omitempty"` // the values that lost
}

type rival struct {
	Value  json.RawMessage `json:"value"`
	Source audience.Source `json:"source"`
	evidence
}

// evidence says where a value was found.
type evidence struct {
	Of     string     `json:"of,omitempty"`
	At     *time.Time `json:"at,omitempty"`
	By     string     `json:"by,omitempty"`
	Misfit bool       `json:"misfit,omitempty"` // it has another type than the default
}

// preferred tells a caller the preferred fields of whom it asks about: a server
// and a proven user those of the person, a browser those that its own device
// knows, as anybody can send an id. While people cannot be read nothing is told,
// so that no site falls back from what somebody chose.
func (f *function) preferred(p *decision.Plan, r decision.Request, q question, who found) map[string]preference {
	if who.failed != nil || len(p.Strategy().Preferred) == 0 {
		return nil
	}
	if who.person != nil && !q.trusted && q.visitor.node.Kind == person.AnonymousID {
		r.View = who.person.Alone(q.visitor.node).View(p.Strategy().Declared, r.Now)
	}
	out := map[string]preference{}
	for _, field := range p.Preferred(r) {
		one := preference{Value: field.Value, Source: field.Source}
		if q.trusted {
			e := evident(field.Candidate)
			one.evidence = &e
			for _, c := range field.Others {
				one.Others = append(one.Others, rival{c.Value, c.Source, evident(c)})
			}
		}
		out[field.Name] = one
	}
	return out
}

func evident(c audience.Candidate) evidence {
	e := evidence{Of: c.Of, By: c.By, Misfit: c.Misfit}
	if !c.At.IsZero() {
		e.At = &c.At
	}
	return e
}
