package history

import (
	"slices"
	"time"
)

// shownLines is how many line numbers a verdict names.
const shownLines = 10

// Summary says what became of a file.
type Summary struct {
	Lines      int                 `json:"lines"`
	Events     int                 `json:"events"`   // lines that hold one
	Accepted   int                 `json:"accepted"` // those seen before included: they change nothing
	Rejected   map[string]*Verdict `json:"rejected"` // by code
	Declined   map[string]*Verdict `json:"declined"` // by code: switched off by their sender
	Unreadable int                 `json:"unreadable"`
	Problems   []Problem           `json:"problems"` // the first unreadable lines

	ResumedAfter      int      `json:"resumedAfter,omitempty"` // the line at which an earlier run stopped
	Seconds           float64  `json:"seconds"`                // of this run
	EventsPerSecond   float64  `json:"eventsPerSecond"`
	DollarsPerMillion *float64 `json:"dollarsPerMillion,omitempty"` // what AWS would bill for a million such events

	sent int // events in this run
}

// Verdict counts events that were refused for one reason.
type Verdict struct {
	Count   int    `json:"count"`
	Message string `json:"message"` // of the first
	Lines   []int  `json:"lines"`   // the first of them
}

// Problem is a line that holds no event.
type Problem struct {
	Line    int    `json:"line"`
	Message string `json:"message"`
}

func (s *Summary) unreadable(line int, problem error) {
	s.Unreadable++
	if len(s.Problems) < shownLines {
		s.Problems = append(s.Problems, Problem{Line: line, Message: problem.Error()})
	}
}

// verdict counts one refused event under its code.
func verdict(m *map[string]*Verdict, code, message string, line int) {
	if *m == nil {
		*m = map[string]*Verdict{}
	}
	v := (*m)[code]
	if v == nil {
		v = &Verdict{Message: message}
		(*m)[code] = v
	}
	v.Count++
	if len(v.Lines) < shownLines {
		v.Lines = append(v.Lines, line)
		slices.Sort(v.Lines)
	}
}

// finish works out the rates.
func (s *Summary) finish(took time.Duration, before, after *meter) {
	s.Seconds = took.Seconds()
	if took > 0 {
		s.EventsPerSecond = float64(s.sent) / took.Seconds()
	}
	if before == nil || after == nil {
		return
	}
	if events := after.Events.Count - before.Events.Count; events > 0 {
		each := (after.Events.Dollars - before.Events.Dollars) / float64(events) * 1e6
		s.DollarsPerMillion = &each
	}
}
