package message

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// Book keeps the ledgers in the table.
type Book struct {
	Table table.Table
	Owner func() string // a new random token for each commit; who only reads needs none
}

// Read returns the ledger of the message, nil when there is none.
func (b Book) Read(ctx context.Context, node, id string) (*Ledger, error) {
	items, err := b.Table.Get(ctx, table.LedgerKey(node, id))
	if err != nil {
		return nil, err
	}
	return DecodeLedger(items[0])
}

// Of returns the ledgers of all messages to the nodes with these hashes, the
// latest move first.
func (b Book) Of(ctx context.Context, nodes ...string) ([]*Ledger, error) {
	var out []*Ledger
	for _, node := range nodes {
		for item, err := range table.All(ctx, b.Table, table.NodePartition(node), table.LedgerRange()) {
			if err != nil {
				return nil, err
			}
			l, err := DecodeLedger(&item)
			if err != nil {
				return nil, err
			}
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b *Ledger) int { return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// Commit stores the ledger in place of the version that it was read at.
// Errors: *table.Conflict when it moved meanwhile. A commit whose answer is lost
// is asked for once more: it recognises its own success.
func (b Book) Commit(ctx context.Context, l *Ledger) error {
	w, err := l.Write()
	if err != nil {
		return err
	}
	owner := b.Owner()
	err = b.Table.Commit(ctx, owner, w)
	if err != nil && table.AsConflict(err) == nil && ctx.Err() == nil {
		err = b.Table.Commit(ctx, owner, w)
	}
	if err == nil {
		l.Version++
	}
	return err
}

// settleAttempts is how often settling is tried against others that move the
// same ledger: its sender, and other facts that arrive at the same time.
const settleAttempts = 8

// Settle records a fact about the message with that id, and returns its ledger;
// nil when there is none, since tags may name messages of another system.
// Errors: kind Invalid for what is no message id.
func (b Book) Settle(ctx context.Context, id string, f Fact, mail string, at time.Time) (*Ledger, error) {
	node, _, ok := strings.Cut(id, "_")
	if !ok || node == "" {
		return nil, fault.New(fault.Invalid, "bad_message_id", "a message id is <node hash>_<hash>, %q is not", id)
	}
	for range settleAttempts {
		l, err := b.Read(ctx, node, id)
		if err != nil || l == nil {
			return nil, err
		}
		before := l.Clone()
		l.Settle(f, mail, at)
		if l.same(before) {
			return l, nil
		}
		if err = b.Commit(ctx, l); table.AsConflict(err) == nil {
			return l, err
		}
	}
	return nil, fault.New(fault.Unavailable, "contended", "the message moves too often at this moment; try again")
}
