// Package table is the storage port: one table of small items, read by key or
// by partition and written by all-or-nothing commits whose every write says
// what it expects to find. Two backends keep the same contract
// (shared/table/tabletest): one bbolt file (shared/embedded) and DynamoDB.
//
// An item that has expired is absent to every read and condition, even while
// the engine still stores it.
package table

import (
	"context"
	"time"
)

// Limits that both backends enforce, so that nothing works on a laptop only.
const (
	MaxItemBytes     = 390 << 10 // DynamoDB refuses items over 400 KB; key and attribute names included
	MaxCommitWrites  = 100
	MaxCommitBytes   = 4 << 20
	MaxGetKeys       = 100
	PageBytes        = 1 << 20 // a page ends once this much was read
	MaxKeyPartBytes  = 1024    // of a sort key; a partition may have twice that
	MaxCounterNames  = 400
	MaxOwnerBytes    = 64
	MaxScanSegments  = 64
	MaxCounterLength = 64
)

// Table stores items. Every method may return a *fault.Error of kind
// Unavailable (try again) or Internal.
type Table interface {
	// Get reads up to MaxGetKeys items, each as of its last commit. The answer
	// has one entry a key, in the order asked; an absent item is nil.
	Get(ctx context.Context, keys ...Key) ([]*Item, error)

	// Query reads one page of a partition in the order of the sort keys.
	Query(ctx context.Context, partition string, r Range) (Page, error)

	// Commit applies all of the writes or none of them. Owner names this commit:
	// one that is repeated with the same owner (a retry after a lost reply)
	// succeeds and changes nothing as long as one of its items still shows that
	// owner as its last writer. So a bare Add must travel with a write whose
	// condition guards it.
	//
	// Errors: *Conflict when a condition does not hold; kind TooLarge for an
	// item, a commit or a number of writes over the limits; kind Invalid for what
	// is wrong by itself (see Validate), such as no write at all, a Put or a Check
	// without a condition, an empty key or an item named twice.
	Commit(ctx context.Context, owner string, writes ...Write) error

	// Scan reads one page of a share of the whole table, in no order that
	// callers may rely on. All segments together hold every item once.
	Scan(ctx context.Context, s Segment) (Page, error)
}

// Key names an item: a partition, and a sort key inside it. Sort keys order as bytes.
type Key struct {
	Partition string
	Sort      string
}

// Item is what is stored under a key.
type Item struct {
	Key      Key
	Version  int64            // 1 when created, one more with each change
	Expires  time.Time        // whole seconds; zero means never
	Counters map[string]int64 // nil when there are none
	Body     []byte           // opaque to the table; nil when there is none
}

// Op is what a write does.
type Op uint8

// The four writes.
const (
	OpPut    Op = iota // replace body, counters and expiry
	OpAdd              // add to counters, creating the item when it is absent
	OpDelete           // remove; deleting an absent item succeeds whatever its condition
	OpCheck            // change nothing, only hold the condition
)

// Write is one write of a commit. Use Put, Add, Delete and Check to make one.
type Write struct {
	Op       Op
	Key      Key
	If       Condition
	Body     []byte
	Expires  time.Time
	Counters map[string]int64 // what to store (OpPut) or to add (OpAdd)
}

// Condition says what a write expects of its item. Use Absent, VersionIs and
// CounterBelow to make one; the zero value expects nothing.
type Condition struct {
	Absent  bool
	Version int64  // 0: not asked
	Counter string // "": not asked; a counter that is absent counts as 0
	Below   int64
}

// Absent holds when there is no such item, or it has expired.
func Absent() Condition { return Condition{Absent: true} }

// VersionIs holds when the item exists, has not expired and has that version.
func VersionIs(v int64) Condition { return Condition{Version: v} }

// CounterBelow holds when the counter is below the limit.
func CounterBelow(counter string, limit int64) Condition {
	return Condition{Counter: counter, Below: limit}
}

// IsZero reports whether the condition expects nothing.
func (c Condition) IsZero() bool { return c == Condition{} }

// Put stores body under key when the condition holds: Absent or VersionIs, a
// put without one is refused.
func Put(key Key, body []byte, expires time.Time, cond Condition) Write {
	return Write{Op: OpPut, Key: key, Body: body, Expires: expires, If: cond}
}

// Add adds to the item's counters; expires is set when the add creates the item.
func Add(key Key, counters map[string]int64, expires time.Time, cond Condition) Write {
	return Write{Op: OpAdd, Key: key, Counters: counters, Expires: expires, If: cond}
}

// Delete removes the item when the condition holds.
func Delete(key Key, cond Condition) Write { return Write{Op: OpDelete, Key: key, If: cond} }

// Check makes the commit depend on the condition and changes nothing.
func Check(key Key, cond Condition) Write { return Write{Op: OpCheck, Key: key, If: cond} }

// Range selects part of a partition. Bounds are inclusive, "" leaves one open.
type Range struct {
	From       string
	To         string
	Descending bool
	Limit      int    // at most this many items in the page; 0: as many as fit
	After      string // Page.Next of the page before
}

// Segment selects a share of the table: Index of Of, both as in DynamoDB's
// parallel scan. The zero value is the whole table.
type Segment struct {
	Index int
	Of    int
	Limit int
	After string
}

// Page is part of an answer. Next is "" on the last page; otherwise the same
// call with After set to it reads on, even when Items is empty.
type Page struct {
	Items []Item
	Next  string
}
