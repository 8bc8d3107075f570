// Package decide is the Lambda that chooses the next best content for the slots
// of a website. It reads one person, writes nothing, and answers with the
// default content rather than with an error when people cannot be read.
package decide

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"rapport/shared/access"
	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// People finds people; people.Store does.
type People interface {
	// Find returns the person that has the node, nil when nobody does.
	Find(ctx context.Context, node person.NodeID) (*person.Person, error)
}

// Strategy gives the published strategy; strategy.Reader does.
type Strategy interface {
	// Current fails with Unavailable when there is none.
	Current(ctx context.Context) (*strategy.Strategy, error)
}

// Deps is what decide works with.
type Deps struct {
	People   People
	Strategy Strategy
	Keys     access.Keys
	Proofs   access.Proofs
	Quota    *access.Quota // of ids that browsers ask about; nil means no limit
	Secret   []byte        // of receipts; not empty
	Now      func() time.Time
	Log      *slog.Logger
	Origins  []string // whose pages may call; none means all

	// Count adds to a metric of CloudWatch; nil counts nothing.
	Count func(metric string, n int)
}

type function struct {
	Deps
	receipts decision.Keyring
	plan     atomic.Pointer[decision.Plan] // of the strategy that was current last
}

// New returns the handler of POST /v1/decide and of the OFREP routes.
func New(d Deps) http.Handler {
	if d.Count == nil {
		d.Count = func(string, int) {}
	}
	f := &function{Deps: d, receipts: decision.Keys(d.Secret)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/decide", f.decide)
	mux.HandleFunc("POST /ofrep/v1/evaluate/flags", f.flags)
	mux.HandleFunc("POST /ofrep/v1/evaluate/flags/{"+flagKey+"}", f.flag)
	return httpapi.CORS(d.Origins, httpapi.Routes(mux))
}

func (f *function) decide(w http.ResponseWriter, r *http.Request) {
	clock := f.start()
	q, err := f.read(r, clock.last)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	answer, err := f.choose(w, r, q, clock)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, answer)
}

// choose answers a question, whichever route it came by, and sets the headers
// that each answer has.
func (f *function) choose(w http.ResponseWriter, r *http.Request, q question, clock *stopwatch) (answer, error) {
	plan, err := f.current(r.Context())
	if err != nil {
		return answer{}, err
	}
	slots, err := plan.Slots(q.Slots)
	if err != nil {
		return answer{}, err
	}
	clock.lap("prepare")
	who := f.find(r.Context(), plan.Strategy(), q.visitor)
	clock.lap("people")
	f.Count("Decisions", len(slots))
	if who.failed != nil {
		f.Count("DecisionsDegraded", len(slots))
		f.Log.WarnContext(r.Context(), "people cannot be read: default content is served", "error", who.failed)
		w.Header().Set("Rapport-Degraded", "people")
	}
	made := f.answer(plan, slots, q, who)
	clock.lap("decide")
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("Server-Timing", clock.laps)
	return made, nil
}

// strategyPatience bounds the wait for the strategy, which is in memory nearly
// always.
const strategyPatience = 2 * time.Second

// current returns the plan of the current strategy. Without one there is no
// content to fall back to.
func (f *function) current(ctx context.Context) (*decision.Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, strategyPatience)
	defer cancel()
	s, err := f.Strategy.Current(ctx)
	if err != nil {
		if fault.KindOf(err) != fault.Unavailable {
			err = fault.New(fault.Unavailable, "strategy_unreadable", "try again; the strategy cannot be read now").Because(err)
		}
		return nil, err
	}
	if p := f.plan.Load(); p != nil && p.Strategy() == s {
		return p, nil
	}
	p := decision.NewPlan(s)
	f.plan.Store(p)
	return p, nil
}
