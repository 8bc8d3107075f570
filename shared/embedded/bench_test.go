package embedded_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"rapport/shared/embedded"
	"rapport/shared/table"
)

// BenchmarkCommit folds one event the way unify does, with the disk waited for:
// a record that must be absent, and a person whose version must not have changed.
func BenchmarkCommit(b *testing.B) {
	for _, workers := range []int{1, 16} {
		b.Run(fmt.Sprint(workers, " at once"), func(b *testing.B) {
			db, err := embedded.Open(filepath.Join(b.TempDir(), "rapport.db"), atNoon)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := db.Close(); err != nil {
					b.Error(err)
				}
			})
			var n, worker atomic.Int64
			body := make([]byte, 1500)
			b.ReportAllocs()
			b.SetParallelism(workers)
			b.RunParallel(func(pb *testing.PB) {
				node := fmt.Sprint("n#", worker.Add(1))
				cond := table.Absent()
				for version := int64(1); pb.Next(); version++ {
					id := fmt.Sprint(n.Add(1))
					err := db.Commit(b.Context(), id,
						table.Put(table.Key{Partition: node, Sort: "e#" + id}, body[:300], time.Time{}, table.Absent()),
						table.Put(table.Key{Partition: node, Sort: "person"}, body, time.Time{}, cond))
					if err != nil {
						b.Error(err)
						return
					}
					cond = table.VersionIs(version)
				}
			})
		})
	}
}

// BenchmarkGet reads one person of many.
func BenchmarkGet(b *testing.B) {
	db := open(b, atNoon)
	const many = 5000
	keys, writes := make([]table.Key, many), make([]table.Write, many)
	for i := range keys {
		keys[i] = table.Key{Partition: fmt.Sprintf("n#%08d", i), Sort: "person"}
		writes[i] = table.Put(keys[i], make([]byte, 1500), time.Time{}, table.Absent())
	}
	for i := 0; i < many; i += table.MaxCommitWrites {
		if err := db.Commit(b.Context(), "fill", writes[i:i+table.MaxCommitWrites]...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if items, err := db.Get(b.Context(), keys[i%many]); err != nil || items[0] == nil {
			b.Fatal(err)
		}
		i += 7919
	}
}
