package embedded

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// sweepItems is how many items each transaction looks at. A file of 100,000 items
// is gone through in as many transactions as a laptop makes in a few days of
// minute ticks, and nobody waits for it.
const sweepItems = 16

// sweep deletes what has expired among the next items of the file, and begins
// anew at its end. Only whoever leads a group calls it.
func (d *DB) sweep(b *bbolt.Bucket, now int64) error {
	var gone [][]byte
	c := b.Cursor()
	key, value := c.Seek(d.swept)
	for range sweepItems {
		if key == nil {
			break
		}
		// What cannot be read is left, for whoever asks for it is told.
		if r, err := decodeRecord(value); err == nil && !r.live(now) {
			gone = append(gone, bytes.Clone(key))
		}
		key, value = c.Next()
	}
	d.swept = bytes.Clone(key)
	for _, key := range gone {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
