package cloud

import (
	"container/heap"
	"encoding/binary"
	"encoding/json"
	"time"

	"go.etcd.io/bbolt"
)

// message is one message of a queue. The body stays in the file, so that a
// long backlog costs little memory.
type message struct {
	seq      uint64
	deadline time.Time // while in flight: when it becomes visible again

	ID       string    `json:"id"`
	Sent     time.Time `json:"sent"`
	First    time.Time `json:"first,omitzero"` // first receive
	Due      time.Time `json:"due"`            // visible from then on
	Receives int       `json:"receives,omitempty"`
	Reason   string    `json:"reason,omitempty"` // why the last delivery failed
}

// A message takes two keys: its state, which changes, and its body, which does
// not. Sequence numbers order them.
const (
	statePart = 's'
	bodyPart  = 'b'
)

func partKey(seq uint64, part byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, seq), part)
}

func (m *message) put(b *bbolt.Bucket) error {
	state, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return b.Put(partKey(m.seq, statePart), state)
}

func (m *message) remove(b *bbolt.Bucket) error {
	if err := b.Delete(partKey(m.seq, statePart)); err != nil {
		return err
	}
	return b.Delete(partKey(m.seq, bodyPart))
}

// loadMessages reads the state of all messages of a queue, oldest first.
func loadMessages(b *bbolt.Bucket) ([]*message, error) {
	var out []*message
	err := b.ForEach(func(key, value []byte) error {
		if key[len(key)-1] != statePart {
			return nil
		}
		m := &message{seq: binary.BigEndian.Uint64(key)}
		if err := json.Unmarshal(value, m); err != nil {
			return err
		}
		out = append(out, m)
		return nil
	})
	return out, err
}

// waiting holds messages by the time they become visible, then by age.
type waiting []*message

func (w waiting) Len() int { return len(w) }
func (w waiting) Less(i, j int) bool {
	if !w[i].Due.Equal(w[j].Due) {
		return w[i].Due.Before(w[j].Due)
	}
	return w[i].seq < w[j].seq
}
func (w waiting) Swap(i, j int) { w[i], w[j] = w[j], w[i] }

// Push and Pop implement heap.Interface.
func (w *waiting) Push(m any) { *w = append(*w, m.(*message)) }

// Pop implements heap.Interface.
func (w *waiting) Pop() any {
	last := len(*w) - 1
	m := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	return m
}

var _ heap.Interface = (*waiting)(nil)
