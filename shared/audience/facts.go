package audience

import (
	"encoding/json"
	"time"

	"rapport/shared/person"
)

// Facts are the values that the rules of one Set read, for one person at one
// moment. The zero value is ready to be filled; filling it again reuses its
// memory. Facts refer to the view and the context that they were filled from.
type Facts struct {
	set     *Set
	slots   []value
	scratch []value
	members []json.RawMessage // of the context, by Set.names
	stage   []byte
	reader  reader
	clock   clock
}

// Fill sets f to what the rules read of this person now. Context is a JSON
// object or nothing. Now is cut to milliseconds.
func (s *Set) Fill(f *Facts, v *person.View, context json.RawMessage, now time.Time) {
	f.set = s
	f.slots = resize(f.slots, len(s.slots))
	f.scratch = resize(f.scratch, s.scratch)
	f.members = resize(f.members, len(s.names))
	f.reader.reset()
	f.clock = clock{}
	clear(f.members)
	f.reader.members(context, s.names, f.members)
	for k := range s.slots {
		f.fill(k, &s.slots[k], v, now)
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// fill sets the value of slot k.
func (f *Facts) fill(k int, s *slot, v *person.View, now time.Time) {
	out := &f.slots[k]
	*out = value{kind: missing, n: int64(lacks) + int64(k)}
	switch s.path[0] {
	case Traits:
		f.read(out, s, v.Traits[s.path[1]].Value)
	case explicit:
		f.read(out, s, v.Explicit[s.path[1]].Value)
	case Computed:
		f.read(out, s, v.Computed[s.path[1]])
	case Context:
		f.read(out, s, f.members[s.name])
	case Known:
		out.kind, out.n = boolean, int64(verdictOf(v.Known))
	case Lifecycle:
		if v.Stage != "" {
			f.stage = append(f.stage[:0], v.Stage...)
			out.kind, out.text = text, f.stage
		}
	case FirstSeen:
		out.setMoment(v.FirstSeen)
	case LastSeen:
		out.setMoment(v.LastSeen)
	case Now:
		out.setMoment(now)
		out.slope = 1
	}
}

// setMoment sets v to a time in the steps that rules know; a zero time stays
// missing.
func (v *value) setMoment(t time.Time) {
	if !t.IsZero() {
		v.setTime(t.Truncate(stepOf))
	}
}

// read sets out to the value at the rest of the slot's path inside raw, which is
// the JSON value under its first name, nil when there is none.
func (f *Facts) read(out *value, s *slot, raw json.RawMessage) {
	if len(raw) == 0 {
		if len(s.path) > 2 {
			out.kind = broken
		}
		return
	}
	raw, lack := f.reader.descend(raw, s.path[2:])
	if lack != 0 {
		out.kind = lack
		return
	}
	v, ok := f.reader.decode(raw)
	if !ok {
		out.kind = broken
		return
	}
	*out = v
	if s.timed && out.kind == text {
		out.readTime(string(out.text))
	}
}
