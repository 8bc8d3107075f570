package people_test

import (
	"context"
	"hash/maphash"
	"iter"

	"rapport/shared/people"
	"rapport/shared/table"
)

// work is what one writer does on the store that it is given.
type work func(*people.Store)

// writer is somebody who works on a shelf, call by call: next makes its next
// call of the table.
type writer struct {
	next func()
	over bool   // there are no more calls
	seen uint64 // a digest of all that the table answered
}

// turn is a writer's table: it waits for its turn ahead of every call.
type turn struct {
	shelf
	seed  maphash.Seed
	w     *writer
	yield func(struct{}) bool
}

func (t turn) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	t.yield(struct{}{})
	items, err := t.shelf.Get(ctx, keys...)
	for _, item := range items {
		t.saw(item)
	}
	return items, err
}

func (t turn) Query(ctx context.Context, partition string, r table.Range) (table.Page, error) {
	t.yield(struct{}{})
	page, err := t.shelf.Query(ctx, partition, r)
	t.saw(nil)
	for i := range page.Items {
		t.saw(&page.Items[i])
	}
	return page, err
}

func (t turn) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	t.yield(struct{}{})
	err := t.shelf.Commit(ctx, owner, writes...)
	t.w.saw(1)
	if c := table.AsConflict(err); c != nil {
		for _, reason := range c.Reasons {
			t.w.saw(2 + uint64(reason))
		}
	}
	return err
}

func (t turn) saw(item *table.Item) {
	if item == nil {
		t.w.saw(0)
		return
	}
	t.w.saw(digest(t.seed, item))
}

func (w *writer) saw(sum uint64) { w.seen = (w.seen ^ sum) * 0x9e3779b97f4a7c15 }

// begin lets the works come as far as their first call.
func begin(s shelf, seed maphash.Seed, works ...work) []*writer {
	out := make([]*writer, len(works))
	for i, do := range works {
		w := &writer{}
		step, _ := iter.Pull(iter.Seq[struct{}](func(yield func(struct{}) bool) {
			do(newStore(turn{s, seed, w, yield}, at(noon)))
		}))
		w.next = func() { _, more := step(); w.over = !more }
		w.next()
		out[i] = w
	}
	return out
}

// interleave runs two works on shelves of their own, in every order of their
// calls. Orders that lead to what another order led to are not gone through
// again: what a writer does depends on nothing but what the table answered it.
// It calls end after each run, and returns how many there were.
func interleave(start shelf, a, b work, end func(s shelf, order string)) (runs int) {
	seed := maphash.MakeSeed()
	known := map[[3]uint64]bool{}
	todo := []string{""}
	for ; len(todo) > 0; runs++ {
		order := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		s := start.clone()
		writers := begin(s, seed, a, b)
		took := ""
		for !writers[0].over || !writers[1].over {
			next := 0
			switch {
			case writers[0].over:
				next = 1
			case len(took) < len(order):
				next = int(order[len(took)] - 'A')
			case !writers[1].over:
				state := [3]uint64{writers[0].seen, writers[1].seen, s.sum(seed)}
				if !known[state] {
					known[state] = true
					todo = append(todo, took+"B")
				}
			}
			took += string(rune('A' + next))
			writers[next].next()
		}
		end(s, took)
	}
	return runs
}

// inTurn runs the works on the shelf, whoever is picked among those that are not
// over making the next call.
func inTurn(s shelf, pick func(n int) int, works ...work) {
	ready := begin(s, maphash.MakeSeed(), works...)
	for {
		open := ready[:0:0]
		for _, w := range ready {
			if !w.over {
				open = append(open, w)
			}
		}
		if len(open) == 0 {
			return
		}
		open[pick(len(open))].next()
		ready = open
	}
}
