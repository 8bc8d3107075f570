package people

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// exportBytes ends a page of an export once this much was read, unpacked. Lambda
// answers with 6 MB at most, and the JSON around and inside of it takes its
// share. What one query adds is exportItems, each little more than the largest
// event, for records are packed and a query counts what is stored.
const (
	exportBytes = 2 << 20
	exportItems = 40
)

// Belongings is one page of what is kept of a person beside the person's item.
type Belongings struct {
	Records []Record          // of events, by node and message id
	Marks   []Mark            // of events whose content is gone
	Ledgers []*message.Ledger // of mails
	Next    string            // pass it as after to read on; "" on the last page
}

// Export returns a page of all that is kept of a person, as far as the
// strategy still keeps it, as it was stored.
//
// Errors: kind Invalid, bad_cursor, for a cursor that is none, or whose node left
// the person meanwhile.
func (s *Store) Export(ctx context.Context, strat *strategy.Strategy, p *person.Person, after string) (Belongings, error) {
	var out Belongings
	if err := s.settle(ctx, p); err != nil {
		return out, err
	}
	first, token, err := goOn(p, after)
	if err != nil {
		return out, err
	}
	bytes, k := 0, keeper{p, strat, s.now()}
	names := s.names(p)
	for _, n := range p.Nodes[first:] {
		for more := true; more; more = token != "" {
			page, err := s.table.Query(ctx, table.NodePartition(n.ID.Hash()), table.Range{After: token, Limit: exportItems})
			if err != nil {
				return out, err
			}
			read, err := out.take(ctx, k, names, page.Items)
			if err != nil {
				return out, err
			}
			token = page.Next
			if bytes += read; bytes >= exportBytes {
				out.Next = cursorAfter(p, n, token)
				return out, nil
			}
		}
	}
	return out, nil
}

// goOn reads a cursor: the place of the node to go on with, and where in its
// partition.
func goOn(p *person.Person, after string) (first int, token string, err error) {
	if after == "" {
		return 0, "", nil
	}
	hash, token, _ := strings.Cut(after, "~")
	first = slices.IndexFunc(p.Nodes, func(n *person.Node) bool { return n.ID.Hash() == hash })
	if first < 0 {
		return 0, "", fault.New(fault.Invalid, "bad_cursor", "pass the next value of the page before, or begin anew").In("after")
	}
	return first, token, nil
}

// cursorAfter is where a page that ended in the node's partition goes on.
func cursorAfter(p *person.Person, n *person.Node, token string) string {
	if token != "" {
		return n.ID.Hash() + "~" + token
	}
	if i := slices.Index(p.Nodes, n) + 1; i < len(p.Nodes) {
		return p.Nodes[i].ID.Hash() + "~"
	}
	return ""
}

// take keeps what items say, and returns how many bytes that is, about.
func (b *Belongings) take(ctx context.Context, k keeper, names directory, items []table.Item) (bytes int, err error) {
	for i := range items {
		item := &items[i]
		switch {
		case blank(item):
		case strings.HasPrefix(item.Key.Sort, table.EventPrefix), strings.HasPrefix(item.Key.Sort, table.ContentPrefix):
			r, err := k.record(item)
			switch {
			case err != nil:
				return bytes, err
			case r != nil:
				if err := names.show(ctx, r); err != nil {
					return bytes, err
				}
				b.Records = append(b.Records, *r)
				bytes += r.Event.Size()
			case strings.HasPrefix(item.Key.Sort, table.EventPrefix):
				b.Marks = append(b.Marks, markOf(item))
				bytes += len(item.Body)
			}
		case strings.HasPrefix(item.Key.Sort, table.LedgerPrefix):
			l, err := message.DecodeLedger(item)
			if err != nil {
				return bytes, err
			}
			b.Ledgers = append(b.Ledgers, l)
			bytes += len(item.Body)
		}
	}
	return bytes, nil
}

// Suppressed says of each e-mail address that the person ever stated, by the
// address's hash, whether it must get no mail.
func (s *Store) Suppressed(ctx context.Context, p *person.Person) (map[string]bool, error) {
	out := map[string]bool{}
	for _, n := range p.Nodes {
		if n.ID.Kind == person.Email {
			out[message.AddressHash(n.ID.Value)] = false
		}
		var address string
		if json.Unmarshal(n.Traits["email"].Value, &address) == nil && address != "" {
			out[message.AddressHash(address)] = false
		}
	}
	return out, s.suppressed(ctx, out)
}

// suppressed sets each address hash to whether that address must get no mail.
func (s *Store) suppressed(ctx context.Context, addresses map[string]bool) error {
	for chunk := range slices.Chunk(sortedKeys(addresses), table.MaxGetKeys) {
		keys := make([]table.Key, len(chunk))
		for i, hash := range chunk {
			keys[i] = table.SuppressionKey(hash)
		}
		items, err := s.table.Get(ctx, keys...)
		if err != nil {
			return err
		}
		for i, item := range items {
			addresses[chunk[i]] = item != nil
		}
	}
	return nil
}
