package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rapport/shared/embedded"
	"rapport/shared/fault"
	"rapport/shared/table"
	"rapport/shared/table/tabletest"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// open returns a new table in a file of its own. It does not wait for the disk,
// which only matters to those who pull the plug.
func open(t testing.TB, clock func() time.Time) *embedded.DB {
	t.Helper()
	db, err := embedded.Open(filepath.Join(t.TempDir(), "rapport.db"), clock)
	if err != nil {
		t.Fatal(err)
	}
	db.Bolt().NoSync = true
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestContract(t *testing.T) {
	tabletest.Run(t, func(t *testing.T, clock func() time.Time) table.Table { return open(t, clock) })
}

func wantFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Code != code {
		t.Errorf("error is %v, want %v %s", err, kind, code)
	}
}

func TestFileInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rapport.db")
	first, err := embedded.Open(path, atNoon)
	if err != nil {
		t.Fatal(err)
	}
	_, err = embedded.Open(path, atNoon)
	wantFault(t, err, fault.Unavailable, "data_in_use")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := embedded.Open(path, atNoon)
	if err != nil {
		t.Fatalf("after the first one let go: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestFileThatCannotBeOpened(t *testing.T) {
	_, err := embedded.Open(filepath.Join(t.TempDir(), "missing", "rapport.db"), atNoon)
	wantFault(t, err, fault.Unavailable, "data_not_opened")

	other := filepath.Join(t.TempDir(), "rapport.db")
	if err := os.WriteFile(other, make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = embedded.Open(other, atNoon)
	wantFault(t, err, fault.Invalid, "data_unreadable")
}

func TestClosed(t *testing.T) {
	db, err := embedded.Open(filepath.Join(t.TempDir(), "rapport.db"), atNoon)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	key := table.Key{Partition: "p", Sort: "s"}
	_, err = db.Get(t.Context(), key)
	wantFault(t, err, fault.Unavailable, "not_read")
	err = db.Commit(t.Context(), "owner", table.Put(key, nil, time.Time{}, table.Absent()))
	wantFault(t, err, fault.Unavailable, "not_stored")
}

func TestOtherBucketsOfTheFileAreFree(t *testing.T) {
	db := open(t, atNoon)
	key := table.Key{Partition: "p", Sort: "s"}
	err := db.Bolt().Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("queues"))
		if err != nil {
			return err
		}
		return b.Put([]byte("p"), []byte("other"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Commit(t.Context(), "owner", table.Put(key, []byte("body"), time.Time{}, table.Absent())); err != nil {
		t.Fatal(err)
	}
	page, err := db.Scan(t.Context(), table.Segment{})
	if err != nil || len(page.Items) != 1 || page.Items[0].Key != key {
		t.Errorf("scan: %v, %v", page, err)
	}
}

func TestCancelledCallsDoNothing(t *testing.T) {
	db := open(t, atNoon)
	key := table.Key{Partition: "p", Sort: "s"}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := db.Commit(ctx, "owner", table.Put(key, nil, time.Time{}, table.Absent()))
	wantFault(t, err, fault.Unavailable, "cancelled")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not say why", err)
	}
	_, err = db.Get(ctx, key)
	wantFault(t, err, fault.Unavailable, "cancelled")
	if items, err := db.Get(t.Context(), key); err != nil || items[0] != nil {
		t.Errorf("stored all the same: %v, %v", items[0], err)
	}
}

func TestZeroBytesInKeys(t *testing.T) {
	db := open(t, atNoon)
	partitions := []string{"\x00", "\x00\x00", "\x00\x01", "\x00\x02", "a", "a\x00", "a\x00\x01", "a\x00\x02", "a\x00a", "a\x01"}
	sorts := []string{"\x00", "\x00\x01", "\x01", "a", "a\x00"}
	for i, p := range partitions {
		for j, s := range sorts {
			w := table.Put(table.Key{Partition: p, Sort: s}, nil, time.Time{}, table.Absent())
			if err := db.Commit(t.Context(), fmt.Sprint(i, j), w); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range partitions {
		for limit := range 3 {
			i := 0
			for item, err := range table.All(t.Context(), db, p, table.Range{Limit: limit}) {
				if err != nil || i == len(sorts) || item.Key != (table.Key{Partition: p, Sort: sorts[i]}) {
					t.Fatalf("item %d of %q: %q, %v", i, p, item.Key, err)
				}
				i++
			}
			if i != len(sorts) {
				t.Errorf("%q has %d items, want %d", p, i, len(sorts))
			}
		}
	}
	// The file is in the order of (partition, sort).
	page, err := db.Scan(t.Context(), table.Segment{})
	if err != nil || len(page.Items) != len(partitions)*len(sorts) {
		t.Fatalf("scan finds %d items: %v", len(page.Items), err)
	}
	for i, item := range page.Items {
		if want := (table.Key{Partition: partitions[i/len(sorts)], Sort: sorts[i%len(sorts)]}); item.Key != want {
			t.Errorf("item %d is %q, want %q", i, item.Key, want)
		}
	}
}

func TestAnswersAreTheCallersOwn(t *testing.T) {
	db := open(t, atNoon)
	// A body of several pages: bbolt hands out the mapped file itself for it.
	key, body, counters := table.Key{Partition: "p", Sort: "s"}, bytes.Repeat([]byte("body"), 4<<10), map[string]int64{"n": 1}
	want := string(body)
	w := table.Put(key, body, time.Time{}, table.Absent())
	w.Counters = counters
	if err := db.Commit(t.Context(), "owner", w); err != nil {
		t.Fatal(err)
	}
	body[0], counters["n"] = 'x', 9
	for range 2 {
		items, err := db.Get(t.Context(), key)
		if err != nil || string(items[0].Body) != want || items[0].Counters["n"] != 1 {
			t.Fatalf("get has changed: %v", err)
		}
		page, err := db.Query(t.Context(), "p", table.Range{})
		if err != nil || string(page.Items[0].Body) != want || page.Items[0].Counters["n"] != 1 {
			t.Fatalf("query has changed: %v", err)
		}
		for _, item := range []table.Item{*items[0], page.Items[0]} {
			item.Body[0], item.Counters["n"] = 'y', 8
			_ = append(item.Body, "beyond"...)
		}
	}
}

func TestTransfersKeepTheSum(t *testing.T) {
	db := open(t, atNoon)
	account := func(i int) table.Key { return table.Key{Partition: "account", Sort: fmt.Sprint(i % 5)} }
	for i := range 5 {
		if err := db.Commit(t.Context(), fmt.Sprint("start-", i), table.Add(account(i), map[string]int64{"money": 100}, time.Time{}, table.Absent())); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			// Takes from one account, which may not grow above its limit, and gives to the next.
			take := table.Add(account(i), map[string]int64{"money": -30}, time.Time{}, table.Condition{})
			give := table.Add(account(i+1+i%3), map[string]int64{"money": 30}, time.Time{}, table.CounterBelow("money", 130))
			err := db.Commit(t.Context(), fmt.Sprint("transfer-", i), take, give)
			if err != nil && table.AsConflict(err) == nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	items, err := db.Get(t.Context(), account(0), account(1), account(2), account(3), account(4))
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, item := range items {
		sum += item.Counters["money"]
		if item.Counters["money"] > 159 {
			t.Errorf("%v holds %d", item.Key, item.Counters["money"])
		}
	}
	if sum != 500 {
		t.Errorf("sum is %d, want 500", sum)
	}
}
