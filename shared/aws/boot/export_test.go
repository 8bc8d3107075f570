package boot

// What tests look at.
var NewLog = newLog

// TraceKey is the context key of the trace.
const TraceKey = traceKey

// Problems returns what Main would refuse to start for.
func (e *Env) Problems() []string { return e.problems }

// Warm reads the strategy as Main does before the first request.
func (e *Env) Warm() { e.warm() }
