package event

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"rapport/shared/fault"
	"rapport/shared/wire"
)

// Translate returns what the envelope tells as a call in Segment's terms. Errors
// are of kind Invalid and name the path that lacks something.
func (s *Source) Translate(in Envelope) (json.RawMessage, *fault.Error) {
	out := wire.Object{"type": string(s.kind())}
	name, f := s.name(in)
	if f != nil {
		return nil, f
	}
	if s.kind() == Track {
		out["event"] = name
	}
	if s.kind() == Page || s.kind() == Screen {
		out["name"] = name
	}
	for field, path := range map[string]string{"userId": s.UserID, "anonymousId": s.AnonymousID} {
		if v := at(in.Detail, path); v != nil {
			out[field] = v
		}
	}
	out["timestamp"] = s.time(in)
	if out["messageId"], f = s.messageID(in, name); f != nil {
		return nil, f
	}
	s.describe(in, out)
	return wire.Canonical(out), nil
}

func (s *Source) kind() Type {
	if s.Type == "" {
		return Track
	}
	return s.Type
}

// name is what the event is called.
func (s *Source) name(in Envelope) (string, *fault.Error) {
	if s.Event != "" {
		return s.Event, nil
	}
	name := in.DetailType
	if s.EventAt != "" {
		name, _ = text(wire.Object{"event": at(in.Detail, s.EventAt)}, "event")
	}
	if ours, ok := s.Events[name]; ok {
		return ours, nil
	}
	if name == "" && s.kind() == Track {
		return "", fault.New(fault.Invalid, "event_required", "nothing here says what happened: set event or event_at of the source %s", s.ID).In(s.EventAt)
	}
	return name, nil
}

// time is when it happened by the sender's own field, else by the envelope.
func (s *Source) time(in Envelope) any {
	if v := at(in.Detail, s.Timestamp); v != nil {
		return v
	}
	return in.Time
}

var idText = base32.HexEncoding.WithPadding(base32.NoPadding)

// messageID names the event: by the sender's own field, else by the id that its
// envelope came under, else by all that it says. So the same fact is the same
// event from whichever file it comes, and however often it is delivered.
func (s *Source) messageID(in Envelope, name string) (string, *fault.Error) {
	parts := []string{s.ID, name}
	switch v := at(in.Detail, s.MessageID); {
	case v != nil:
		parts = append(parts, "field", string(wire.Canonical(v)))
	case s.MessageID != "":
		return "", fault.New(fault.Invalid, "message_id_missing", "the source %s tells events apart by %s, which is not here", s.ID, s.MessageID).In(s.MessageID)
	case in.ID != "":
		parts = append(parts, "envelope", in.Source, in.ID)
	default:
		parts = append(parts, "content", string(wire.Canonical(in.Detail)))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return s.ID + "-" + strings.ToLower(idText.EncodeToString(sum[:16])), nil
}

// describe adds the identities that only a server may state, and the rest of
// what is told.
func (s *Source) describe(in Envelope, out wire.Object) {
	source := wire.Object{"name": s.ID}
	if in.Source != "" {
		source["from"] = in.Source
	}
	context := wire.Object{"source": source}
	if in.Hops != nil {
		context["hops"] = in.Hops
	}
	var externals []any
	for _, kind := range slices.Sorted(maps.Keys(s.External)) {
		if v := at(in.Detail, s.External[kind]); v != nil {
			externals = append(externals, wire.Object{"type": kind, "id": v})
		}
	}
	if externals != nil {
		context["externalIds"] = externals
	}
	traits := s.pick(in.Detail, s.Traits)
	email := at(in.Detail, s.Email)
	switch {
	case s.kind() == Identify:
		if email != nil {
			traits["email"] = email
		}
		out["traits"] = traits
	case email != nil:
		context["traits"] = wire.Object{"email": email}
	}
	out["context"] = context
	if s.Properties != nil {
		out["properties"] = s.pick(in.Detail, s.Properties)
	} else if s.kind() != Identify {
		out["properties"] = s.rest(in.Detail)
	}
}

// rest is all of the detail but what went elsewhere.
func (s *Source) rest(detail wire.Object) wire.Object {
	paths := map[string]string{}
	for name := range detail {
		if !slices.Contains([]string{s.UserID, s.AnonymousID, s.Email, s.Timestamp, "hops"}, name) {
			paths[name] = name
		}
	}
	return s.pick(detail, paths)
}

func (s *Source) pick(detail wire.Object, paths map[string]string) wire.Object {
	out := wire.Object{}
	for name, path := range paths {
		if v := at(detail, path); v != nil {
			out[name] = s.number(name, v)
		}
	}
	return out
}

// number reads text as a number where the source says that it is one.
func (s *Source) number(name string, v any) any {
	written, isText := v.(string)
	if !isText || !slices.Contains(s.Numbers, name) {
		return v
	}
	parsed, err := wire.Parse([]byte(strings.Replace(strings.TrimSpace(written), ",", ".", 1)), wire.Standard)
	if n, ok := parsed.(json.Number); ok && err == nil {
		return n
	}
	return v
}

// at finds "total" or "order.total" in a parsed object; nil when it is not there.
// A name that holds a dot itself is tried whole first.
func at(o wire.Object, path string) any {
	if path == "" {
		return nil
	}
	if v, ok := o[path]; ok {
		return v
	}
	for i := range path {
		if path[i] != '.' {
			continue
		}
		if inner, ok := o[path[:i]].(wire.Object); ok {
			if v := at(inner, path[i+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}
