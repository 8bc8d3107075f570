package report

import (
	"context"
	"net/http"
	"time"

	"rapport/shared/httpapi"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// because is why an identity is in its person, as the API shows it.
type because struct {
	Node    string     `json:"node"`
	Person  string     `json:"person"` // the id that the customer view shows
	Edges   []evidence `json:"edges"`
	Refused []evidence `json:"refused"`
	Path    []evidence `json:"path"` // from the node to the user id that holds it
}

// evidence is an edge between two identities with what says so.
type evidence struct {
	From      string     `json:"from"`
	To        string     `json:"to"`
	Rule      string     `json:"rule,omitempty"`
	MessageID string     `json:"messageId,omitempty"`
	At        *time.Time `json:"at,omitempty"`
	Reason    string     `json:"reason,omitempty"` // of a refused one: split, or the verdict
}

func (f *function) why(w http.ResponseWriter, r *http.Request) {
	p, err := f.find(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	node, err := person.ParseNode(r.PathValue("node"))
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	current, err := f.Strategy.Current(r.Context())
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	why, err := f.People.Why(r.Context(), current, p, node)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, because{
		Node: node.String(), Person: p.View(nil, f.Now()).ID,
		Edges: shown(why.Edges), Refused: shown(why.Refused), Path: shown(why.Path),
	})
}

func shown(edges []people.Edge) []evidence {
	out := make([]evidence, len(edges))
	for i, e := range edges {
		out[i] = evidence{
			From: e.From.String(), To: e.To.String(), Rule: e.Rule, MessageID: e.By, At: optional(e.At), Reason: e.Reason,
		}
	}
	return out
}

// step is one commit of a split or of lifting one: People.Split or People.Lift.
type step func(People, context.Context, *strategy.Strategy, person.NodeID) (effects []people.Effect, more bool, err error)

// recast changes who is one person and answers why the node is where it is now.
func (f *function) recast(next step) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f.steps(r, next); err != nil {
			httpapi.Error(w, err)
			return
		}
		f.why(w, r)
	}
}

// steps takes the steps. What one sets off is out before the next, so that a call
// which ends in between loses nothing when it is repeated.
func (f *function) steps(r *http.Request, next step) error {
	if err := httpapi.Decode(r, &struct{}{}); err != nil {
		return err
	}
	node, err := person.ParseNode(r.PathValue("node"))
	if err != nil {
		return err
	}
	current, err := f.Strategy.Current(r.Context())
	if err != nil {
		return err
	}
	for more := true; more; {
		var effects []people.Effect
		if effects, more, err = next(f.People, r.Context(), current, node); err != nil {
			return err
		}
		if err = f.Outlet.Publish(r.Context(), effects); err != nil {
			return err
		}
	}
	return nil
}
