package cloud

import (
	"log/slog"
	"time"

	"go.etcd.io/bbolt"
)

// Keep stores a change in db and waits for it.
func Keep(db *bbolt.DB, spoil func()) error {
	s, err := openStore(db, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer s.close()
	spoil()
	return s.do(func(*bbolt.Tx) error { return nil })
}

// Parse reads a template for tests that look at its problems only.
func Parse(data string, parameters map[string]string) error {
	_, err := parseTemplate("template.yaml", []byte(data), "http://127.0.0.1:8080", parameters)
	return err
}

// Match compiles a pattern and matches an event.
func Match(source any, event string) (bool, error) {
	p, err := compilePattern(source)
	if err != nil {
		return false, err
	}
	return p.Matches([]byte(event)), nil
}

// QueueRequests counts the SQS requests for bodies.
var QueueRequests = queueRequests

// Variables are the environment of one of a template's functions.
func Variables(data, function string, parameters map[string]string) (map[string]string, error) {
	parsed, err := parseTemplate("template.yaml", []byte(data), "http://127.0.0.1:8080", parameters)
	if err != nil {
		return nil, err
	}
	for _, f := range parsed.Functions {
		if f.ID == function {
			return f.Env, nil
		}
	}
	return nil, nil
}

// Road is a queue that feeds a function, as a template wires it.
type Road struct {
	Function, Queue, Dead string
	Timeout, Visibility   time.Duration
	Batch, MaxReceives    int
	Partial               bool
}

// Roads lists the queues that feed the functions of the template at path.
func Roads(path string, parameters map[string]string) ([]Road, error) {
	parsed, err := readTemplate(path, "http://127.0.0.1:8080", parameters)
	if err != nil {
		return nil, err
	}
	var out []Road
	for _, f := range parsed.Functions {
		for _, s := range f.Sources {
			for _, q := range parsed.Queues {
				if q.ID == s.Queue {
					out = append(out, Road{f.ID, q.ID, q.Dead, f.Timeout, q.Visibility, s.Batch, q.MaxReceives, s.Partial})
				}
			}
		}
	}
	return out, nil
}

// Routes lists the routes of the template at path: "GET /v1/people/{node} ReportFunction".
func Routes(path string, parameters map[string]string) ([]string, error) {
	parsed, err := readTemplate(path, "http://127.0.0.1:8080", parameters)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range parsed.Functions {
		for _, r := range f.Routes {
			out = append(out, r.Method+" "+r.Path+" "+f.ID)
		}
	}
	return out, nil
}

// Billed says what Lambda bills beside the runs of one of a template's functions.
func Billed(data, function string) (reports, traced bool, err error) {
	parsed, err := parseTemplate("template.yaml", []byte(data), "http://127.0.0.1:8080", nil)
	if err != nil {
		return false, false, err
	}
	for _, f := range parsed.Functions {
		if f.ID == function {
			return f.Reports, f.Traced, nil
		}
	}
	return false, false, nil
}

// EachItem visits all that the data file holds: people, queues, bus and outbox.
func (c *Cloud) EachItem(visit func(bucket, key, value string)) error {
	if err := c.store.flush(); err != nil {
		return err
	}
	var walk func(name string, b *bbolt.Bucket) error
	walk = func(name string, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return walk(name+"/"+string(k), b.Bucket(k))
			}
			visit(name, string(k), string(v))
			return nil
		})
	}
	return c.store.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return walk(string(name), b) })
	})
}
