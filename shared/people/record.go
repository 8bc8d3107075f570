package people

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/table"
)

// RecordLife is how long the record of an event is kept from its receipt: for
// so long a repetition is recognised and the timeline shows it. Records of
// imported history never expire, so that an import can be repeated at any time.
const RecordLife = 395 * 24 * time.Hour

// Record is what is kept of an event: the event, how it was judged, and its
// effects, which are published again whenever the event is delivered again.
type Record struct {
	Event    event.Event `json:"e,omitzero"` // zero for a fired timer
	Verdicts []string    `json:"v,omitempty"`
	Effects  []Effect    `json:"x,omitempty"`
}

// Counted reports whether the event became part of its person: one that could
// not is kept in the timeline only.
func (r *Record) Counted() bool {
	return !slices.Contains(r.Verdicts, IDReused) && !slices.Contains(r.Verdicts, ProfileFull)
}

// entry is an event on its way to its record.
type entry struct {
	given   *event.Event // as it came
	event   *event.Event // as it counts
	reused  bool         // the message id is taken by other content: kept, not folded
	full    bool         // the person has no room: kept, not folded
	refused bool         // not kept at all: the node was erased, or may not be observed and is not known
	strip   bool         // it named an erased identity beside its own, which is left out

	verdicts []string
	effects  []Effect
}

// judge adds a verdict that needed the person's state.
func (en *entry) judge(verdict string) {
	if verdict != "" {
		en.verdicts = append(en.verdicts, verdict)
	}
}

func (en *entry) key() table.Key {
	id := en.event.MessageID
	if en.reused {
		id += "~" + en.event.Digest
	}
	return table.EventKey(en.event.Node().Hash(), id)
}

// write puts the record when it is not there yet, which makes the event count once.
func (en *entry) write() (table.Write, error) {
	r := Record{Event: *en.event, Verdicts: en.event.Verdicts, Effects: en.effects}
	r.Event.Verdicts = nil
	if en.strip {
		r.Verdicts = append(r.Verdicts, ErasedID)
	}
	switch {
	case en.reused:
		r.Verdicts = append(r.Verdicts, IDReused)
	case en.full:
		r.Verdicts = append(r.Verdicts, ProfileFull)
	default:
		r.Verdicts = append(r.Verdicts, en.verdicts...)
	}
	body, err := encode(r)
	if err != nil {
		return table.Write{}, err
	}
	var expires time.Time
	if !en.event.Imported {
		expires = en.event.ReceivedAt.Add(RecordLife)
	}
	return table.Put(en.key(), body, expires, table.Absent()), nil
}

// encode writes the record, packed, so that the event's JSON comes back byte for
// byte. It names nobody but the event's own identity; see restore.
func encode(r Record) ([]byte, error) {
	own := r.Event.Node().String()
	r.Effects = slices.Clone(r.Effects)
	for i := range r.Effects {
		if r.Effects[i].Node != own {
			r.Effects[i].Node = ""
		}
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, fault.New(fault.Internal, "encode_record", "an event could not be recorded").Because(err)
	}
	return pack(bytes.TrimSuffix(body.Bytes(), []byte("\n"))), nil
}

// DecodeRecord reads the item of an event or of a fired timer. Errors: kind
// Internal (code decode_record) for one that is none.
func DecodeRecord(item *table.Item) (*Record, error) {
	text, err := unpack(item.Body)
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fault.New(fault.Internal, "decode_record", "a stored event cannot be read").Because(err)
	}
	return &r, nil
}
