package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
)

// maxLine is the longest line that is read, in bytes. It lies far over what
// collect takes for one event, so that collect gives the verdict.
const maxLine = 1 << 20

// Why a line is no event.
var (
	errTooLong  = errors.New("is over 1 MB; write one event a line")
	errNoJSON   = errors.New("is not JSON; write one event a line")
	errNoObject = errors.New("is JSON but no object; write one event a line, as {…}")
)

// reader reads lines and knows where it is.
type reader struct {
	in     *bufio.Reader
	number int   // of the line read last, from 1
	offset int64 // how many bytes were read, unpacked
}

// open unpacks the stream if it begins as gzip does.
func open(r io.Reader) (*reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, err := in.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReaderSize(unpacked, 64<<10)
	}
	return &reader{in: in}, nil
}

// skip goes to where an earlier run stopped.
func (r *reader) skip(line int, offset int64) error {
	n, err := io.CopyN(io.Discard, r.in, offset)
	r.number, r.offset = line, n
	return err
}

func (r *reader) place() (line int, offset int64) { return r.number, r.offset }

// next returns the next line without its end, nil for a blank one. Problem says
// why the line is no event; err is io.EOF at the end, or says that the stream
// broke.
func (r *reader) next() (line []byte, problem, err error) {
	tooLong := false
	for more := true; more; {
		var piece []byte
		piece, err = r.in.ReadSlice('\n')
		r.offset += int64(len(piece))
		more = errors.Is(err, bufio.ErrBufferFull)
		if tooLong = tooLong || len(line)+len(piece) > maxLine; !tooLong {
			line = append(line, piece...)
		}
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0 && !tooLong) {
		return nil, nil, err
	}
	if r.number++; r.number == 1 {
		line = bytes.TrimPrefix(line, []byte(mark))
	}
	if tooLong {
		return nil, errTooLong, nil
	}
	return judge(bytes.TrimSpace(line))
}

func judge(line []byte) (_ []byte, problem, err error) {
	switch {
	case len(line) == 0:
		return nil, nil, nil
	case !json.Valid(line):
		return nil, errNoJSON, nil
	case line[0] != '{':
		return nil, errNoObject, nil
	default:
		return line, nil, nil
	}
}
