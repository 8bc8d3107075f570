package cloud

import (
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"rapport/shared/fault"
)

// Buckets beside the table's own in the one file that holds all state.
var (
	queuesBucket = []byte("queues") // one bucket in it for each queue
	stateBucket  = []byte("cloud")  // clock, schedules and meter
	busBucket    = []byte("bus")    // recent events
	outboxBucket = []byte("outbox") // mail that was sent
)

// store groups writes: while one transaction reaches the disk, the next ones
// gather, so that many callers share one sync.
type store struct {
	db      *bbolt.DB
	log     *slog.Logger
	mu      sync.Mutex
	pending []change
	closed  bool
	wake    chan struct{}
	done    chan struct{}
}

// change is part of a transaction; told is nil when nobody waits for it.
type change struct {
	apply func(*bbolt.Tx) error
	told  chan<- error
}

func openStore(db *bbolt.DB, log *slog.Logger) (*store, error) {
	err := db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{queuesBucket, stateBucket, busBucket, outboxBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, notStored(err)
	}
	s := &store{db: db, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.run()
	return s, nil
}

// do applies a change and returns once it is on disk.
func (s *store) do(apply func(*bbolt.Tx) error) error {
	told := make(chan error, 1)
	if !s.add(change{apply, told}, true) {
		return fault.New(fault.Unavailable, "shutting_down", "the local cloud is shutting down: try again when it runs")
	}
	if err := <-told; err != nil {
		return notStored(err)
	}
	return nil
}

// later applies a change soon, in order, with the next one that somebody waits
// for. It is for what may be lost when the process is killed: an
// acknowledgement that is lost means a second delivery.
func (s *store) later(apply func(*bbolt.Tx) error) { s.add(change{apply, nil}, false) }

// flush returns once everything before it is on disk.
func (s *store) flush() error { return s.do(func(*bbolt.Tx) error { return nil }) }

func (s *store) add(c change, atOnce bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.pending = append(s.pending, c)
	if atOnce {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// lull is how long a change that nobody waits for may stay in memory only.
const lull = 100 * time.Millisecond

func (s *store) run() {
	defer close(s.done)
	idle := time.NewTicker(lull)
	defer idle.Stop()
	for open := true; open; {
		select {
		case _, open = <-s.wake:
		case <-idle.C:
		}
		s.commit()
	}
}

func (s *store) commit() {
	s.mu.Lock()
	group := s.pending
	s.pending = nil
	s.mu.Unlock()
	if len(group) == 0 {
		return
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for _, c := range group {
			if err := c.apply(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.log.Error("the local state was not stored", "error", err)
	}
	for _, c := range group {
		if c.told != nil {
			c.told <- err
		}
	}
}

// syncing says whether transactions wait for the disk. It is set inside one,
// since all of them look at it; turning it on syncs the file.
func (s *store) syncing(on bool) error {
	return s.do(func(*bbolt.Tx) error { s.db.NoSync = !on; return nil })
}

// close writes what is pending and refuses everything after it.
func (s *store) close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.wake)
	s.mu.Unlock()
	<-s.done
}

func notStored(err error) error {
	return fault.New(fault.Unavailable, "not_stored", "the data folder cannot be written: is the disk full?").Because(err)
}
