package boot

import (
	"context"
	"sync"
	"time"

	"rapport/shared/strategy"
)

// How long collect waits for the strategy, and for how long it then does
// without before it asks again. Events must be taken in even while nothing can
// be read.
const (
	reservedPatience = time.Second
	reservedPause    = 10 * time.Second
)

// Reserved tells the names of computed traits, which no event may set. While
// no strategy could be read yet it reserves none. It is safe for concurrent use.
type Reserved struct {
	strategies *strategy.Reader
	now        func() time.Time

	mu    sync.Mutex
	known *strategy.Strategy // whose names are in names
	names map[string]bool
	pause time.Time // until when the reader is left alone
}

// NewReserved returns the names reserved by the strategy that the reader gives,
// with now as the clock.
func NewReserved(r *strategy.Reader, now func() time.Time) *Reserved {
	return &Reserved{strategies: r, now: now}
}

// Has reports whether the trait is a computed one.
func (r *Reserved) Has(trait string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); !now.Before(r.pause) {
		r.look(now)
	}
	return r.names[trait]
}

// look takes the names from the current strategy. The lock is held.
func (r *Reserved) look(now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), reservedPatience)
	defer cancel()
	current, err := r.strategies.Current(ctx)
	if err != nil {
		r.pause = now.Add(reservedPause)
		return
	}
	if current == r.known {
		return
	}
	names := make(map[string]bool, len(current.Computed))
	for _, c := range current.Computed {
		names[c.Name] = true
	}
	r.known, r.names = current, names
}
