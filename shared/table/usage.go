package table

import "context"

// Usage is what one call consumed, in DynamoDB's billing units: a read unit is
// 4 KB of a whole item read with strong consistency, a write unit 1 KB of a
// whole item, and a write in a commit of several counts twice.
type Usage struct {
	Call   string // "Get", "Query", "Commit" or "Scan"
	Items  int    // items read or written
	Reads  float64
	Writes float64
}

type usageKey struct{}

// WithMeter returns a context under which backends report what each call
// consumed to record. Record must be safe for concurrent use.
func WithMeter(ctx context.Context, record func(Usage)) context.Context {
	return context.WithValue(ctx, usageKey{}, record)
}

// Spend reports consumption to the meter of ctx, if there is one. Backends call it.
func Spend(ctx context.Context, u Usage) {
	if record, ok := ctx.Value(usageKey{}).(func(Usage)); ok {
		record(u)
	}
}
