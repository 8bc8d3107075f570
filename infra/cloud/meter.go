package cloud

import (
	"encoding/json"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"rapport/shared/table"
)

// tally is what the meter keeps: everything since the data folder was new.
type tally struct {
	Since     time.Time       `json:"since"`
	Functions map[string]*Use `json:"functions"`
	Decisions int64           `json:"decisions"` // requests that decide answered
	Events    int64           `json:"events"`    // events that collect accepted
}

// meter counts what AWS would bill. It is kept across restarts; a crash may
// lose the last second of it.
type meter struct {
	mu    sync.Mutex
	specs map[string]functionSpec
	tally tally
	dirty bool
}

var meterKey = []byte("meter")

func (m *meter) load(db *bbolt.DB, now time.Time) error {
	m.tally = tally{Since: now, Functions: map[string]*Use{}}
	return db.View(func(tx *bbolt.Tx) error {
		if v := tx.Bucket(stateBucket).Get(meterKey); v != nil {
			return json.Unmarshal(v, &m.tally)
		}
		return nil
	})
}

// keep returns the change that stores the meter, or nil when nothing was counted.
func (m *meter) keep() func(*bbolt.Tx) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dirty {
		return nil
	}
	m.dirty = false
	v, err := json.Marshal(m.tally)
	return func(tx *bbolt.Tx) error {
		if err != nil {
			return err
		}
		return tx.Bucket(stateBucket).Put(meterKey, v)
	}
}

// knows tells the meter what the template says about a function: its memory,
// what Lambda logs and traces of it.
func (m *meter) knows(spec functionSpec) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.specs == nil {
		m.specs = map[string]functionSpec{}
	}
	m.specs[spec.ID] = spec
}

// count adds to what a function used.
func (m *meter) count(function string, add func(u *Use, f functionSpec)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.tally.Functions[function]
	if u == nil {
		u = &Use{}
		m.tally.Functions[function] = u
	}
	add(u, m.specs[function])
	m.dirty = true
}

// took adds time that Lambda bills for the function.
func (u *Use) took(f functionSpec, milliseconds float64) {
	u.GBSeconds += milliseconds / 1000 * float64(f.Memory) / 1024
}

// Invocation counts one run, and what Lambda writes and traces about it.
func (m *meter) Invocation(function string, failed bool) {
	m.count(function, func(u *Use, f functionSpec) {
		u.Invocations++
		u.took(f, assumed.Run)
		if failed {
			u.Failures++
		}
		if f.Reports {
			u.LogBytes += platformLogBytes
		}
		if f.Traced {
			u.Traces += assumed.TracedShare
		}
	})
}

// Table counts one call of the table.
func (m *meter) Table(function string, spent table.Usage) {
	m.count(function, func(u *Use, f functionSpec) {
		u.ReadUnits += spent.Reads
		u.WriteUnits += spent.Writes
		wait := assumed.Read
		if spent.Call == "Commit" {
			wait = assumed.Write
			if spent.Items > 1 {
				wait = assumed.Transaction
			}
		}
		u.took(f, wait+assumed.Item*float64(spent.Items))
	})
}

// HTTP counts one request of bytes through the HTTP API.
func (m *meter) HTTP(function string, bytes int) {
	m.count(function, func(u *Use, _ functionSpec) {
		u.HTTPRequests += int64(max(1, (bytes+httpBilledChunk-1)/httpBilledChunk))
	})
}

// Queue counts requests to SQS that Lambda's poller makes for the function.
func (m *meter) Queue(function string, requests int) {
	m.count(function, func(u *Use, _ functionSpec) { u.QueueRequests += int64(requests) })
}

// Send counts requests to SQS that the function makes, and waits for.
func (m *meter) Send(function string, requests int) {
	m.count(function, func(u *Use, f functionSpec) {
		u.QueueRequests += int64(requests)
		u.took(f, assumed.Send*float64(requests))
	})
}

// Bus counts events that the function publishes, each in chunks of 64 KB, and
// waits for, ten a request.
func (m *meter) Bus(function string, published [][]byte) {
	m.count(function, func(u *Use, f functionSpec) {
		for _, event := range published {
			u.BusEvents += int64((len(event) + billedChunk - 1) / billedChunk)
		}
		u.took(f, assumed.Publish*float64((len(published)+perRequest-1)/perRequest))
	})
}

// Mail counts one mail to one recipient.
func (m *meter) Mail(function string) {
	m.count(function, func(u *Use, f functionSpec) {
		u.Mails++
		u.took(f, assumed.Mail)
	})
}

// Log counts bytes that the function writes to its log.
func (m *meter) Log(function string, bytes int) {
	m.count(function, func(u *Use, _ functionSpec) { u.LogBytes += int64(bytes) })
}

// Done counts what the product exists for: decisions made and events accepted.
func (m *meter) Done(decisions, events int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tally.Decisions += int64(decisions)
	m.tally.Events += int64(events)
	m.dirty = true
}
