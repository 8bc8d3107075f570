package people_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"rapport/shared/people"
	"rapport/shared/table"
)

// shelf is the table in memory, without expiry and owners: thousands of them are
// made, and none loses a reply.
type shelf map[table.Key]table.Item

func (s shelf) Get(_ context.Context, keys ...table.Key) ([]*table.Item, error) {
	out := make([]*table.Item, len(keys))
	for i, key := range keys {
		if item, ok := s[key]; ok {
			item.Counters = maps.Clone(item.Counters)
			out[i] = &item
		}
	}
	return out, nil
}

func (s shelf) Query(_ context.Context, partition string, r table.Range) (table.Page, error) {
	var p table.Page
	for key, item := range s {
		if key.Partition == partition && key.Sort >= r.From && (r.To == "" || key.Sort <= r.To) {
			p.Items = append(p.Items, item)
		}
	}
	slices.SortFunc(p.Items, func(a, b table.Item) int { return strings.Compare(a.Key.Sort, b.Key.Sort) })
	return p, nil
}

func (s shelf) Scan(context.Context, table.Segment) (table.Page, error) {
	return table.Page{Items: slices.Collect(maps.Values(s))}, nil
}

func (s shelf) Commit(_ context.Context, owner string, writes ...table.Write) error {
	if err := table.Validate(owner, writes); err != nil {
		return err
	}
	c := &table.Conflict{Reasons: make([]table.Reason, len(writes))}
	refused := false
	for i, w := range writes {
		item, ok := s[w.Key]
		c.Reasons[i] = w.Judge(ok, item.Version, item.Counters[w.If.Counter])
		refused = refused || c.Reasons[i] != table.Held
	}
	if refused {
		return c
	}
	for _, w := range writes {
		s.apply(w)
	}
	return nil
}

func (s shelf) apply(w table.Write) {
	item := s[w.Key]
	item.Key, item.Version = w.Key, item.Version+1
	switch w.Op {
	case table.OpPut:
		item.Body, item.Counters, item.Expires = w.Body, w.Counters, w.Expires
		s[w.Key] = item
	case table.OpAdd:
		sum := map[string]int64{}
		maps.Copy(sum, item.Counters)
		for name, n := range w.Counters {
			sum[name] += n
		}
		item.Counters = sum
		s[w.Key] = item
	case table.OpDelete:
		delete(s, w.Key)
	}
}

// turn is a table whose caller waits for its turn ahead of every call.
type turn struct {
	shelf
	yield func(struct{}) bool
}

func (t turn) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	t.yield(struct{}{})
	return t.shelf.Get(ctx, keys...)
}

func (t turn) Query(ctx context.Context, partition string, r table.Range) (table.Page, error) {
	t.yield(struct{}{})
	return t.shelf.Query(ctx, partition, r)
}

func (t turn) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	t.yield(struct{}{})
	return t.shelf.Commit(ctx, owner, writes...)
}

// interleave runs both works on a table of its own, in every order of their calls
// with at most so many switches from one that could go on to the other. It calls
// end after each and returns how many orders there were.
func interleave(start shelf, switches int, a, b func(*people.Store), end func(shelf, string)) (orders int) {
	todo := []string{"", "B"}
	for ; len(todo) > 0; orders++ {
		order := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		s := maps.Clone(start)
		took, open := inOrder(s, order, a, b)
		end(s, took)
		for i := len(order); i < len(took); i++ {
			other := map[byte]string{'A': "B", 'B': "A"}[took[i]]
			if next := took[:i] + other; open[i] && changes(next) <= switches {
				todo = append(todo, next)
			}
		}
	}
	return orders
}

func changes(order string) (n int) {
	for i := 1; i < len(order); i++ {
		if order[i] != order[i-1] {
			n++
		}
	}
	return n
}

// inOrder lets the works make their calls in the order, and after it whoever
// came last goes on. It returns the whole order, and where both could have gone.
func inOrder(s shelf, order string, a, b func(*people.Store)) (took string, open []bool) {
	works := map[byte]func() bool{}
	for name, work := range map[byte]func(*people.Store){'A': a, 'B': b} {
		next, _ := iter.Pull(iter.Seq[struct{}](func(yield func(struct{}) bool) {
			work(newStore(turn{s, yield}, at(noon)))
		}))
		works[name] = func() bool { _, more := next(); return more }
	}
	over := map[byte]bool{}
	for name, step := range works { // up to the first call
		over[name] = !step()
	}
	last := byte('A')
	for i := 0; !over['A'] || !over['B']; i++ {
		if i < len(order) {
			last = order[i]
		}
		if over[last] {
			last = 'A' + 'B' - last
		}
		open = append(open, !over['A'] && !over['B'])
		took += string(last)
		over[last] = !works[last]()
	}
	return took, open
}
