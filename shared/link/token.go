package link

import (
	"encoding/base32"
	"encoding/binary"
	"strings"
)

// A token is the key's id, a version, the kind, three fields and the signature.
// Hashes travel as bytes, and a message id without the node hash that it begins
// with, which halves a link that readers see in the text part of a mail.
const tokenVersion = 1

// How a field is written, beside its length.
const (
	packed  = 1 << iota // a hash, as its bytes
	ofNode              // without the node hash and "_" that it begins with
	formats = 2         // bits
)

var hashText = base32.HexEncoding.WithPadding(base32.NoPadding)

// hashBytes is how long the hashes are that are packed.
const hashBytes = 16

func (l Link) append(b []byte) []byte {
	b = append(b, tokenVersion, byte(l.Kind))
	b = appendField(b, l.Node, "")
	b = appendField(b, l.Message, l.Node+"_")
	return appendField(b, l.Purpose, "")
}

func appendField(b []byte, text, prefix string) []byte {
	format := uint64(0)
	if rest, ok := strings.CutPrefix(text, prefix); ok && prefix != "" {
		text, format = rest, ofNode
	}
	if hash, ok := pack(text); ok {
		text, format = hash, format|packed
	}
	b = binary.AppendUvarint(b, uint64(len(text))<<formats|format)
	return append(b, text...)
}

// pack returns the bytes that a hash is the text of.
func pack(text string) (string, bool) {
	raw, err := hashText.DecodeString(strings.ToUpper(text))
	if err != nil || len(raw) != hashBytes || unpack(string(raw)) != text {
		return "", false
	}
	return string(raw), true
}

func unpack(raw string) string { return strings.ToLower(hashText.EncodeToString([]byte(raw))) }

// read takes apart what append wrote. Other bytes may read as some link too,
// which is then signed otherwise.
func read(b []byte) (l Link, ok bool) {
	if len(b) < 2 || b[0] != tokenVersion {
		return Link{}, false
	}
	r := reader{rest: b[2:]}
	l.Kind = Kind(b[1])
	l.Node = r.field("")
	l.Message = r.field(l.Node + "_")
	l.Purpose = r.field("")
	return l, !r.failed && len(r.rest) == 0
}

type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) field(prefix string) string {
	head, n := binary.Uvarint(r.rest)
	if n <= 0 || head>>formats > uint64(len(r.rest)-n) {
		r.failed, r.rest = true, nil
		return ""
	}
	length := int(head >> formats)
	text := string(r.rest[n : n+length])
	r.rest = r.rest[n+length:]
	if head&packed != 0 {
		text = unpack(text)
	}
	if head&ofNode != 0 {
		text = prefix + text
	}
	return text
}
