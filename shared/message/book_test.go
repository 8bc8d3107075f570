package message_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/embedded"
	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/table"
)

func newBook(t *testing.T) message.Book {
	t.Helper()
	db, err := embedded.Open(t.TempDir()+"/rapport.db", func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	db.Bolt().NoSync = true
	t.Cleanup(func() { _ = db.Close() })
	owners := 0
	return message.Book{Table: db, Owner: func() string { owners++; return fmt.Sprint("owner-", owners) }}
}

func stored(t *testing.T, b message.Book, id string) *message.Ledger {
	t.Helper()
	l, err := b.Read(context.Background(), "n", id)
	if err != nil || l == nil {
		t.Fatal(l, err)
	}
	return l
}

// lossy loses the answer to one commit, after its effect or before.
type lossy struct {
	table.Table
	lose    int
	applied bool
}

var errLost = errors.New("the connection was lost")

func (l *lossy) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	l.lose--
	if l.lose != 0 {
		return l.Table.Commit(ctx, owner, writes...)
	}
	if l.applied {
		_ = l.Table.Commit(ctx, owner, writes...)
	}
	return errLost
}

func TestCommitRecognisesItsOwnSuccess(t *testing.T) {
	for _, applied := range []bool{false, true} {
		b := newBook(t)
		b.Table = &lossy{Table: b.Table, lose: 1, applied: applied}
		l := ledgerIn(message.AtMostOnce, "claimed", 0)
		if err := b.Commit(context.Background(), l); err != nil {
			t.Fatalf("applied %v: %v", applied, err)
		}
		if got := stored(t, b, "n_1"); got.Version != 1 || l.Version != 1 {
			t.Errorf("applied %v: version %d is stored, %d is thought to be", applied, got.Version, l.Version)
		}
	}
}

func TestCommitRefusesWhatMoved(t *testing.T) {
	b := newBook(t)
	l := ledgerIn(message.AtMostOnce, "claimed", 0)
	other := l.Clone()
	if err := b.Commit(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(context.Background(), other); table.AsConflict(err) == nil {
		t.Errorf("a second claim got %v", err)
	}
}

// Facts arrive in any order and twice; the ledger is the same in the end, and a
// message of which nobody knew what became of it is sent.
func TestSettleInAnyOrder(t *testing.T) {
	facts := []struct {
		fact message.Fact
		at   time.Time
	}{
		{message.Accepted, noon.Add(time.Second)},
		{message.Delivered, noon.Add(3 * time.Second)},
		{message.Opened, noon.Add(time.Minute)},
		{message.Bounced, noon.Add(2 * time.Second)},
	}
	var want *message.Ledger
	permute([]int{0, 1, 2, 3}, func(order []int) {
		b := newBook(t)
		start := ledgerIn(message.AtMostOnce, "unknown", 1)
		start.Doubted = noon
		if err := b.Commit(context.Background(), start); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for _, i := range order {
				if _, err := b.Settle(context.Background(), "n_1", facts[i].fact, "m1", facts[i].at); err != nil {
					t.Fatal(err)
				}
			}
		}
		got := stored(t, b, "n_1")
		if got.Version != 5 {
			t.Errorf("%v: %d changes for four facts", order, got.Version-1)
		}
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" || got.State != message.Sent {
			t.Fatalf("%v: %s %s", order, got.State, diff)
		}
	})
}

func permute(list []int, visit func([]int)) {
	var rec func(int)
	rec = func(k int) {
		if k == len(list) {
			visit(list)
			return
		}
		for i := k; i < len(list); i++ {
			list[k], list[i] = list[i], list[k]
			rec(k + 1)
			list[k], list[i] = list[i], list[k]
		}
	}
	rec(0)
}

func TestSettleOfWhatIsNotOurs(t *testing.T) {
	b := newBook(t)
	if l, err := b.Settle(context.Background(), "n_other", message.Delivered, "m1", noon); l != nil || err != nil {
		t.Errorf("a message without ledger: %v, %v", l, err)
	}
	for _, id := range []string{"", "n", "_x"} {
		if _, err := b.Settle(context.Background(), id, message.Delivered, "m1", noon); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// Settling meets the sender, who moves the same ledger: both moves stay.
func TestSettleAgainstTheSender(t *testing.T) {
	b := newBook(t)
	if err := b.Commit(context.Background(), ledgerIn(message.AtMostOnce, "sending", 1)); err != nil {
		t.Fatal(err)
	}
	b.Table = &meddler{Table: b.Table, meddle: func() {
		l := stored(t, b, "n_1")
		if err := l.Send("m1", noon); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(context.Background(), l); err != nil {
			t.Fatal(err)
		}
	}}
	l, err := b.Settle(context.Background(), "n_1", message.Opened, "m1", noon.Add(time.Minute))
	if err != nil || l.State != message.Sent || len(l.Facts) != 2 {
		t.Errorf("%+v, %v", l, err)
	}
}

// meddler lets something happen before the first commit.
type meddler struct {
	table.Table
	meddle func()
}

func (m *meddler) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if meddle := m.meddle; meddle != nil {
		m.meddle = nil
		meddle()
	}
	return m.Table.Commit(ctx, owner, writes...)
}

// Only the ledgers of those nodes are read, the latest move first.
func TestBookOfNodes(t *testing.T) {
	b := newBook(t)
	for i, l := range []message.Ledger{{ID: "n_1", Node: "n"}, {ID: "n_2", Node: "n"}, {ID: "m_1", Node: "m"}, {ID: "o_1", Node: "o"}} {
		l.State, l.Since, l.Due = message.Sent, noon.Add(time.Duration(i%3)*time.Minute), noon
		if err := b.Commit(context.Background(), &l); err != nil {
			t.Fatal(err)
		}
	}
	list, err := b.Of(context.Background(), "n", "m", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, l := range list {
		ids = append(ids, l.ID)
	}
	if got := fmt.Sprint(ids); got != "[m_1 n_2 n_1]" {
		t.Errorf("ledgers %s", got)
	}
}
