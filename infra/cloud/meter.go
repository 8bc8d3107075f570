package cloud

import (
	"encoding/json"
	"maps"
	"math"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"rapport/shared/table"
)

// use is what one function consumed, in the units that AWS bills.
type use struct {
	Invocations   int64   `json:"invocations"`
	Failures      int64   `json:"failures"` // invocations that ended in an error
	GBSeconds     float64 `json:"gbSeconds"`
	HTTPRequests  int64   `json:"httpRequests"`
	QueueRequests int64   `json:"queueRequests"` // send, receive and delete
	BusEvents     int64   `json:"busEvents"`
	Mails         int64   `json:"mails"`
	ReadUnits     float64 `json:"readUnits"`
	WriteUnits    float64 `json:"writeUnits"`
	LogBytes      int64   `json:"logBytes"`
	Dollars       float64 `json:"dollars"`
}

func (u use) priced() use {
	u.Dollars = float64(u.Invocations)*price.Invocation + u.GBSeconds*price.GBSecond +
		float64(u.HTTPRequests)*price.HTTPRequest + float64(u.QueueRequests)*price.QueueRequest +
		float64(u.BusEvents)*price.BusEvent + float64(u.Mails)*price.Mail + u.ReadUnits*price.ReadUnit + u.WriteUnits*price.WriteUnit +
		float64(u.LogBytes+platformLogBytes*u.Invocations)*price.LogByte
	return u
}

func (u use) plus(o use) use {
	return use{
		Invocations: u.Invocations + o.Invocations, Failures: u.Failures + o.Failures,
		GBSeconds: u.GBSeconds + o.GBSeconds, HTTPRequests: u.HTTPRequests + o.HTTPRequests,
		QueueRequests: u.QueueRequests + o.QueueRequests, BusEvents: u.BusEvents + o.BusEvents, Mails: u.Mails + o.Mails,
		ReadUnits: u.ReadUnits + o.ReadUnits, WriteUnits: u.WriteUnits + o.WriteUnits,
		LogBytes: u.LogBytes + o.LogBytes,
	}
}

// tally is what the meter keeps: everything since the data folder was new.
type tally struct {
	Since     time.Time       `json:"since"`
	Functions map[string]*use `json:"functions"`
	Decisions int64           `json:"decisions"` // requests that decide answered
	Events    int64           `json:"events"`    // events that collect accepted
}

// meter counts what AWS would bill. It is kept across restarts; a crash may
// lose the last second of it.
type meter struct {
	mu    sync.Mutex
	tally tally
	dirty bool
}

var meterKey = []byte("meter")

func (m *meter) load(db *bbolt.DB, now time.Time) error {
	m.tally = tally{Since: now, Functions: map[string]*use{}}
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

func (m *meter) count(function string, add func(*use)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.tally.Functions[function]
	if u == nil {
		u = &use{}
		m.tally.Functions[function] = u
	}
	add(u)
	m.dirty = true
}

// Invocation counts one run. A laptop's duration is an estimate of Lambda's;
// Lambda bills whole milliseconds.
func (m *meter) Invocation(function string, took time.Duration, memoryMB int, failed bool) {
	milliseconds := math.Max(1, math.Ceil(float64(took)/float64(time.Millisecond)))
	m.count(function, func(u *use) {
		u.Invocations++
		u.GBSeconds += milliseconds / 1000 * float64(memoryMB) / 1024
		if failed {
			u.Failures++
		}
	})
}

// Table counts one call of the table.
func (m *meter) Table(function string, spent table.Usage) {
	m.count(function, func(u *use) { u.ReadUnits += spent.Reads; u.WriteUnits += spent.Writes })
}

// HTTP counts one request of bytes through the HTTP API.
func (m *meter) HTTP(function string, bytes int) {
	m.count(function, func(u *use) { u.HTTPRequests += int64(max(1, (bytes+httpBilledChunk-1)/httpBilledChunk)) })
}

// Queue counts requests to SQS.
func (m *meter) Queue(function string, requests int) {
	m.count(function, func(u *use) { u.QueueRequests += int64(requests) })
}

// Bus counts events of 64 KB.
func (m *meter) Bus(function string, chunks int) {
	m.count(function, func(u *use) { u.BusEvents += int64(chunks) })
}

// Mail counts one mail to one recipient.
func (m *meter) Mail(function string) { m.count(function, func(u *use) { u.Mails++ }) }

// Done counts what the product exists for: decisions made and events accepted.
func (m *meter) Done(decisions, events int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tally.Decisions += int64(decisions)
	m.tally.Events += int64(events)
	m.dirty = true
}

// statement is the answer of GET /local/meter.
type statement struct {
	Since     time.Time      `json:"since"`
	Functions map[string]use `json:"functions"`
	Total     use            `json:"total"`
	Decisions unitCost       `json:"decisions"` // all that DecideFunction consumed
	Events    unitCost       `json:"events"`    // all that CollectFunction and UnifyFunction consumed
	Mails     unitCost       `json:"mails"`     // all that AdvanceFunction, SendFunction and HearFunction consumed
	Prices    prices         `json:"prices"`    // dollars per unit
	Note      string         `json:"note"`
}

// unitCost is what a million would cost at the rate seen so far; absent before
// the first one.
type unitCost struct {
	Count             int64    `json:"count"`
	Dollars           float64  `json:"dollars"`
	DollarsPerMillion *float64 `json:"dollarsPerMillion,omitempty"`
}

const meterNote = "Counted as AWS bills, us-east-1, without storage, transfer and idle polling of queues. " +
	"Lambda's time is measured on this machine: an estimate."

// Statement prices what was counted.
func (m *meter) Statement() statement {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := statement{Since: m.tally.Since, Functions: map[string]use{}, Prices: price, Note: meterNote}
	for id := range maps.Keys(m.tally.Functions) {
		s.Functions[id] = m.tally.Functions[id].priced()
		s.Total = s.Total.plus(s.Functions[id])
	}
	s.Total = s.Total.priced()
	s.Decisions = costOf(m.tally.Decisions, s.Functions["DecideFunction"].Dollars)
	s.Mails = costOf(s.Total.Mails, s.Functions["AdvanceFunction"].Dollars+s.Functions["SendFunction"].Dollars+s.Functions["HearFunction"].Dollars)
	s.Events = costOf(m.tally.Events, s.Functions["CollectFunction"].Dollars+s.Functions["UnifyFunction"].Dollars)
	return s
}

func costOf(count int64, dollars float64) unitCost {
	c := unitCost{Count: count, Dollars: dollars}
	if count > 0 {
		each := dollars / float64(count) * million
		c.DollarsPerMillion = &each
	}
	return c
}
