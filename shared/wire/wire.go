// Package wire reads JSON that strangers send. It is strict where lenient
// readers let a request mean two things: no name twice in one object, not even
// in another case, no broken text, nothing after the value, and numbers keep
// every digit.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"rapport/shared/fault"
)

// Object is a JSON object as Parse returns it. Its values are nil, bool,
// string, json.Number (the digits as sent), []any or Object.
type Object = map[string]any

// Limits bound what one document may hold.
type Limits struct {
	Depth int // containers inside each other, the outermost counts as 1
	Names int // names over all objects
}

// Standard are the limits for anything from outside.
var Standard = Limits{Depth: 32, Names: 10_000}

// Parse reads exactly one JSON value. Its errors are Malformed (bad_json,
// invalid_utf8, too_deep, duplicate_or_unknown_field), TooLarge (too_many_names)
// or Invalid (number_out_of_range), and name the path of the field at fault.
func Parse(data []byte, l Limits) (any, error) {
	p := &parser{dec: newDecoder(data), limits: l}
	v, f := p.value(0)
	if f == nil {
		f = p.end()
	}
	if f != nil {
		return nil, betterNamed(f, data)
	}
	return v, nil
}

// ParseObject reads exactly one JSON object; see Parse.
func ParseObject(data []byte, l Limits) (Object, error) {
	v, err := Parse(data, l)
	if err != nil {
		return nil, err
	}
	if o, ok := v.(Object); ok {
		return o, nil
	}
	return nil, notAnObject()
}

// Canonical writes a value from Parse so that equal values have equal bytes:
// names sorted, no spaces, numbers as sent, no escapes that JSON does not need.
func Canonical(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// Only values that Parse never returns, such as a channel, cannot be written.
		panic("wire: not a JSON value: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// newDecoder leaves names that repeat to the parser, which also compares them
// folded and says which one it was.
func newDecoder(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true))
}

func notAnObject() *fault.Error {
	return fault.New(fault.Malformed, "not_an_object", "send a JSON object")
}

type parser struct {
	dec    *jsontext.Decoder
	limits Limits
	names  int
}

// value reads the next value, which lies inside depth containers.
func (p *parser) value(depth int) (any, *fault.Error) {
	kind := p.dec.PeekKind()
	if (kind == '{' || kind == '[') && depth == p.limits.Depth {
		return nil, fault.New(fault.Malformed, "too_deep", "nest objects and lists at most %d deep", p.limits.Depth)
	}
	token, err := p.dec.ReadToken()
	if err != nil {
		return nil, unreadable(err)
	}
	switch kind {
	case '{':
		return p.object(depth + 1)
	case '[':
		return p.list(depth + 1)
	case '"':
		return token.String(), nil
	case '0':
		return number(token.String())
	case 't', 'f':
		return token.Bool(), nil
	default:
		return nil, nil
	}
}

func (p *parser) object(depth int) (any, *fault.Error) {
	o := Object{}
	folded := map[string]bool{}
	for p.dec.PeekKind() != '}' {
		token, err := p.dec.ReadToken()
		if err != nil {
			return nil, unreadable(err)
		}
		name := token.String()
		if p.names++; p.names > p.limits.Names {
			return nil, fault.New(fault.TooLarge, "too_many_names", "send at most %d names in one document", p.limits.Names)
		}
		if folded[Fold(name)] {
			return nil, Repeated(name)
		}
		folded[Fold(name)] = true
		v, f := p.value(depth)
		if f != nil {
			return nil, within(name, f)
		}
		o[name] = v
	}
	_, err := p.dec.ReadToken()
	return o, unreadable(err)
}

func (p *parser) list(depth int) (any, *fault.Error) {
	list := []any{}
	for p.dec.PeekKind() != ']' {
		v, f := p.value(depth)
		if f != nil {
			return nil, within("["+strconv.Itoa(len(list))+"]", f)
		}
		list = append(list, v)
	}
	_, err := p.dec.ReadToken()
	return list, unreadable(err)
}

// end makes sure that nothing but space follows.
func (p *parser) end() *fault.Error {
	_, err := p.dec.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fault.New(fault.Malformed, badJSON, "send one JSON value and nothing after it").Because(err)
}

// unreadable turns an error of the decoder into a fault, nil into nil.
func unreadable(err error) *fault.Error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Malformed, badJSON, "send valid JSON; it breaks near byte %d", offset(err)).Because(err)
}

const badJSON = "bad_json"

// betterNamed tells broken text from broken syntax: only the former reads well
// when text is not looked at.
func betterNamed(f *fault.Error, data []byte) *fault.Error {
	lenient := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	if f.Code == badJSON && jsontext.Value(data).IsValid(lenient...) {
		f.Code, f.Message = "invalid_utf8", "send text as UTF-8, without half surrogate pairs"
	}
	return f
}

func offset(err error) int64 {
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		return s.ByteOffset
	}
	return 0
}

// within puts the name of a container before the path of the field at fault.
func within(name string, f *fault.Error) *fault.Error {
	name = Short(name)
	switch {
	case f.Field == "":
		f.Field = name
	case f.Field[0] == '[':
		f.Field = name + f.Field
	default:
		f.Field = name + "." + f.Field
	}
	return f
}

// Short cuts text from a stranger to what may be repeated in an answer.
func Short(text string) string {
	const most = 64
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
