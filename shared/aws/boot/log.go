package boot

import (
	"context"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// newLog returns a logger in Lambda's own form (JSON when the template says so),
// with the request's id and the trace's id on each line that has a context.
func newLog() *slog.Logger {
	return slog.New(traced{lambdacontext.NewLogHandler()})
}

// traceKey is the context key under which the runtime keeps X-Amzn-Trace-Id.
const traceKey = "x-amzn-trace-id"

// traced adds the trace's id to what is logged.
type traced struct{ slog.Handler }

// Handle implements slog.Handler.
func (t traced) Handle(ctx context.Context, r slog.Record) error {
	if header, ok := ctx.Value(traceKey).(string); ok {
		if id := traceID(header); id != "" {
			r = r.Clone()
			r.AddAttrs(slog.String("traceId", id))
		}
	}
	return t.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traced{t.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (t traced) WithGroup(name string) slog.Handler { return traced{t.Handler.WithGroup(name)} }

// traceID picks the id out of "Root=1-67…;Parent=…;Sampled=1".
func traceID(header string) string {
	for part := range strings.SplitSeq(header, ";") {
		if id, ok := strings.CutPrefix(strings.TrimSpace(part), "Root="); ok {
			return id
		}
	}
	return ""
}
