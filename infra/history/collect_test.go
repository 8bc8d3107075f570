package history_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rapport/infra/history"
)

// sent is an event as the tests write it: its fields say what collect is to do
// with it.
type sent struct {
	N      int    `json:"n"`
	Reject string `json:"reject,omitempty"`
	Off    bool   `json:"off,omitempty"`
	Poison bool   `json:"poison,omitempty"` // makes collect refuse the whole request
	Fill   string `json:"fill,omitempty"`
}

// collect stands in for the real one.
type collect struct {
	t        *testing.T
	accepted []int      // n of the events, in order
	batches  []int      // events of each request that was answered 200
	largest  int        // bytes of the largest request
	refuse   func() int // a status to answer instead; nil or 0: none
	settles  int        // calls of /local/settle
	settled  int        // the status of its answer; 0: 200
	meters   int        // calls of /local/meter
	pauses   []time.Duration
}

func (c *collect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.RequestURI() {
	case "POST /v1/batch?import=1":
		c.batch(w, r)
	case "POST /local/settle":
		c.settles++
		if c.settled != 0 {
			w.WriteHeader(c.settled)
		}
		_, _ = io.WriteString(w, `{"error":{"message":"2 are stuck"}}`)
	case "GET /local/meter":
		c.meters++
		_, _ = fmt.Fprintf(w, `{"events":{"count":%d,"dollars":%g}}`, 100*c.meters, 0.0003*float64(c.meters))
	default:
		c.t.Errorf("unexpected %s %s", r.Method, r.URL)
	}
}

func (c *collect) batch(w http.ResponseWriter, r *http.Request) {
	if key, _, _ := r.BasicAuth(); key != "secret" {
		c.t.Errorf("key %q", key)
	}
	if c.refuse != nil {
		if status := c.refuse(); status != 0 {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error":{"code":"said_no","message":"no"}}`)
			return
		}
	}
	data, _ := io.ReadAll(r.Body)
	var body struct{ Batch []sent }
	if err := json.Unmarshal(data, &body); err != nil {
		c.t.Error(err)
	}
	c.largest = max(c.largest, len(data))
	type verdict struct {
		Index         int
		Code, Message string
	}
	var answer struct {
		Success            bool
		Accepted           int
		Rejected, Declined []verdict
	}
	for i, e := range body.Batch {
		switch {
		case e.Poison:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"code":"bad_json","message":"poison"}}`)
			return
		case e.Reject != "":
			answer.Rejected = append(answer.Rejected, verdict{i, e.Reject, "no: " + e.Reject})
		case e.Off:
			answer.Declined = append(answer.Declined, verdict{i, "integration_off", "off"})
		default:
			answer.Accepted++
		}
	}
	for _, e := range body.Batch {
		if e.Reject == "" && !e.Off {
			c.accepted = append(c.accepted, e.N)
		}
	}
	c.batches = append(c.batches, len(body.Batch))
	_ = json.NewEncoder(w).Encode(answer)
}

// serve starts the stand-in and returns a configuration that leads to it.
func serve(t *testing.T, c *collect) history.Config {
	t.Helper()
	c.t = t
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	return history.Config{
		URL: server.URL, Key: "secret", Client: server.Client(),
		Now: func() time.Time { now = now.Add(2 * time.Second); return now },
		Wait: func(_ context.Context, d time.Duration) error {
			c.pauses = append(c.pauses, d)
			return nil
		},
	}
}

// write returns n events as JSON lines; change may alter each.
func write(n int, change func(*sent)) string {
	var b strings.Builder
	for i := range n {
		e := sent{N: i + 1}
		if change != nil {
			change(&e)
		}
		line, _ := json.Marshal(e)
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func zip(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// roundTrip answers every request the same.
type roundTrip func() (status int, body string)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f()
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}
