package people_test

import (
	"context"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strings"

	"rapport/shared/people"
	"rapport/shared/table"
)

// shelf is the table in memory, by partition and sort key, without expiry and
// owners: thousands of them are made, and none loses a reply.
type shelf map[string]map[string]table.Item

// at returns the item under a key.
func (s shelf) at(key table.Key) (table.Item, bool) {
	item, ok := s[key.Partition][key.Sort]
	return item, ok
}

// items goes through all items, in no order.
func (s shelf) items() iter.Seq[table.Item] {
	return func(yield func(table.Item) bool) {
		for _, partition := range s {
			for _, item := range partition {
				if !yield(item) {
					return
				}
			}
		}
	}
}

func (s shelf) size() (n int) {
	for range s.items() {
		n++
	}
	return n
}

// clone returns a shelf of its own with the same items.
func (s shelf) clone() shelf {
	out := make(shelf, len(s))
	for name, partition := range s {
		out[name] = maps.Clone(partition)
	}
	return out
}

// names returns the keys of the items that hold the text.
func (s shelf) names(text string) (keys []table.Key) {
	for item := range s.items() {
		if strings.Contains(plain(item), text) {
			keys = append(keys, item.Key)
		}
	}
	return keys
}

// plain is all that an item says.
func plain(item table.Item) string {
	body, err := people.Unpack(item.Body)
	if err != nil {
		body = item.Body
	}
	return item.Key.Partition + " " + item.Key.Sort + " " + string(body)
}

// sum is a digest of all items, with their versions.
func (s shelf) sum(seed maphash.Seed) (sum uint64) {
	for item := range s.items() {
		sum ^= digest(seed, &item)
	}
	return sum
}

func digest(seed maphash.Seed, item *table.Item) uint64 {
	type fixed struct {
		key     table.Key
		version int64
		body    string
	}
	sum := maphash.Comparable(seed, fixed{item.Key, item.Version, string(item.Body)})
	for name, n := range item.Counters {
		sum ^= maphash.Comparable(seed, name) * uint64(n+1)
	}
	return sum
}

func (s shelf) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	table.Spend(ctx, table.Usage{Call: "Get", Items: len(keys)})
	out := make([]*table.Item, len(keys))
	for i, key := range keys {
		if item, ok := s.at(key); ok {
			item.Counters = maps.Clone(item.Counters)
			out[i] = &item
		}
	}
	return out, nil
}

func (s shelf) Query(_ context.Context, partition string, r table.Range) (table.Page, error) {
	var p table.Page
	for sort, item := range s[partition] {
		if sort >= r.From && (r.To == "" || sort <= r.To) {
			p.Items = append(p.Items, item)
		}
	}
	slices.SortFunc(p.Items, func(a, b table.Item) int { return strings.Compare(a.Key.Sort, b.Key.Sort) })
	return p, nil
}

func (s shelf) Scan(context.Context, table.Segment) (table.Page, error) {
	return table.Page{Items: slices.Collect(s.items())}, nil
}

func (s shelf) Commit(_ context.Context, owner string, writes ...table.Write) error {
	if err := table.Validate(owner, writes); err != nil {
		return err
	}
	c := &table.Conflict{Reasons: make([]table.Reason, len(writes))}
	refused := false
	for i, w := range writes {
		item, ok := s.at(w.Key)
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
	item, _ := s.at(w.Key)
	item.Key, item.Version = w.Key, item.Version+1
	switch w.Op {
	case table.OpPut:
		item.Body, item.Counters, item.Expires = w.Body, w.Counters, w.Expires
	case table.OpAdd:
		sum := map[string]int64{}
		maps.Copy(sum, item.Counters)
		for name, n := range w.Counters {
			sum[name] += n
		}
		item.Counters = sum
	case table.OpDelete:
		delete(s[w.Key.Partition], w.Key.Sort)
		return
	case table.OpCheck:
		return
	}
	if s[w.Key.Partition] == nil {
		s[w.Key.Partition] = map[string]table.Item{}
	}
	s[w.Key.Partition][w.Key.Sort] = item
}
