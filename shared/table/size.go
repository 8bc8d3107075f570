package table

// What an item weighs beside its content, by our own count. The figures lie
// above DynamoDB's, so that what passes here is never refused there.
const (
	itemOverhead    = 64 // names of the attributes, version, owner, expiry
	counterOverhead = 9  // the value of a counter
)

// Bytes returns the size of the item that the limits and billing units refer to.
func (i Item) Bytes() int { return size(i.Key, i.Body, i.Counters) }

// Bytes returns the size of what the write carries: for a put this is the size
// of the item that it stores.
func (w Write) Bytes() int { return size(w.Key, w.Body, w.Counters) }

func size(key Key, body []byte, counters map[string]int64) int {
	n := itemOverhead + len(key.Partition) + len(key.Sort) + len(body)
	for name := range counters {
		n += counterOverhead + len(name)
	}
	return n
}
