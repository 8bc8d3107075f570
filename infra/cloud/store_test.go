package cloud_test

import (
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"rapport/infra/cloud"
	"rapport/shared/fault"
)

func TestWhatIsNotOnDiskIsNotAcknowledged(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*bbolt.DB)
		want  bool
	}{
		"a disk that works": {func(*bbolt.DB) {}, true},
		"a disk that fails": {func(db *bbolt.DB) { _ = db.Close() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := bbolt.Open(filepath.Join(t.TempDir(), "state.db"), 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			err = cloud.Keep(db, func() { c.spoil(db) })
			if stored := err == nil; stored != c.want {
				t.Errorf("error is %v", err)
			}
			if err != nil && fault.KindOf(err) != fault.Unavailable {
				t.Errorf("kind is %s", fault.KindOf(err))
			}
		})
	}
}
