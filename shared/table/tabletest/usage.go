package tabletest

import (
	"context"
	"time"

	"rapport/shared/table"
)

// usage is reported by every call, refused commits included.
func usage(s *suite) {
	key, body := s.key("item"), make([]byte, 6<<10)
	commit := func(w ...table.Write) func(context.Context) error {
		return func(ctx context.Context) error {
			err := s.table.Commit(ctx, s.owner(), w...)
			if table.AsConflict(err) != nil {
				return nil
			}
			return err
		}
	}
	calls := []struct {
		name          string
		call          func(context.Context) error
		reports       string
		reads, writes float64 // at least
	}{
		{"put", commit(table.Put(key, body, time.Time{}, table.Absent())), "Commit", 0, 7},
		{"refused put", commit(table.Put(key, body, time.Time{}, table.Absent())), "Commit", 0, 1},
		{"add", commit(table.Add(key, map[string]int64{"n": 1}, time.Time{}, table.Condition{})), "Commit", 0, 1},
		{"several", commit(table.Check(key, table.VersionIs(2)), table.Delete(s.key("other"), table.Condition{})), "Commit", 0, 4},
		{"refused several", commit(table.Check(key, table.VersionIs(1)), table.Delete(s.key("other"), table.Condition{})), "Commit", 0, 4},
		{"get", func(ctx context.Context) error { _, err := s.table.Get(ctx, key, s.key("other")); return err }, "Get", 3, 0},
		{"query", func(ctx context.Context) error { _, err := s.table.Query(ctx, s.prefix, table.Range{}); return err }, "Query", 2, 0},
		{"query of nothing", func(ctx context.Context) error { _, err := s.table.Query(ctx, s.prefix+"-", table.Range{}); return err }, "Query", 1, 0},
		{"scan", func(ctx context.Context) error { _, err := s.table.Scan(ctx, table.Segment{Of: 1}); return err }, "Scan", 1, 0},
		{"delete", commit(table.Delete(key, table.Condition{})), "Commit", 0, 1},
	}
	for _, c := range calls {
		ctx, reports := s.metered()
		if err := c.call(ctx); err != nil {
			s.Fatalf("%s: %v", c.name, err)
		}
		var total table.Usage
		for _, u := range *reports {
			if u.Call != c.reports {
				s.Errorf("%s reports %q, want %q", c.name, u.Call, c.reports)
			}
			total.Reads += u.Reads
			total.Writes += u.Writes
		}
		if total.Reads < c.reads || total.Writes < c.writes || (total.Reads == 0) != (c.reads == 0) || (total.Writes == 0) != (c.writes == 0) {
			s.Errorf("%s consumes %+v, want at least %v reads and %v writes", c.name, total, c.reads, c.writes)
		}
	}
}
