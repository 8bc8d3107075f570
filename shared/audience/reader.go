package audience

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// reader turns JSON into values without allocating: strings refer to the bytes
// they stand in, lists are cut from one block. The JSON was checked when it came
// in; a reader only makes sure that bad JSON gives no value rather than a panic.
type reader struct {
	data  []byte
	at    int
	items []value // the block that lists and objects are cut from
	stack []value // members of lists that are still being read
}

// maxDepth is how deep lists and objects may be nested.
const maxDepth = 100

func (r *reader) reset() { r.items, r.stack = r.items[:0], r.stack[:0] }

// members finds the members of an object that have one of the sorted names. The
// last of several with the same name counts, as usual in JSON.
func (r *reader) members(raw json.RawMessage, names []string, out []json.RawMessage) {
	if len(names) == 0 {
		return
	}
	r.data, r.at = raw, 0
	r.each(func(name []byte, start, end int) {
		if i, ok := slices.BinarySearchFunc(names, name, compareName); ok {
			out[i] = raw[start:end]
		}
	})
}

func compareName(a string, b []byte) int {
	switch {
	case a < string(b):
		return -1
	case a > string(b):
		return 1
	default:
		return 0
	}
}

// each visits the members of the object at hand; it does nothing when there is
// none, and stops at the first byte that is not JSON.
func (r *reader) each(visit func(name []byte, start, end int)) {
	if r.next() != '{' {
		return
	}
	r.at++
	for r.next() == '"' {
		name, ok := r.text()
		if !ok || r.next() != ':' {
			return
		}
		r.at++
		r.next()
		start := r.at
		if !r.skip() {
			return
		}
		visit(name, start, r.at)
		if r.next() != ',' {
			return
		}
		r.at++
	}
}

// descend follows names into nested objects. What it says of a lack is what
// has() needs: missing when the last name is not in an object, or asked of a
// single value; broken when anything before that is.
func (r *reader) descend(raw json.RawMessage, names []string) (json.RawMessage, kind) {
	for i, want := range names {
		last := i == len(names)-1
		r.data, r.at = raw, 0
		first := r.next()
		var found json.RawMessage
		inner := raw
		r.each(func(name []byte, start, end int) {
			if string(name) == want {
				found = inner[start:end]
			}
		})
		switch {
		case found != nil:
			raw = found
		case last && first != '[':
			return nil, missing
		default:
			return nil, broken
		}
	}
	return raw, 0
}

// decode returns the value that raw holds and whether it is one.
func (r *reader) decode(raw json.RawMessage) (value, bool) {
	r.data, r.at = raw, 0
	return r.value(maxDepth)
}

func (r *reader) value(depth int) (value, bool) {
	switch c := r.next(); c {
	case '"':
		s, ok := r.text()
		return value{kind: text, text: s}, ok
	case '{', '[':
		if depth == 0 {
			return value{}, false
		}
		return r.compound(c, depth-1)
	case 't':
		return value{kind: boolean, n: 1}, r.word("true")
	case 'f':
		return value{kind: boolean}, r.word("false")
	case 'n':
		return value{kind: null}, r.word("null")
	default:
		return r.number()
	}
}

// compound reads a list or an object.
func (r *reader) compound(open byte, depth int) (value, bool) {
	base := len(r.stack)
	defer func() { r.stack = r.stack[:base] }()
	kind, end := list, byte(']')
	if open == '{' {
		kind, end = object, '}'
	}
	r.at++
	for r.next() != end {
		if len(r.stack) > base && !r.punctuation(',') {
			return value{}, false
		}
		if kind == object && !r.memberName() {
			return value{}, false
		}
		member, ok := r.value(depth)
		if !ok {
			return value{}, false
		}
		r.stack = append(r.stack, member)
	}
	r.at++
	start := len(r.items)
	r.items = append(r.items, r.stack[base:]...)
	return value{kind: kind, items: r.items[start:len(r.items):len(r.items)]}, true
}

func (r *reader) memberName() bool {
	if r.next() != '"' {
		return false
	}
	name, ok := r.text()
	r.stack = append(r.stack, value{kind: text, text: name})
	return ok && r.punctuation(':')
}

func (r *reader) punctuation(c byte) bool {
	if r.next() != c {
		return false
	}
	r.at++
	return true
}

// next skips space and returns the byte there, 0 at the end.
func (r *reader) next() byte {
	for r.at < len(r.data) {
		switch c := r.data[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
	return 0
}

func (r *reader) word(w string) bool {
	if !bytes.HasPrefix(r.data[r.at:], []byte(w)) {
		return false
	}
	r.at += len(w)
	return true
}

// text reads the string at hand.
func (r *reader) text() ([]byte, bool) {
	start := r.at
	plain, ok := r.passText()
	if !ok {
		return nil, false
	}
	inside := r.data[start+1 : r.at-1]
	if plain && utf8.Valid(inside) {
		return inside, true
	}
	var s string
	if json.Unmarshal(r.data[start:r.at], &s) != nil {
		return nil, false
	}
	return []byte(s), true
}

// passText moves behind the string at hand; plain says that it has no escapes.
func (r *reader) passText() (plain, ok bool) {
	plain = true
	for r.at++; r.at < len(r.data); r.at++ {
		switch r.data[r.at] {
		case '\\':
			plain = false
			r.at++
		case '"':
			r.at++
			return plain, true
		}
	}
	return plain, false
}

// skip moves behind the value at hand.
func (r *reader) skip() bool {
	depth := 0
	for {
		switch c := r.next(); c {
		case 0:
			return false
		case '"':
			if _, ok := r.passText(); !ok {
				return false
			}
		case '{', '[':
			depth++
			r.at++
		case '}', ']':
			depth--
			r.at++
		case ',', ':':
			if depth == 0 {
				return false
			}
			r.at++
			continue
		default:
			r.passWord()
		}
		if depth <= 0 {
			return depth == 0
		}
	}
}

// passWord moves behind a number, true, false or null.
func (r *reader) passWord() {
	for ; r.at < len(r.data); r.at++ {
		switch r.data[r.at] {
		case ' ', '\t', '\r', '\n', ',', ':', ']', '}', '[', '{', '"':
			return
		}
	}
}

// number reads an int where the number is whole and fits, otherwise a double.
func (r *reader) number() (v value, ok bool) {
	start := r.at
	r.passWord()
	written := r.data[start:r.at]
	if n, ok := wholeNumber(written); ok {
		return value{kind: integer, n: n}, true
	}
	f, err := strconv.ParseFloat(string(written), 64)
	if err != nil || !isJSONNumber(written) {
		return v, false
	}
	if f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
		return value{kind: integer, n: int64(f)}, true
	}
	v.setFloat(f)
	return v, true
}

// wholeNumber reads digits with an optional sign.
func wholeNumber(written []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(written), 10, 64)
	return n, err == nil && written[0] != '+'
}

// isJSONNumber refuses what only Go reads as a number: Inf, 0x1p4, 1_000.
func isJSONNumber(written []byte) bool {
	c := written[0]
	return (c == '-' || c >= '0' && c <= '9') && !bytes.ContainsAny(written, "xXpP_nNfF")
}
