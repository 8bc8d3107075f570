package event

import (
	"bytes"
	"encoding/json"

	"rapport/shared/fault"
)

// MaxParcel is how large one queue message may be, in bytes.
const MaxParcel = 200_000

// Parcel is one message of the ingest queue: events, by the node they count in.
type Parcel struct {
	Groups []Bundle `json:"groups"`
}

// Bundle holds the events of one node in the order in which they came.
type Bundle struct {
	Node   string            `json:"node"` // its hash
	Events []json.RawMessage `json:"events"`
}

// Pack puts events into as few messages as it can without one of them being
// larger than MaxParcel. The events of a node stay together and in order as far
// as they fit.
func Pack(events []Event) ([]string, error) {
	bundles, err := bundle(events)
	if err != nil {
		return nil, err
	}
	var p packer
	for _, b := range bundles {
		for i, raw := range b.Events {
			p.add(b.Node, raw, i == 0)
		}
	}
	return p.done()
}

// bundle sorts events by node, nodes in the order of their first event.
func bundle(events []Event) ([]*Bundle, error) {
	var order []*Bundle
	byNode := map[string]*Bundle{}
	for i := range events {
		raw, err := encode(&events[i])
		if err != nil {
			return nil, err
		}
		node := events[i].Node().Hash()
		b := byNode[node]
		if b == nil {
			b = &Bundle{Node: node}
			byNode[node] = b
			order = append(order, b)
		}
		b.Events = append(b.Events, raw)
	}
	return order, nil
}

// packer fills one message after the other.
type packer struct {
	parcel Parcel
	size   int
	out    []string
	err    error
}

// Bytes that the JSON around events takes, generously.
const (
	aroundParcel = 16
	aroundBundle = 64
)

func (p *packer) add(node string, raw json.RawMessage, first bool) {
	if p.size > 0 && p.size+len(raw)+aroundBundle > MaxParcel-aroundParcel {
		p.flush()
	}
	if first || p.size == 0 {
		p.parcel.Groups = append(p.parcel.Groups, Bundle{Node: node})
		p.size += aroundBundle
	}
	last := &p.parcel.Groups[len(p.parcel.Groups)-1]
	last.Events = append(last.Events, raw)
	p.size += len(raw) + len(",")
}

func (p *packer) flush() {
	body, err := encode(p.parcel)
	if err != nil {
		p.err = err
	}
	p.out = append(p.out, string(body))
	p.parcel, p.size = Parcel{}, 0
}

func (p *packer) done() ([]string, error) {
	if len(p.parcel.Groups) > 0 {
		p.flush()
	}
	return p.out, p.err
}

// Unpack reads the events of a queue message. It fails with Malformed,
// bad_parcel.
func Unpack(message string) ([]Event, error) {
	var parcel Parcel
	if err := json.Unmarshal([]byte(message), &parcel); err != nil {
		return nil, badParcel(err)
	}
	var out []Event
	for _, b := range parcel.Groups {
		for _, raw := range b.Events {
			var e Event
			if err := json.Unmarshal(raw, &e); err != nil {
				return nil, badParcel(err)
			}
			out = append(out, e)
		}
	}
	return out, nil
}

func badParcel(cause error) *fault.Error {
	return fault.New(fault.Malformed, "bad_parcel", "put messages on the ingest queue as event.Pack writes them").Because(cause)
}

// encode writes JSON without the escapes that only pages need, which could make
// a message many times as large.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
