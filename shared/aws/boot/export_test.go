package boot

import (
	"io"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// What tests look at.
var NewLog = newLog

// TraceKey is the context key of the trace.
const TraceKey = traceKey

// Problems returns what Main would refuse to start for.
func (e *Env) Problems() []string { return e.problems }

// Tell writes what was counted, if it is time.
func (e *Env) Tell(w io.Writer, function string, now time.Time) { e.counts.tell(w, function, now) }

// Telling is what Main wraps handlers in.
func (e *Env) Telling(h lambda.Handler) lambda.Handler { return e.telling(h) }

// Warm reads the strategy as Main does before the first request.
func (e *Env) Warm() { e.warm() }
