package embedded_test

import (
	"fmt"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rapport/shared/embedded"
	"rapport/shared/table"
)

// stored counts what the file holds, expired or not.
func stored(t *testing.T, db *embedded.DB) (n int) {
	t.Helper()
	err := db.Bolt().View(func(tx *bbolt.Tx) error {
		n = tx.Bucket([]byte("table")).Stats().KeyN
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What has expired leaves the file while others write, and nothing else does.
func TestWhatExpiredLeavesTheFile(t *testing.T) {
	now := noon
	db := open(t, func() time.Time { return now })
	put := func(i int, life time.Duration) {
		t.Helper()
		w := table.Put(table.Key{Partition: fmt.Sprint("p", i), Sort: "s"}, []byte("body"), now.Add(life), table.Absent())
		if life == 0 {
			w.Expires = time.Time{}
		}
		if err := db.Commit(t.Context(), fmt.Sprint("o", i), w); err != nil {
			t.Fatal(err)
		}
	}
	const short, long, ever = 100, 50, 25
	for i := range short + long + ever {
		switch {
		case i < short:
			put(i, time.Hour)
		case i < short+long:
			put(i, time.Hour+time.Second)
		default:
			put(i, 0)
		}
	}
	now = now.Add(time.Hour)
	for i := range 2 * (short + long + ever) / 16 {
		put(1000+i, 0)
	}
	if want := long + ever + 2*(short+long+ever)/16; stored(t, db) != want {
		t.Errorf("%d items are stored, want %d", stored(t, db), want)
	}
	page, err := db.Scan(t.Context(), table.Segment{})
	if err != nil || len(page.Items) != stored(t, db) {
		t.Errorf("%d items are there, %v", len(page.Items), err)
	}
}
