// Package collect is the Lambda that listens over HTTP: it takes events from
// any known client, judges form and key at once, and hands what it accepts to
// the ingest queue before it says so.
package collect

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"rapport/shared/access"
	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

// Queue is the ingest queue. Send returns nil only when every message is safely
// stored; its errors are Unavailable.
type Queue interface {
	Send(ctx context.Context, messages ...string) error
}

// Deps is what collect works with.
type Deps struct {
	Queue    Queue
	Keys     access.Keys
	Proofs   access.Proofs
	Now      func() time.Time
	Reserved func(trait string) bool                       // the names of computed traits; nil reserves none
	Sources  func(context.Context) ([]event.Source, error) // of the strategy, for CloudEvents; nil has none
	Log      *slog.Logger
	Origins  []string // of pages that may send; empty lets all of them

	// Count adds to a metric of CloudWatch; nil counts nothing.
	Count func(metric string, n int)
}

// maxBody is how large a request may be, unpacked.
const maxBody = 10 << 20

// New returns the handler of the ingest routes, and of the settings that browser
// SDKs ask for before they send.
func New(d Deps) http.Handler {
	if d.Count == nil {
		d.Count = func(string, int) {}
	}
	mux := http.NewServeMux()
	for path, kind := range routes() {
		mux.HandleFunc("POST "+path, answering(func(r *http.Request) (answer, error) { return d.collect(r, kind) }))
	}
	mux.HandleFunc("POST /v1/events", answering(d.cloudEvents))
	d.settings(mux)
	return httpapi.CORS(d.Origins, httpapi.Routes(mux))
}

// answering answers with what take says of the events of a request.
func answering(take func(*http.Request) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := take(r)
		if err != nil {
			httpapi.Error(w, err)
			return
		}
		httpapi.Encode(w, http.StatusOK, a)
	}
}

// collect accepts the events of one request. An error means that none was.
func (d Deps) collect(r *http.Request, path event.Type) (answer, error) {
	body, err := httpapi.Body(r, maxBody)
	if err != nil {
		return answer{}, err
	}
	request, unreadable := event.Read(body)
	kind, err := httpapi.CallerWith(r, d.Keys, request.WriteKey)
	if err != nil {
		return answer{}, err
	}
	if unreadable != nil {
		return answer{}, unreadable
	}
	sender, err := d.sender(r, kind)
	if err != nil {
		return answer{}, err
	}
	return d.accept(r.Context(), request.Decode(path, sender))
}

// accept stores what was accepted before it says so, and counts.
func (d Deps) accept(ctx context.Context, results []event.Result) (answer, error) {
	a := judge(results)
	if err := d.enqueue(ctx, a.events); err != nil {
		return answer{}, err
	}
	d.Count("EventsAccepted", a.Accepted)
	d.Count("EventsRejected", len(a.Rejected))
	a.log(ctx, d.Log)
	return a, nil
}

func (d Deps) sender(r *http.Request, kind access.Kind) (event.Sender, error) {
	now := d.Now()
	s := event.Sender{
		Trusted:    kind == access.Secret,
		Import:     r.URL.Query().Get("import") == "1",
		OptOut:     kind != access.Secret && httpapi.OptsOut(r),
		ReceivedAt: now,
		ProvenUser: func(proof string) (string, error) { return d.Proofs.Verify(proof, now) },
		Reserved:   d.Reserved,
	}
	if s.Import && !s.Trusted {
		return s, fault.New(fault.Forbidden, "secret_key_required", "import history with a secret key, from a server").In("import")
	}
	return s, nil
}

func (d Deps) enqueue(ctx context.Context, events []event.Event) error {
	messages, err := event.Pack(events)
	if err != nil || len(messages) == 0 {
		return err
	}
	if err := d.Queue.Send(ctx, messages...); err != nil {
		return fault.New(fault.Unavailable, "not_stored", "nothing was stored; send the request again").Because(err)
	}
	return nil
}
