package cloud

import (
	"maps"
	"time"
)

// Use is what one function consumed, in the units that AWS bills.
type Use struct {
	Invocations   int64    `json:"invocations"`
	Failures      int64    `json:"failures"` // invocations that ended in an error
	GBSeconds     float64  `json:"gbSeconds"`
	HTTPRequests  int64    `json:"httpRequests"`
	QueueRequests int64    `json:"queueRequests"` // send, receive and delete
	BusEvents     int64    `json:"busEvents"`
	Mails         int64    `json:"mails"`
	ReadUnits     float64  `json:"readUnits"`
	WriteUnits    float64  `json:"writeUnits"`
	LogBytes      int64    `json:"logBytes"`
	Traces        float64  `json:"traces"` // expected, by the share that Lambda samples
	Dollars       float64  `json:"dollars"`
	Services      Services `json:"services"` // the dollars, by who bills them
}

// Services are dollars by AWS service.
type Services struct {
	API    float64 `json:"httpApi"`
	Lambda float64 `json:"lambda"`
	Queues float64 `json:"sqs"`
	Table  float64 `json:"dynamodb"`
	Bus    float64 `json:"eventbridge"`
	Mail   float64 `json:"ses"`
	Logs   float64 `json:"logs"`
	Traces float64 `json:"xray"`
}

// Plus adds up what two functions, or one in two spans of time, used.
func (u Use) Plus(o Use) Use { return u.add(o, 1) }

// Minus is what was used since o was read off the same meter.
func (u Use) Minus(o Use) Use { return u.add(o, -1) }

func (u Use) add(o Use, sign int64) Use {
	share := float64(sign)
	return Use{
		Invocations: u.Invocations + sign*o.Invocations, Failures: u.Failures + sign*o.Failures,
		GBSeconds: u.GBSeconds + share*o.GBSeconds, HTTPRequests: u.HTTPRequests + sign*o.HTTPRequests,
		QueueRequests: u.QueueRequests + sign*o.QueueRequests, BusEvents: u.BusEvents + sign*o.BusEvents,
		Mails: u.Mails + sign*o.Mails, ReadUnits: u.ReadUnits + share*o.ReadUnits, WriteUnits: u.WriteUnits + share*o.WriteUnits,
		LogBytes: u.LogBytes + sign*o.LogBytes, Traces: u.Traces + share*o.Traces,
	}.priced()
}

// priced sets the dollars.
func (u Use) priced() Use {
	s := Services{
		API:    float64(u.HTTPRequests) * price.HTTPRequest,
		Lambda: float64(u.Invocations)*price.Invocation + u.GBSeconds*price.GBSecond,
		Queues: float64(u.QueueRequests) * price.QueueRequest,
		Table:  u.ReadUnits*price.ReadUnit + u.WriteUnits*price.WriteUnit,
		Bus:    float64(u.BusEvents) * price.BusEvent,
		Mail:   float64(u.Mails) * price.Mail,
		Logs:   float64(u.LogBytes) * price.LogByte,
		Traces: u.Traces * price.Trace,
	}
	u.Services = s
	u.Dollars = s.API + s.Lambda + s.Queues + s.Table + s.Bus + s.Mail + s.Logs + s.Traces
	return u
}

// Statement is the answer of GET /local/meter.
type Statement struct {
	Since     time.Time      `json:"since"`
	Functions map[string]Use `json:"functions"` // by logical id
	Total     Use            `json:"total"`
	Decisions UnitCost       `json:"decisions"` // all that DecideFunction consumed
	Events    UnitCost       `json:"events"`    // all that CollectFunction, UnifyFunction and TallyFunction consumed
	Mails     UnitCost       `json:"mails"`     // all that AdvanceFunction, SendFunction and HearFunction consumed
	Prices    prices         `json:"prices"`    // dollars per unit
	Assumed   assumptions    `json:"assumed"`   // what a laptop cannot measure
	Note      string         `json:"note"`
}

// UnitCost is what a million would cost at the rate seen so far; absent before
// the first one.
type UnitCost struct {
	Count             int64    `json:"count"`
	Dollars           float64  `json:"dollars"`
	DollarsPerMillion *float64 `json:"dollarsPerMillion,omitempty"`
}

// What a million of each is made of.
var (
	decisionFunctions = []string{"DecideFunction"}
	eventFunctions    = []string{"CollectFunction", "UnifyFunction", "TallyFunction"}
	mailFunctions     = []string{"AdvanceFunction", "SendFunction", "HearFunction"}
)

const meterNote = "Counted in AWS's units at the prices of us-east-1: HTTP API and Lambda requests, DynamoDB units by the size of each item, " +
	"SQS requests (send, receive, delete), EventBridge events, mails, log bytes. Assumed: how long a Lambda runs for, by the calls that it makes, " +
	"since a laptop's clock says nothing about Lambda's. Left out: storage, backups, data transfer, idle polling of queues, the free tier."

// Statement prices what was counted.
func (m *meter) Statement() Statement {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Statement{Since: m.tally.Since, Functions: map[string]Use{}, Prices: price, Assumed: assumed, Note: meterNote}
	for id := range maps.Keys(m.tally.Functions) {
		s.Functions[id] = m.tally.Functions[id].priced()
		s.Total = s.Total.Plus(s.Functions[id])
	}
	s.Decisions = s.costOf(m.tally.Decisions, decisionFunctions)
	s.Events = s.costOf(m.tally.Events, eventFunctions)
	s.Mails = s.costOf(s.Total.Mails, mailFunctions)
	return s
}

func (s Statement) costOf(count int64, functions []string) UnitCost {
	c := UnitCost{Count: count}
	for _, id := range functions {
		c.Dollars += s.Functions[id].Dollars
	}
	if count > 0 {
		each := c.Dollars / float64(count) * million
		c.DollarsPerMillion = &each
	}
	return c
}
