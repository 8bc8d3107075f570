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

// RecordLife is for how long a repetition of an event is recognised from its
// receipt, however soon its content goes. Repetitions of imported history always
// are, so that an import can be repeated at any time.
const RecordLife = 395 * 24 * time.Hour

// Record is what is kept of an event: the event, how it was judged, and its
// effects, which are published again whenever the event is delivered again.
//
// Content that goes before a repetition may be forgotten stands in an item of its
// own. Its event's item is then a mark, which has nothing but the digest.
type Record struct {
	Event    event.Event `json:"e,omitzero"` // zero for a fired timer
	Others   Others      `json:"o,omitzero"` // whom else the event names
	Mark     string      `json:"d,omitempty"`
	Verdicts []string    `json:"v,omitempty"`
	Effects  []Effect    `json:"x,omitempty"`

	Until time.Time `json:"-"` // when it goes; set where records are read
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
	blank   int64        // the version of the blank in its record's place; 0: none
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

func (en *entry) key() table.Key { return table.EventKey(en.event.Node().Hash(), en.id()) }

// contentKey is where the content is when the record is a mark.
func (en *entry) contentKey() table.Key {
	return table.ContentKey(en.event.Node().Hash(), en.id())
}

func (en *entry) id() string {
	if en.reused {
		return en.event.MessageID + "~" + en.event.Digest
	}
	return en.event.MessageID
}

// writes puts the record when it is not there yet, which makes the event count
// once, and its content, if that has to go at another time than the record.
func (en *entry) writes(until time.Time) (record table.Write, content []table.Write, err error) {
	body, err := encode(en.record())
	if err != nil {
		return record, nil, err
	}
	known := en.known()
	if !known.IsZero() && !until.Before(known) {
		return en.put(body, until), nil, nil
	}
	mark, err := encode(Record{Event: event.Event{}, Mark: en.event.Digest})
	if err != nil {
		return record, nil, err
	}
	content = []table.Write{table.Put(en.contentKey(), body, until, table.Absent())}
	return en.put(mark, known), content, nil
}

// known is until when a repetition of the event is recognised, zero for ever.
func (en *entry) known() time.Time {
	if en.event.Imported {
		return noExpiry
	}
	return en.event.ReceivedAt.Add(RecordLife)
}

// put puts an encoded record where the entry's belongs.
func (en *entry) put(body []byte, until time.Time) table.Write {
	cond := table.Absent()
	if en.blank > 0 {
		cond = table.VersionIs(en.blank)
	}
	return table.Put(en.key(), body, until, cond)
}

func (en *entry) record() Record {
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
	return r
}

// encode writes the record, packed, so that the event's JSON comes back byte for
// byte. It names nobody but the event's own identity; see Others and restore.
func encode(r Record) ([]byte, error) {
	own := r.Event.Node().String()
	r.Event, r.Others = hide(r.Event)
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
func DecodeRecord(item *table.Item) (*Record, error) { return unpackRecord(item.Body) }

func unpackRecord(body []byte) (*Record, error) {
	text, err := unpack(body)
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fault.New(fault.Internal, "decode_record", "a stored event cannot be read").Because(err)
	}
	return &r, nil
}
