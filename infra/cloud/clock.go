package cloud

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

// clock is real time plus an offset that survives restarts. Everything that
// waits, expires or is due goes by it.
type clock struct {
	real   func() time.Time
	offset atomic.Int64 // nanoseconds
}

var offsetKey = []byte("clock offset")

// Now is the virtual time.
func (c *clock) Now() time.Time { return c.real().Add(time.Duration(c.offset.Load())) }

// reach moves the clock so that it is not before t.
func (c *clock) reach(t time.Time) {
	if ahead := t.Sub(c.Now()); ahead > 0 {
		c.offset.Add(int64(ahead))
	}
}

func (c *clock) load(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(stateBucket); b != nil {
			if v := b.Get(offsetKey); len(v) == 8 {
				c.offset.Store(int64(binary.BigEndian.Uint64(v)))
			}
		}
		return nil
	})
}

// keepOffset stores an offset.
func keepOffset(offset time.Duration) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		return tx.Bucket(stateBucket).Put(offsetKey, binary.BigEndian.AppendUint64(nil, uint64(offset)))
	}
}
