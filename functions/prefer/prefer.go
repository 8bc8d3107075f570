// Package prefer is the Lambda by which people say what they want to be written
// about: by the signed links in mail, by the button that mailbox providers show
// for them, or through a site with its key. What is said is stored before it is
// answered, and GET never changes anything, since mail scanners open links.
package prefer

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"rapport/shared/access"
	"rapport/shared/httpapi"
	"rapport/shared/link"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// People finds people and keeps what they agree to; people.Store does.
type People interface {
	// Holder returns the person that has the node with that hash, nil when nobody does.
	Holder(ctx context.Context, nodeHash string) (*person.Person, error)
	// Agree records what was said under one identity; nil means that it is stored.
	Agree(ctx context.Context, s *strategy.Strategy, node person.NodeID, purpose string, c person.Consent) error
}

// Strategy gives the published strategy.
type Strategy interface {
	Current(ctx context.Context) (*strategy.Strategy, error)
}

// Deps is what prefer works with.
type Deps struct {
	People   People
	Strategy Strategy
	Keys     access.Keys
	Proofs   access.Proofs
	Links    link.Keyring
	Now      func() time.Time
	Log      *slog.Logger
	Origins  []string // whose pages may call with a key; none means all
}

type function struct{ Deps }

// New returns the handler of the preference routes.
func New(d Deps) http.Handler {
	f := &function{d}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/unsubscribe", f.confirm)
	mux.HandleFunc("POST /v1/unsubscribe", f.unsubscribe)
	mux.HandleFunc("GET /v1/preferences", f.show)
	mux.HandleFunc("POST /v1/preferences", f.change)
	routes := httpapi.Routes(mux)
	bySite := httpapi.CORS(d.Origins, routes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A link is its own permission, and our pages send no origin that could be
		// listed: with them, the check of origins would refuse every button.
		if token(r) != "" && r.Method != http.MethodOptions {
			routes.ServeHTTP(w, r)
			return
		}
		bySite.ServeHTTP(w, r)
	})
}

func token(r *http.Request) string { return r.URL.Query().Get("t") }

// statement is what somebody says about purposes, and how we know that they may.
type statement struct {
	node  person.NodeID
	wish  map[string]bool // by purpose
	proof string          // kept with the consent
}

// store records a statement. What the person said already is not said again, so
// that a repetition leaves no trace.
func (f *function) store(ctx context.Context, s *strategy.Strategy, p *person.Person, st statement) error {
	var said map[string]person.Consent
	if p != nil {
		said = p.Consents()
	}
	now := f.Now()
	for _, purpose := range noFirst(st.wish) {
		given := st.wish[purpose]
		if c, known := said[purpose]; known && c.Given == given {
			continue
		}
		if err := f.People.Agree(ctx, s, st.node, purpose, person.Consent{Given: given, At: now, By: st.proof}); err != nil {
			return err
		}
		by, _, _ := strings.Cut(st.proof, ":") // the log names nobody
		f.Log.InfoContext(ctx, "consent stored", "purpose", purpose, "given", given, "by", by)
	}
	return nil
}

// holder finds the person that a link is for, and the node that it names. Both
// are empty once the person was erased, and that is no fault of the reader's.
func (f *function) holder(ctx context.Context, l link.Link) (*person.Person, person.NodeID, error) {
	p, err := f.People.Holder(ctx, l.Node)
	if err != nil || p == nil {
		return nil, person.NodeID{}, err
	}
	for _, n := range p.Nodes {
		if n.ID.Hash() == l.Node {
			return p, n.ID, nil
		}
	}
	return nil, person.NodeID{}, nil
}

func byLink(l link.Link) string { return "link:" + l.Message }
