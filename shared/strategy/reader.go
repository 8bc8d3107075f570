package strategy

import (
	"bytes"
	"context"
	"encoding/json"
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

	mu     sync.Mutex
	cached *Strategy
	looked time.Time // when the pointer was last looked at; zero: look now
}

// NewReader returns a reader over the table, with now as its clock.
func NewReader(t table.Table, now func() time.Time) *Reader { return &Reader{table: t, now: now} }

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
	if p.Parts == 0 {
		return nil, fault.New(fault.Unavailable, "no_strategy", "no strategy was published yet; publish one with: rapport publish")
	}
	if r.cached != nil && r.cached.Version == p.Version {
		return r.cached, nil
	}
	body, err := parts(ctx, r.table, p)
	if err != nil {
		return nil, err
	}
	return open(p.Version, body)
}

// missingPart is the code of the fault for a version of which a part is gone.
const missingPart = "strategy_part"

// parts returns the bytes of the version that the pointer names.
func parts(ctx context.Context, t table.Table, p pointer) ([]byte, error) {
	keys := make([]table.Key, p.Parts)
	for i := range keys {
		keys[i] = table.StrategyPartKey(p.Version, i)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	items, err := t.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var body []byte
	for i, item := range items {
		if item == nil {
			return nil, fault.New(fault.Internal, missingPart, "part %s of the strategy is missing; publish it again", keys[i].Sort)
		}
		body = append(body, item.Body...)
	}
	return body, nil
}

// open decodes a stored version and makes sure that it is the one asked for.
func open(version string, body []byte) (*Strategy, error) {
	var doc Document
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fault.New(fault.Internal, "strategy_unreadable", "the stored strategy %s cannot be read; publish it again", version).Because(err)
	}
	// Its version is the hash of what follows its version, so that nothing has to
	// be encoded again for this, which would lengthen every cold start.
	rest, ok := bytes.CutPrefix(body, []byte(`{"version":"`+version+`",`))
	if !ok || versionOf([]byte("{"), rest) != version {
		return nil, fault.New(fault.Internal, "strategy_damaged", "the stored strategy %s is not what was published; publish it again", version)
	}
	return Ready(doc)
}
