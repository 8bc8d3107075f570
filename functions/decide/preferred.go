package decide

import (
	"encoding/json"

	"rapport/shared/audience"
	"rapport/shared/decision"
	"rapport/shared/person"
)

// preference is what anybody may be told of a preferred field. A secret key is
// told all of audience.Resolved.
type preference struct {
	Value  json.RawMessage `json:"value"`
	Source audience.Source `json:"source"`
}

// preferred tells a caller the preferred fields of whom it asks about: a server
// and a proven user those of the person, a browser those that its own device
// knows, as anybody can send an id. While people cannot be read nothing is told,
// so that no site falls back from what somebody chose.
func (f *function) preferred(p *decision.Plan, r decision.Request, q question, who found) map[string]any {
	if who.failed != nil || len(p.Strategy().Preferred) == 0 {
		return nil
	}
	if who.person != nil && !q.trusted && q.visitor.node.Kind == person.AnonymousID {
		r.View = who.person.Alone(q.visitor.node).View(p.Strategy().Declared, r.Now)
	}
	out := map[string]any{}
	for _, field := range p.Preferred(r) {
		out[field.Name] = preference{Value: field.Value, Source: field.Source}
		if q.trusted {
			out[field.Name] = field
		}
	}
	return out
}
