package strategy

import (
	"context"
	"sync"
	"time"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/table"
)

// lookEvery is how long a reader trusts the pointer that it saw.
const lookEvery = 30 * time.Second

// Reader gives the published strategy and keeps it in memory. It is safe for
// concurrent use.
type Reader struct {
	table table.Table
	now   func() time.Time
	whole bool // not only the edge

	mu     sync.Mutex
	cached *Strategy
	looked time.Time // when the pointer was last looked at; zero: look now
}

// NewReader returns a reader over the table, with now as its clock.
func NewReader(t table.Table, now func() time.Time) *Reader {
	return &Reader{table: t, now: now, whole: true}
}

// NewEdgeReader returns a reader for functions that answer visitors. Its
// strategies have neither sender, mails, journeys nor personas, and mostly come
// with one read.
func NewEdgeReader(t table.Table, now func() time.Time) *Reader { return &Reader{table: t, now: now} }

// Refresh makes the next Current look at the pointer.
func (r *Reader) Refresh() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = time.Time{}
}

// Current returns the published strategy. It looks at the pointer at most every
// 30 seconds; when that fails, it goes on with the strategy that it has. The
// fault is of kind Unavailable, code no_strategy, while none was published.
func (r *Reader) Current(ctx context.Context) (*Strategy, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	fresh := !r.looked.IsZero() && !now.Before(r.looked) && now.Sub(r.looked) < lookEvery
	if r.cached != nil && fresh {
		return r.cached, nil
	}
	next, err := r.load(ctx)
	if err != nil && r.cached == nil {
		return nil, err
	}
	if err == nil {
		r.cached = next
	}
	r.looked = now
	return r.cached, nil
}

// Sources returns how the current strategy takes other systems' events; errors
// are those of Current.
func (r *Reader) Sources(ctx context.Context) ([]event.Source, error) {
	current, err := r.Current(ctx)
	if err != nil {
		return nil, err
	}
	return current.Sources, nil
}

// load follows the pointer. A version that is in memory already is not read again.
func (r *Reader) load(ctx context.Context) (*Strategy, error) {
	p, _, err := current(ctx, r.table)
	if err != nil {
		return nil, err
	}
	if p.Edge.Bytes == 0 {
		return nil, fault.New(fault.Unavailable, "no_strategy", "no strategy was published yet; publish one with: rapport publish")
	}
	if r.cached != nil && r.cached.Version == p.Version {
		return r.cached, nil
	}
	doc, err := p.read(ctx, r.table, r.whole)
	if err != nil {
		return nil, err
	}
	return Ready(doc)
}
