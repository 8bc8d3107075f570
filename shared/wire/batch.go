package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"rapport/shared/fault"
)

// Batch is a request that holds several documents in one list.
type Batch struct {
	Head  Object            // what stands beside the list; empty when there is no list
	Items []json.RawMessage // the documents as sent, not judged yet
	List  bool              // whether there was a list; without one the only item is the request
}

// Split finds the documents in a request: the items of the list under name, or
// the request itself when it has no such list. It reports only what spoils the
// whole request: broken syntax (Malformed, bad_json), more than most items
// (TooLarge, too_many_events, with the head all the same), and any fault of the
// head. What is wrong inside one item is left for Parse, so that it spoils that
// item alone.
func Split(data []byte, name string, most int, l Limits) (Batch, error) {
	s := &splitter{data: data, name: name, most: most}
	s.dec = jsontext.NewDecoder(bytes.NewReader(data),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	s.head.WriteByte('{')
	if f := s.read(); f != nil {
		return Batch{}, f
	}
	if !s.found {
		return Batch{Items: []json.RawMessage{data}}, nil
	}
	s.head.WriteByte('}')
	head, err := ParseObject(s.head.Bytes(), l)
	if err != nil {
		return Batch{}, err
	}
	if s.count > most {
		return Batch{Head: head, List: true}, fault.New(fault.TooLarge, "too_many_events",
			"send at most %d events in one request", most).In(name)
	}
	return Batch{Head: head, Items: s.items, List: true}, nil
}

type splitter struct {
	data  []byte
	dec   *jsontext.Decoder
	name  string
	most  int
	head  bytes.Buffer // the request without the list
	items []json.RawMessage
	count int // of items, those over the limit included
	found bool
}

func (s *splitter) read() *fault.Error {
	if kind := s.dec.PeekKind(); kind != '{' {
		if _, err := s.dec.ReadValue(); err != nil {
			return unreadable(err)
		}
		return notAnObject()
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return unreadable(err)
	}
	for s.dec.PeekKind() != '}' {
		if f := s.member(); f != nil {
			return f
		}
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return unreadable(err)
	}
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Malformed, badJSON, "send one JSON value and nothing after it").Because(err)
	}
	return nil
}

// member reads one name and what it holds.
func (s *splitter) member() *fault.Error {
	quoted, f := s.raw()
	if f != nil {
		return f
	}
	name, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil && len(name) == 0 {
		return unreadable(err)
	}
	if string(name) == s.name {
		if s.found {
			return Repeated(s.name)
		}
		return s.list()
	}
	value, f := s.raw()
	if f != nil {
		return f
	}
	if s.head.Len() > 1 {
		s.head.WriteByte(',')
	}
	s.head.Write(quoted)
	s.head.WriteByte(':')
	s.head.Write(value)
	return nil
}

func (s *splitter) list() *fault.Error {
	s.found = true
	if s.dec.PeekKind() != '[' {
		if _, f := s.raw(); f != nil {
			return f
		}
		return fault.New(fault.Malformed, "not_a_list", "send a list here").In(s.name)
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return unreadable(err)
	}
	for s.dec.PeekKind() != ']' {
		item, f := s.raw()
		if f != nil {
			return f
		}
		if s.count++; s.count <= s.most {
			s.items = append(s.items, item)
		}
	}
	_, err := s.dec.ReadToken()
	return unreadable(err)
}

// raw reads the next value as the piece of data that it is.
func (s *splitter) raw() (json.RawMessage, *fault.Error) {
	value, err := s.dec.ReadValue()
	if err != nil {
		return nil, unreadable(err)
	}
	end := int(s.dec.InputOffset())
	return json.RawMessage(s.data[end-len(value) : end]), nil
}
