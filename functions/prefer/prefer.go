// Package prefer is the Lambda by which people say what they want to be written
// about: by the signed links in mail, by the button that mailbox providers show
// for them, or through a site with its key. What is said is stored before it is
// answered, and GET never changes anything, since mail scanners open links.
package prefer

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"rapport/shared/access"
	"rapport/shared/httpapi"
	"rapport/shared/link"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// People finds people and keeps what they say; people.Store does.
type People interface {
	// Holder returns the person that has the node with that hash, nil when nobody does.
	Holder(ctx context.Context, nodeHash string) (*person.Person, error)
	// Say records what was said under one identity, and returns who said it; nil as
	// the error means that all of it is stored.
	Say(ctx context.Context, s *strategy.Strategy, node person.NodeID, said people.Statement) (*person.Person, error)
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
	mux.HandleFunc("GET /.well-known/gpc.json", support)
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

// taken is a preference that was taken back.
const taken = "null"

func token(r *http.Request) string { return r.URL.Query().Get("t") }

// store records what somebody wishes, in one commit, and returns who it is now;
// nil as the person means that nothing is known yet of who speaks. What the person
// said already is not said again, so that a repetition leaves no trace.
func (f *function) store(ctx context.Context, s *strategy.Strategy, p *person.Person, node person.NodeID, w wish, proof string) (*person.Person, error) {
	now := f.Now()
	said := people.Statement{Consent: map[string]person.Consent{}, Preferences: map[string]person.Trait{}}
	have := standing(p)
	for key, given := range w.words {
		purpose, _ := purposeOf(s, key)
		if c, known := have.said[key]; known && c.Given == given && c.Wording == w.wording && (!given || purpose.Lasts == 0) {
			continue
		}
		said.Consent[key] = purpose.Consent(given, now, proof, w.wording)
	}
	for field, value := range w.fields {
		if before, chosen := have.fields[field]; string(before.Value) != string(value) && (chosen || string(value) != taken) {
			said.Preferences[field] = person.Trait{Value: value, At: now, By: proof}
		}
	}
	if len(said.Consent)+len(said.Preferences) == 0 {
		return p, nil
	}
	p, err := f.People.Say(ctx, s, node, said)
	if err != nil {
		return nil, err
	}
	by, _, _ := strings.Cut(proof, ":") // the log names nobody
	for _, key := range slices.Sorted(maps.Keys(said.Consent)) {
		f.Log.InfoContext(ctx, "consent stored", "purpose", key, "given", said.Consent[key].Given, "by", by)
	}
	return p, nil
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
