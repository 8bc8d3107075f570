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
//	person, or pointer   n#<node hash>             person
//	event record         n#<node hash>             e#<message id>
//	fired timer          n#<node hash>             w#<due, unix ms>
//	timers of a minute   t#<unix minute>#<shard>   <node hash>#<due, unix ms>
//	timer cursor         t#cursor                  -
//	strategy pointer     strategy                  current
//	strategy version     strategy                  v#<version>#<part>
//
// Children of a person hang on the node that they came in by, never on the
// person, so that a merge or a split moves none of them.

// TimerShards spreads the timers of one minute over this many partitions.
const TimerShards = 16

// PersonKey is where a node's person lives, or the pointer to it.
func PersonKey(nodeHash string) Key { return Key{Partition: "n#" + nodeHash, Sort: "person"} }

// NodePartition holds everything that came in by a node.
func NodePartition(nodeHash string) string { return "n#" + nodeHash }

// EventPrefix begins the sort key of every event record.
const EventPrefix = "e#"

// EventKey is where the record of an event lives, which makes it count once.
func EventKey(nodeHash, messageID string) Key {
	return Key{Partition: "n#" + nodeHash, Sort: EventPrefix + messageID}
}

// EventRange selects the event records in a node's partition.
func EventRange() Range { return Range{From: EventPrefix, To: EventPrefix + "\U0010FFFF"} }

// WakeKey is where the record of a fired timer lives.
func WakeKey(nodeHash string, due time.Time) Key {
	return Key{Partition: "n#" + nodeHash, Sort: fmt.Sprintf("w#%d", due.UnixMilli())}
}

// TimerKey is where a timer that is swept in that minute lives.
func TimerKey(minute time.Time, shard int, nodeHash string, due time.Time) Key {
	return Key{Partition: TimerPartition(minute, shard), Sort: fmt.Sprintf("%s#%d", nodeHash, due.UnixMilli())}
}

// ParseTimerSort reads what TimerKey put into the sort key.
func ParseTimerSort(sort string) (nodeHash string, due time.Time, ok bool) {
	nodeHash, ms, found := strings.Cut(sort, "#")
	n, err := strconv.ParseInt(ms, 10, 64)
	return nodeHash, time.UnixMilli(n).UTC(), found && err == nil
}

// TimerPartition holds the timers that are due in a minute, of one shard.
func TimerPartition(minute time.Time, shard int) string {
	return fmt.Sprintf("t#%d#%d", minute.Unix()/60, shard)
}

// TimerCursorKey remembers how far timers were swept.
func TimerCursorKey() Key { return Key{Partition: "t#cursor", Sort: "-"} }

// StrategyPointerKey names the current version of the strategy.
func StrategyPointerKey() Key { return Key{Partition: "strategy", Sort: "current"} }

// StrategyPartKey holds one part of a published version.
func StrategyPartKey(version string, part int) Key {
	return Key{Partition: "strategy", Sort: fmt.Sprintf("v#%s#%03d", version, part)}
}
