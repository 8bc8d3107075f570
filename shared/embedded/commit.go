package embedded

import (
	"context"
	"maps"
	"math"

	"go.etcd.io/bbolt"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// commit is one call of Commit on its way through the queue.
type commit struct {
	ctx    context.Context
	owner  string
	writes []table.Write

	// Valid once done is closed.
	done  chan struct{}
	err   error
	usage table.Usage
}

func newCommit(ctx context.Context, owner string, writes []table.Write) *commit {
	return &commit{
		ctx: ctx, owner: owner, writes: writes, done: make(chan struct{}),
		err: fault.New(fault.Internal, "commit_broken_off", "the commit ended in a failure of the program; try again"),
	}
}

// change is one write next to what it finds: old is the live item, next what it
// is to become. Either is nil when there is none.
type change struct {
	write     table.Write
	old, next *record
}

// apply judges the commit, writes it when it holds, and notes the outcome in
// c.err. It returns an error only when the file fails; then the caller must drop
// the transaction.
func (c *commit) apply(b *bbolt.Bucket, now int64) (wrote bool, err error) {
	if err := c.ctx.Err(); err != nil {
		c.err = cancelled(err)
		return false, nil
	}
	changes, ours, err := c.changes(b, now)
	if err != nil {
		c.err = err
		return false, nil
	}
	if ours {
		c.err = nil
		return false, nil
	}
	if c.err = refusal(changes); c.err != nil {
		return false, nil
	}
	for _, ch := range changes {
		w, err := ch.store(b)
		if err != nil {
			return false, err
		}
		wrote = wrote || w
	}
	return wrote, nil
}

// changes reads what the commit is about, and whether one of the items to be
// written shows that this very commit was applied before.
func (c *commit) changes(b *bbolt.Bucket, now int64) (out []change, ours bool, err error) {
	c.usage = table.Usage{Call: "Commit", Items: len(c.writes)}
	each := 1.0
	if len(c.writes) > 1 {
		each = 2 // a transaction prepares and commits every item
	}
	for _, w := range c.writes {
		stored, err := load(b, w.Key)
		if err != nil {
			return nil, false, err
		}
		ch := change{write: w}
		if stored.live(now) {
			ch.old = stored
		}
		ch.next = next(w, ch.old, c.owner)
		ours = ours || ch.old != nil && ch.old.owner == c.owner && w.Op != table.OpCheck
		c.usage.Writes += each * units(max(stored.bytes(w.Key), ch.next.bytes(w.Key)), 1<<10)
		out = append(out, ch)
	}
	return out, ours, nil
}

// next returns what a write makes of an item.
func next(w table.Write, old *record, owner string) *record {
	switch w.Op {
	case table.OpDelete:
		return nil
	case table.OpCheck:
		return old
	}
	r := record{version: 1, owner: owner, body: w.Body, counters: w.Counters}
	if !w.Expires.IsZero() {
		r.expires = w.Expires.Unix()
	}
	if old == nil {
		return &r
	}
	r.version = old.version + 1
	if w.Op == table.OpAdd {
		r.expires, r.body, r.counters = old.expires, old.body, sum(old.counters, w.Counters)
	}
	return &r
}

func sum(old, added map[string]int64) map[string]int64 {
	out := make(map[string]int64, len(old)+len(added))
	maps.Copy(out, old)
	for name, n := range added {
		out[name] += n
	}
	return out
}

// refusal says why the changes may not be made: a *table.Conflict, a fault, or nil.
func refusal(changes []change) error {
	conflict := &table.Conflict{Reasons: make([]table.Reason, len(changes))}
	refused := false
	for i, ch := range changes {
		conflict.Reasons[i] = judge(ch.write, ch.old)
		refused = refused || conflict.Reasons[i] != table.Held
	}
	if refused {
		return conflict
	}
	for _, ch := range changes {
		if err := ch.overLimit(); err != nil {
			return err
		}
	}
	return nil
}

// judge says whether the condition of a write holds.
func judge(w table.Write, old *record) table.Reason {
	if old == nil {
		return w.Judge(false, 0, 0)
	}
	return w.Judge(true, old.version, old.counters[w.If.Counter])
}

func (r *record) counter(name string) int64 {
	if r == nil {
		return 0
	}
	return r.counters[name]
}

// overLimit catches what only shows together with the stored item.
func (ch change) overLimit() error {
	if ch.write.Op != table.OpAdd {
		return nil // a put was measured as it came
	}
	if n := ch.next.bytes(ch.write.Key); n > table.MaxItemBytes {
		return fault.New(fault.TooLarge, "item_too_large",
			"the item would have %d bytes, at most %d are allowed; spread its counters over items", n, table.MaxItemBytes)
	}
	for name, n := range ch.write.Counters {
		if old := ch.old.counter(name); n > 0 && old > math.MaxInt64-n || n < 0 && old < math.MinInt64-n {
			return fault.New(fault.Invalid, "counter_overflow", "counter %q would leave the range of 64 bits; start a new one", name)
		}
	}
	return nil
}

// store writes the change and reports whether there was anything to write.
func (ch change) store(b *bbolt.Bucket) (bool, error) {
	key := encodeKey(ch.write.Key)
	switch {
	case ch.write.Op == table.OpCheck:
		return false, nil
	case ch.next != nil:
		return true, b.Put(key, ch.next.encode())
	case ch.old != nil:
		return true, b.Delete(key)
	}
	return false, nil
}
