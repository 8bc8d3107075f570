package table

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Every key shape of the product stands in this file.
//
//	what                 partition                 sort
//	person, pointer,
//	or tombstone         n#<node hash>             person
//	event record, or
//	the blank of one     n#<node hash>             e#<message id>
//	its content, where
//	the record stays on  n#<node hash>             f#<message id>
//	fired timer          n#<node hash>             w#<due, unix ms>
//	split or its lifting n#<node hash>             split
//	message ledger       n#<node hash>             l#<message id>
//	suppressed address   s#<address hash>          -
//	tally marker         m#<tally id>              -
//	counter              c#<name>                  <shard>
//	timers of an hour    t#<unix hour>#<shard>     <unix minute>#<node hash>#<due, unix ms>
//	timer cursor         t#cursor                  -
//	strategy pointer     strategy                  current
//	strategy version     strategy                  v#<version>#<section>#<part>
//
// Children of a person hang on the node that they came in by, never on the
// person, so that a merge or a split moves none of them.

// TimerShards spreads the timers of one hour over this many partitions.
const TimerShards = 16

// PersonKey is where a node's person lives, or the pointer to it.
func PersonKey(nodeHash string) Key { return Key{Partition: "n#" + nodeHash, Sort: "person"} }

// ParsePersonKey reads what PersonKey made; false for any other key.
func ParsePersonKey(key Key) (nodeHash string, ok bool) {
	hash, ok := strings.CutPrefix(key.Partition, "n#")
	return hash, ok && key == PersonKey(hash)
}

// NodePartition holds everything that came in by a node.
func NodePartition(nodeHash string) string { return "n#" + nodeHash }

// What the sort keys of a node's children begin with.
const (
	EventPrefix   = "e#" // event records
	ContentPrefix = "f#" // what of a record goes before it
	LedgerPrefix  = "l#" // message ledgers
	WakePrefix    = "w#" // fired timers
)

// EventKey is where the record of an event lives, which makes it count once.
func EventKey(nodeHash, messageID string) Key {
	return Key{Partition: "n#" + nodeHash, Sort: EventPrefix + messageID}
}

// ContentKey is where the content of an event lives that goes before its record.
func ContentKey(nodeHash, messageID string) Key {
	return Key{Partition: "n#" + nodeHash, Sort: ContentPrefix + messageID}
}

// EventRange selects the event records in a node's partition, and after them the
// contents that are kept apart.
func EventRange() Range { return Range{From: EventPrefix, To: ContentPrefix + "\U0010FFFF"} }

// LedgerKey is where the ledger of a message lives.
func LedgerKey(nodeHash, messageID string) Key {
	return Key{Partition: "n#" + nodeHash, Sort: LedgerPrefix + messageID}
}

// LedgerRange selects the message ledgers in a node's partition.
func LedgerRange() Range { return Range{From: LedgerPrefix, To: LedgerPrefix + "\U0010FFFF"} }

// SuppressionKey marks an address that must get no mail.
func SuppressionKey(addressHash string) Key { return Key{Partition: "s#" + addressHash, Sort: "-"} }

// TallyMarkerKey marks a tally that was counted.
func TallyMarkerKey(id string) Key { return Key{Partition: "m#" + id, Sort: "-"} }

// CounterShards spreads each counter over this many items.
const CounterShards = 16

// CounterKey is one shard of a counter.
func CounterKey(name string, shard int) Key {
	return Key{Partition: "c#" + name, Sort: strconv.Itoa(shard)}
}

// WakeKey is where the record of a fired timer lives.
func WakeKey(nodeHash string, due time.Time) Key {
	return Key{Partition: "n#" + nodeHash, Sort: WakePrefix + strconv.FormatInt(due.UnixMilli(), 10)}
}

// SplitKey is where the record of a node's latest split, or its lifting, lives.
func SplitKey(nodeHash string) Key { return Key{Partition: "n#" + nodeHash, Sort: "split"} }

// TimerKey is where a timer that is swept in that minute lives.
func TimerKey(minute time.Time, shard int, nodeHash string, due time.Time) Key {
	return Key{
		Partition: TimerPartition(minute, shard),
		Sort:      fmt.Sprintf("%s#%s#%d", timerMinute(minute), nodeHash, due.UnixMilli()),
	}
}

// ParseTimerSort reads what TimerKey put into the sort key.
func ParseTimerSort(sort string) (minute time.Time, nodeHash string, due time.Time, ok bool) {
	parts := strings.Split(sort, "#")
	if len(parts) != 3 {
		return time.Time{}, "", time.Time{}, false
	}
	m, err1 := strconv.ParseInt(parts[0], 10, 64)
	ms, err2 := strconv.ParseInt(parts[2], 10, 64)
	return time.Unix(m*60, 0).UTC(), parts[1], time.UnixMilli(ms).UTC(), err1 == nil && err2 == nil
}

// TimerPartition holds the timers that are swept in one hour, of one shard, in
// the order of their minutes: a tick reads the few it needs in one query.
func TimerPartition(hour time.Time, shard int) string {
	return fmt.Sprintf("t#%d#%d", hour.Unix()/3600, shard)
}

// TimerRange selects the minutes from first to last, both included.
func TimerRange(first, last time.Time) Range {
	return Range{From: timerMinute(first), To: timerMinute(last) + "#\U0010FFFF"}
}

func timerMinute(t time.Time) string { return fmt.Sprintf("%010d", t.Unix()/60) }

// TimerCursorKey remembers how far timers were swept.
func TimerCursorKey() Key { return Key{Partition: "t#cursor", Sort: "-"} }

// StrategyPointerKey names the current version of the strategy.
func StrategyPointerKey() Key { return Key{Partition: "strategy", Sort: "current"} }

// StrategyPartKey holds one part of a section of a published version.
func StrategyPartKey(version, section string, part int) Key {
	return Key{Partition: "strategy", Sort: fmt.Sprintf("v#%s#%s#%03d", version, section, part)}
}
