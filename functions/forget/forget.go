// Package forget is the Lambda for the rights that people have over what is kept
// of them: it hands all of it out, erases it, and lifts what keeps an erased
// identity from coming back. It takes a secret key only.
package forget

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"

	_ "time/tzdata" // days and hours are those of a zone, which Lambda's system may not know
)

// People reads and erases people; people.Store does.
type People interface {
	// Find returns the person that has the node, nil when nobody does.
	Find(ctx context.Context, node person.NodeID) (*person.Person, error)
	// Export returns a page of what is kept beside the person itself.
	Export(ctx context.Context, s *strategy.Strategy, p *person.Person, after string) (people.Belongings, error)
	// Suppressed says which of the person's addresses get no mail, by their hash.
	Suppressed(ctx context.Context, p *person.Person) (map[string]bool, error)
	// Erase fails with NotFound when nobody ever had the node.
	Erase(ctx context.Context, node person.NodeID, roads people.Roads) (people.Receipt, error)
	// Reopen fails with NotFound when the node has no tombstone.
	Reopen(ctx context.Context, node person.NodeID, roads people.Roads) error
}

// Strategy gives the published strategy.
type Strategy interface {
	Current(ctx context.Context) (*strategy.Strategy, error)
}

// Deps is what forget works with.
type Deps struct {
	People   People
	Strategy Strategy
	Roads    people.Roads // nil where queues cannot be searched, as on AWS
	Keys     access.Keys
	Now      func() time.Time
	Log      *slog.Logger
}

type function struct{ Deps }

// New returns the handler of the privacy routes.
func New(d Deps) http.Handler {
	f := &function{d}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/people/{node}/export", f.export)
	mux.HandleFunc("DELETE /v1/people/{node}", f.erase)
	mux.HandleFunc("POST /v1/people/{node}/reopen", f.reopen)
	return httpapi.RequireSecret(d.Keys, httpapi.Routes(mux))
}

// margin is what is left of the function's time to answer that more is needed.
const margin = time.Second

// receipt is what an erasure answers.
type receipt struct {
	Erased   bool      `json:"erased"`
	At       time.Time `json:"at"`       // when the person was erased, which may be before this request
	Nodes    int       `json:"nodes"`    // identities that are tombstones now
	Events   int       `json:"events"`   // records
	Messages int       `json:"messages"` // ledgers of mails
	Timers   int       `json:"timers"`   // armed, or fired
	Letters  *int      `json:"letters,omitempty"`
}

func (f *function) erase(w http.ResponseWriter, r *http.Request) {
	node, err := person.ParseNode(r.PathValue("node"))
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	ctx := r.Context()
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
		defer cancel()
	}
	got, err := f.People.Erase(ctx, node, f.Roads)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fault.New(fault.Unavailable, "erasure_unfinished",
				"the person is erased already, and some of what hung on it is not: send the same request again to finish").Because(err)
		}
		httpapi.Error(w, err)
		return
	}
	out := receipt{
		Erased: true, At: got.At, Nodes: got.Nodes, Events: got.Events, Messages: got.Messages, Timers: got.Timers,
	}
	if f.Roads != nil {
		out.Letters = &got.Letters
	}
	// The log names nobody.
	f.Log.InfoContext(r.Context(), "person erased", "nodes", got.Nodes, "events", got.Events, "messages", got.Messages, "timers", got.Timers)
	httpapi.Encode(w, http.StatusOK, out)
}

func (f *function) reopen(w http.ResponseWriter, r *http.Request) {
	node, err := person.ParseNode(r.PathValue("node"))
	if err == nil {
		err = f.People.Reopen(r.Context(), node, f.Roads)
	}
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	f.Log.InfoContext(r.Context(), "identity reopened")
	httpapi.Encode(w, http.StatusOK, map[string]bool{"reopened": true})
}
