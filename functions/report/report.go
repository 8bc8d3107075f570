// Package report is the Lambda for people who look and read: the customer view,
// its timeline, the agent card and why it is one person, what followed from decisions and mails,
// and the console. It changes nothing but who is one person: a wrong merge is
// split here, and the split lifted.
package report

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/insight"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"

	_ "time/tzdata" // days and hours are those of a zone, which Lambda's system may not know
)

// People reads people and takes them apart; people.Store does.
type People interface {
	Find(ctx context.Context, node person.NodeID) (*person.Person, error)
	Timeline(ctx context.Context, s *strategy.Strategy, p *person.Person, after string, limit int) ([]people.Record, string, error)
	Mails(ctx context.Context, p *person.Person) ([]*message.Ledger, error)
	Why(ctx context.Context, s *strategy.Strategy, p *person.Person, node person.NodeID) (*people.Evidence, error)
	Split(ctx context.Context, s *strategy.Strategy, node person.NodeID) (effects []people.Effect, more bool, err error)
	Lift(ctx context.Context, s *strategy.Strategy, node person.NodeID) (effects []people.Effect, more bool, err error)
	Members(ctx context.Context, s *strategy.Strategy, asked people.Asked, after string) (people.Members, error)
}

// Strategy gives the published strategy.
type Strategy interface {
	Current(ctx context.Context) (*strategy.Strategy, error)
}

// Results reads what was counted; insight.Counters does.
type Results interface {
	Blocks(ctx context.Context, s *strategy.Strategy, w insight.Window) ([]insight.Result, error)
	Refused(ctx context.Context, w insight.Window) (map[string]int64, error)
	Journeys(ctx context.Context, s *strategy.Strategy) ([]insight.Path, error)
}

// Deps is what report works with.
type Deps struct {
	People   People
	Strategy Strategy
	Results  Results
	Outlet   people.Outlet // for what a split sets off
	Keys     access.Keys
	Now      func() time.Time
	Log      *slog.Logger
}

type function struct{ Deps }

// New returns the handler of the secret-key routes and of the console, where
// people sign in with the same key.
func New(d Deps) http.Handler {
	f := &function{d}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/people/{node}", f.person)
	mux.HandleFunc("GET /v1/people/{node}/timeline", f.timeline)
	mux.HandleFunc("GET /v1/people/{node}/brief", f.brief)
	mux.HandleFunc("GET /v1/people/{node}/why", f.why)
	mux.HandleFunc("GET /v1/people/{node}/personas", f.personas)
	mux.HandleFunc("POST /v1/people/{node}/split", f.recast(People.Split))
	mux.HandleFunc("DELETE /v1/people/{node}/split", f.recast(People.Lift))
	mux.HandleFunc("GET /v1/audiences/{id}/people", f.members)
	mux.HandleFunc("GET /v1/reports/blocks", f.blocks)
	mux.HandleFunc("GET /v1/reports/journeys", f.journeys)
	api := httpapi.RequireSecret(d.Keys, httpapi.Routes(mux))
	console := f.signedIn(http.HandlerFunc(f.console))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/console" || strings.HasPrefix(r.URL.Path, "/console/") {
			console.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

func (f *function) person(w http.ResponseWriter, r *http.Request) {
	p, err := f.find(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	current, err := f.Strategy.Current(r.Context())
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	now, asked := f.Now(), r.URL.Query()
	answer := customerView(p, current, now, asked.Get("provenance") == "1")
	if asked.Get("why") == "1" {
		answer.Why = why(p, current, now)
	}
	httpapi.Encode(w, http.StatusOK, answer)
}

const (
	pageOfEvents = 100
	maxOfEvents  = 500
)

func (f *function) timeline(w http.ResponseWriter, r *http.Request) {
	limit, err := limitOf(r.URL.Query().Get("limit"))
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	p, err := f.find(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	current, err := f.Strategy.Current(r.Context())
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	records, next, err := f.People.Timeline(r.Context(), current, p, r.URL.Query().Get("after"), limit)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, page(records, next))
}

func limitOf(text string) (int, error) {
	if text == "" {
		return pageOfEvents, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxOfEvents {
		return 0, fault.New(fault.Invalid, "bad_limit", "limit is a number from 1 to %d", maxOfEvents).In("limit")
	}
	return n, nil
}

func (f *function) find(r *http.Request) (*person.Person, error) {
	id, err := person.ParseNode(r.PathValue("node"))
	if err != nil {
		return nil, err
	}
	return f.have(r.Context(), id)
}

// have returns the person that has the node.
func (f *function) have(ctx context.Context, id person.NodeID) (*person.Person, error) {
	p, err := f.People.Find(ctx, id)
	if err == nil && p == nil {
		err = fault.New(fault.NotFound, "no_person", "nobody has this identity yet").In("node")
	}
	return p, err
}
