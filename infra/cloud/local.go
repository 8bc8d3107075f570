package cloud

import (
	"encoding/json"
	"net/http"
	"sort"
	"strings"
	"time"

	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

// instant is how the local routes write time: RFC 3339 with milliseconds.
const instant = "2006-01-02T15:04:05.000Z07:00"

// Handler serves the API as the template declares it, the local routes under
// /local/, the bus for AWS's clients, and the site for "/" and "/shop/…".
func (c *Cloud) Handler() http.Handler {
	local := c.localRoutes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to, parameters, ok := c.gateway.find(r); ok {
			c.gateway.serve(w, r, to, parameters)
			return
		}
		path := r.URL.Path
		switch {
		case asksBus(r):
			c.putOnBus(w, r)
		case strings.HasPrefix(path, "/local/"):
			local.ServeHTTP(w, r)
		case c.config.Site != nil && (path == "/" || path == "/shop" || strings.HasPrefix(path, "/shop/")):
			c.config.Site.ServeHTTP(w, r)
		default:
			refuse(w, http.StatusNotFound, "Not Found")
		}
	})
}

// localRoutes are those that only a laptop has. They are a contract.
func (c *Cloud) localRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /local/health", c.health)
	mux.HandleFunc("GET /local/clock", func(w http.ResponseWriter, _ *http.Request) { c.tellTime(w) })
	mux.HandleFunc("POST /local/clock", c.advance)
	mux.HandleFunc("POST /local/settle", func(w http.ResponseWriter, r *http.Request) {
		if err := c.Settle(r.Context()); err != nil {
			httpapi.Error(w, err)
			return
		}
		c.tellTime(w)
	})
	mux.HandleFunc("GET /local/meter", func(w http.ResponseWriter, _ *http.Request) {
		httpapi.Encode(w, http.StatusOK, c.meter.Statement())
	})
	mux.HandleFunc("GET /local/queues", c.showQueues)
	mux.HandleFunc("GET /local/bus", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, c.bus.recent)
	})
	c.outboxRoutes(mux)
	mux.HandleFunc("/local/", func(w http.ResponseWriter, _ *http.Request) {
		httpapi.Error(w, fault.New(fault.NotFound, "no_route", "there are /local/health, clock, settle, meter, queues, bus and outbox"))
	})
	return mux
}

func answer[T any](w http.ResponseWriter, look func() (T, error)) {
	value, err := look()
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, value)
}

// health is 200 once the strategy is published and the workers run.
func (c *Cloud) health(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-c.started:
		httpapi.Encode(w, http.StatusOK, map[string]string{"status": "ok"})
	default:
		httpapi.Error(w, fault.New(fault.Unavailable, "starting", "the workers do not run yet: ask again soon"))
	}
}

func (c *Cloud) tellTime(w http.ResponseWriter) {
	httpapi.Encode(w, http.StatusOK, map[string]string{"now": c.clock.Now().UTC().Format(instant)})
}

// longestAdvance keeps a slip of the finger from moving time out of range.
const longestAdvance = 10 * 366 * 24 * time.Hour

func (c *Cloud) advance(w http.ResponseWriter, r *http.Request) {
	d, err := readAdvance(r)
	if err == nil {
		_, err = c.Advance(r.Context(), d)
	}
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	c.tellTime(w)
}

func readAdvance(r *http.Request) (time.Duration, error) {
	var body struct {
		Advance string `json:"advance"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<10))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return 0, fault.New(fault.Malformed, "malformed_json", `send {"advance":"90m"}`).Because(err)
	}
	d, err := time.ParseDuration(body.Advance)
	if err != nil || d < 0 || d > longestAdvance {
		return 0, fault.New(fault.Invalid, "bad_duration",
			"time moves forward, by at most ten years: give a duration like 90m or 36h").In("advance")
	}
	return d, nil
}

// shownQueue is one entry of GET /local/queues.
type shownQueue struct {
	Queue    string   `json:"queue"`
	Visible  int      `json:"visible"`
	InFlight int      `json:"inFlight"`
	Delayed  int      `json:"delayed"`
	Dead     []letter `json:"dead"` // up to a hundred of its dead letters, oldest first
}

const shownLetters = 100

func (c *Cloud) showQueues(w http.ResponseWriter, _ *http.Request) {
	answer(w, func() ([]shownQueue, error) {
		if err := c.store.flush(); err != nil {
			return nil, err
		}
		out := []shownQueue{}
		for id, q := range c.queues {
			d := q.Depth()
			shown := shownQueue{Queue: id, Visible: d.visible, InFlight: d.flying, Delayed: d.delayed, Dead: []letter{}}
			if q.dead != nil {
				letters, err := q.dead.Letters(shownLetters)
				if err != nil {
					return nil, err
				}
				shown.Dead = letters
			}
			out = append(out, shown)
		}
		sort.Slice(out, func(i, j int) bool { return out[i].Queue < out[j].Queue })
		return out, nil
	})
}
