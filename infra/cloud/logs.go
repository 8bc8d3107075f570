package cloud

import (
	"context"
	"log/slog"
)

// counted passes records on and counts the bytes that their JSON form takes.
type counted struct {
	slog.Handler
	count slog.Handler
}

// countLogs returns a logger like log whose records are billed to function.
func (m *meter) countLogs(log *slog.Logger, function string) *slog.Logger {
	bill := writerFunc(func(p []byte) (int, error) {
		m.Log(function, len(p))
		return len(p), nil
	})
	return slog.New(counted{log.Handler(), slog.NewJSONHandler(bill, nil)})
}

// Enabled implements slog.Handler. What is not shown here is billed on AWS all
// the same.
func (c counted) Enabled(ctx context.Context, level slog.Level) bool {
	return c.count.Enabled(ctx, level) || c.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (c counted) Handle(ctx context.Context, r slog.Record) error {
	if c.count.Enabled(ctx, r.Level) {
		_ = c.count.Handle(ctx, r) // only counts
	}
	if !c.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (c counted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return counted{c.Handler.WithAttrs(attrs), c.count.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (c counted) WithGroup(name string) slog.Handler {
	return counted{c.Handler.WithGroup(name), c.count.WithGroup(name)}
}

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
