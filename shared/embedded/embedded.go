// Package embedded keeps the table (shared/table) in one bbolt file: the table
// of a laptop. A commit is on disk when it is acknowledged, and survives the
// death of the process. One process at a time may have the file open.
//
// Items that have expired are absent to everyone, and each transaction that
// stores something deletes some of them from the file.
package embedded

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// bucket holds the items. All other buckets of the file are free for others.
var bucket = []byte("table")

// lockWait is how long Open waits for another process to let go of the file: a
// process that is just ending needs a moment.
const lockWait = time.Second

// DB is a table in a file. It is safe for concurrent use.
type DB struct {
	bolt  *bbolt.DB
	clock func() time.Time
	queue queue
	swept []byte // where the next sweep begins; whoever leads a group may touch it
}

var _ table.Table = (*DB)(nil)

// Open opens the file at path and makes it when it is not there; its folder must
// exist. Clock says what counts as expired.
//
// Errors: kind Unavailable, code data_in_use, when a process (this one, too) has
// the file open; kind Unavailable, code data_not_opened, when it cannot be
// opened; kind Invalid, code data_unreadable, when it is another kind of file.
func Open(path string, clock func() time.Time) (*DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, notOpened(path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		_ = db.Close() // the first error says more
		return nil, notOpened(path, err)
	}
	return &DB{bolt: db, clock: clock, queue: newQueue()}, nil
}

// Close ends the use of the file once running calls are done. Calls after it
// fail with kind Unavailable.
func (d *DB) Close() error {
	if err := d.bolt.Close(); err != nil {
		return fault.New(fault.Internal, "data_not_closed", "the data file could not be closed; check the disk").Because(err)
	}
	return nil
}

// Bolt returns the file, for what the local cloud keeps in buckets of its own
// beside "table", which belongs to this package.
func (d *DB) Bolt() *bbolt.DB { return d.bolt }

// Get implements table.Table. All items are read as of one moment.
func (d *DB) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	if err := table.ValidateKeys(keys); err != nil {
		return nil, err
	}
	now := d.clock().Unix()
	items := make([]*table.Item, len(keys))
	usage := table.Usage{Call: "Get", Items: len(keys)}
	err := d.view(ctx, func(b *bbolt.Bucket) error {
		for i, key := range keys {
			r, err := load(b, key)
			if err != nil {
				return err
			}
			usage.Reads += readUnits(r.bytes(key))
			if r.live(now) {
				item := r.item(key)
				items[i] = &item
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	table.Spend(ctx, usage)
	return items, nil
}

// view runs read on a snapshot of the items.
func (d *DB) view(ctx context.Context, read func(*bbolt.Bucket) error) error {
	if err := ctx.Err(); err != nil {
		return cancelled(err)
	}
	err := d.bolt.View(func(tx *bbolt.Tx) error { return read(tx.Bucket(bucket)) })
	var known *fault.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return fault.New(fault.Unavailable, "not_read", "the data file could not be read; check that it is open and try again").Because(err)
}

// load returns the record that is stored under key, expired or not; nil when
// there is none. It is valid inside the transaction only.
func load(b *bbolt.Bucket, key table.Key) (*record, error) {
	value := b.Get(encodeKey(key))
	if value == nil {
		return nil, nil
	}
	return decodeRecord(value)
}

// readUnits is what one read costs on DynamoDB, strongly consistent.
func readUnits(bytes int) float64 { return units(bytes, 4<<10) }

func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

func notOpened(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fault.New(fault.Unavailable, "data_in_use",
			"another rapport uses %s: stop it, or pass its URL to this one", path).Because(err)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return fault.New(fault.Invalid, "data_unreadable",
			"%s is damaged or holds something else: move it away, or choose another folder", path).Because(err)
	}
	return fault.New(fault.Unavailable, "data_not_opened",
		"%s could not be opened: check that its folder exists and may be written", path).Because(err)
}

func cancelled(err error) error {
	return fault.New(fault.Unavailable, "cancelled", "the caller gave up before anything was done; try again").Because(err)
}
