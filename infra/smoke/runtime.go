package smoke

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// runtimeAPI is the server by which Lambda talks to a bootstrap: it hands out an
// event when asked for the next one and takes answers and errors.
type runtimeAPI struct {
	asked chan struct{} // closed at the first question for an event
	calls chan *call
	once  sync.Once
	last  atomic.Int64

	mu      sync.Mutex
	waiting map[string]*call // by request id
}

// call is one invocation.
type call struct {
	id       string
	event    []byte
	deadline time.Time
	answer   chan answer // holds one
}

type answer struct {
	body   []byte
	failed bool
}

func newRuntimeAPI() *runtimeAPI {
	return &runtimeAPI{asked: make(chan struct{}), calls: make(chan *call), waiting: map[string]*call{}}
}

// call makes an invocation with an id of its own.
func (a *runtimeAPI) call(event []byte, deadline time.Time) *call {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", a.last.Add(1))
	return &call{id: id, event: event, deadline: deadline, answer: make(chan answer, 1)}
}

func (a *runtimeAPI) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.take(false))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.take(true))
	return mux
}

// next waits for an event, however long that takes.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.once.Do(func() { close(a.asked) })
	select {
	case c := <-a.calls:
		a.mu.Lock()
		a.waiting[c.id] = c
		a.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", c.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:rapport")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-"+c.id[len(c.id)-12:]+"000000000000;Sampled=0")
		_, _ = w.Write(c.event) // a function that is gone is seen by its end
	case <-r.Context().Done():
	}
}

// take returns the handler of answers or of errors.
func (a *runtimeAPI) take(failed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		c := a.waiting[r.PathValue("id")]
		delete(a.waiting, r.PathValue("id"))
		a.mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if c == nil || err != nil {
			http.Error(w, `{"errorType":"InvalidRequestID"}`, http.StatusBadRequest)
			return
		}
		c.answer <- answer{body: body, failed: failed}
		w.WriteHeader(http.StatusAccepted)
	}
}
