package embedded_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/table"
)

// sized is a put whose item has that many bytes.
func sized(sort string, bytes int, cond table.Condition) table.Write {
	w := table.Put(table.Key{Partition: "p", Sort: sort}, nil, noon.Add(time.Minute), cond)
	w.Body = make([]byte, bytes-w.Bytes())
	return w
}

// The figures are those of DynamoDB's price list.
func TestUsage(t *testing.T) {
	now := noon
	db := open(t, func() time.Time { return now })
	key := func(sort string) table.Key { return table.Key{Partition: "p", Sort: sort} }
	commit := func(owner string, writes ...table.Write) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := db.Commit(ctx, owner, writes...); table.AsConflict(err) == nil {
				return err
			}
			return nil
		}
	}
	read := func(keys ...table.Key) func(context.Context) error {
		return func(ctx context.Context) error { _, err := db.Get(ctx, keys...); return err }
	}
	query := func(r table.Range) func(context.Context) error {
		return func(ctx context.Context) error { _, err := db.Query(ctx, "p", r); return err }
	}
	steps := []struct {
		name string
		call func(context.Context) error
		want table.Usage
	}{
		{"put of 1 KB", commit("1", sized("a", 1024, table.Absent())), table.Usage{Call: "Commit", Items: 1, Writes: 1}},
		{"put of a byte more", commit("2", sized("a", 1025, table.VersionIs(1))), table.Usage{Call: "Commit", Items: 1, Writes: 2}},
		{"smaller put", commit("3", sized("a", 100, table.VersionIs(2))), table.Usage{Call: "Commit", Items: 1, Writes: 2}},
		{"larger put", commit("4", sized("a", 8192, table.VersionIs(3))), table.Usage{Call: "Commit", Items: 1, Writes: 8}},
		{"refused put", commit("5", sized("a", 100, table.VersionIs(1))), table.Usage{Call: "Commit", Items: 1, Writes: 8}},
		{"repeated put", commit("4", sized("a", 8192, table.VersionIs(3))), table.Usage{Call: "Commit", Items: 1, Writes: 8}},
		{"add", commit("6", table.Add(key("n"), map[string]int64{"n": 1}, time.Time{}, table.Condition{})), table.Usage{Call: "Commit", Items: 1, Writes: 1}},
		{
			"several", commit("7", sized("b", 3000, table.Absent()), table.Check(key("a"), table.VersionIs(4)), table.Delete(key("c"), table.Condition{})),
			table.Usage{Call: "Commit", Items: 3, Writes: 2 * (3 + 8 + 1)},
		},
		{
			"refused several", commit("8", sized("b", 3000, table.Absent()), table.Check(key("a"), table.VersionIs(4))),
			table.Usage{Call: "Commit", Items: 2, Writes: 2 * (3 + 8)},
		},
		{"get", read(key("a"), key("b"), key("c")), table.Usage{Call: "Get", Items: 3, Reads: 2 + 1 + 1}},
		{"get of nothing", read(), table.Usage{Call: "Get"}},
		{"query", query(table.Range{}), table.Usage{Call: "Query", Items: 3, Reads: 3}}, // 8192 + 3000 + 76 bytes
		{"query of one", query(table.Range{Limit: 1}), table.Usage{Call: "Query", Items: 1, Reads: 2}},
		{"query of nothing", query(table.Range{From: "x"}), table.Usage{Call: "Query", Reads: 1}},
		{"scan", func(ctx context.Context) error { _, err := db.Scan(ctx, table.Segment{}); return err }, table.Usage{Call: "Scan", Items: 3, Reads: 3}},
		{"delete", commit("9", table.Delete(key("b"), table.Condition{})), table.Usage{Call: "Commit", Items: 1, Writes: 3}},
		{"time passes", func(context.Context) error { now = now.Add(time.Minute); return nil }, table.Usage{}},
		{"get of what has expired", read(key("a")), table.Usage{Call: "Get", Items: 1, Reads: 2}},
		{"query over what has expired", query(table.Range{}), table.Usage{Call: "Query", Items: 1, Reads: 3}},
		{"put over what has expired", commit("10", sized("a", 100, table.Absent())), table.Usage{Call: "Commit", Items: 1, Writes: 8}},
	}
	for _, step := range steps {
		var got table.Usage
		ctx := table.WithMeter(t.Context(), func(u table.Usage) { got = u })
		if err := step.call(ctx); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
