package history

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"rapport/shared/event"
	"rapport/shared/wire"
)

// rows is what a run reads: one event after the other, as JSON, and where it is.
type rows interface {
	next() (line []byte, problem, err error)
	skip(line int, offset int64) error
	place() (line int, offset int64)
}

// openForeign reads another system's file, which the source explains: JSON lines
// when it begins with {, a table with a heading otherwise.
func openForeign(r io.Reader, source *event.Source) (rows, error) {
	lines, err := open(r)
	if err != nil {
		return nil, err
	}
	start, _ := lines.in.Peek(1 << 10) // an empty file shows when it is read
	start = bytes.TrimSpace(bytes.TrimPrefix(start, []byte(mark)))
	if bytes.HasPrefix(start, []byte("{")) {
		return foreignLines{lines, source}, nil
	}
	return openSheet(lines.in, source)
}

// foreignLines are JSON lines in another system's words.
type foreignLines struct {
	*reader
	source *event.Source
}

func (f foreignLines) next() (line []byte, problem, err error) {
	line, problem, err = f.reader.next()
	if line == nil || problem != nil || err != nil {
		return line, problem, err
	}
	row, unread := wire.ParseObject(line, wire.Standard)
	if unread != nil {
		return nil, unread, nil
	}
	return translated(f.source, row)
}

func translated(source *event.Source, row wire.Object) (line []byte, problem, err error) {
	call, fault := source.Translate(event.Envelope{Detail: row})
	if fault != nil {
		return nil, fault, nil
	}
	return call, nil, nil
}

// mark is what Windows writes before UTF-8.
const mark = "\ufeff"

// sheet is a table: a heading with the names of the columns, then a row an event.
type sheet struct {
	in     *bufio.Reader
	source *event.Source
	csv    *csv.Reader
	names  []string
	comma  rune

	number   int   // of the line that the row read last begins on, from 1
	ends     int   // of the line that it ends on
	offset   int64 // bytes that were read, unpacked
	baseLine int   // where csv began
	base     int64
}

// openSheet reads the heading. Its commonest of comma, semicolon and tab parts
// the columns.
func openSheet(in *bufio.Reader, source *event.Source) (*sheet, error) {
	s := &sheet{in: in, source: source, comma: ','}
	if start, _ := in.Peek(len(mark)); string(start) == mark {
		n, _ := in.Discard(len(mark)) // it was just seen
		s.base = int64(n)
	}
	start, _ := in.Peek(4 << 10)
	heading, _, _ := strings.Cut(string(start), "\n")
	for _, c := range ";\t" {
		if strings.Count(heading, string(c)) > strings.Count(heading, string(s.comma)) {
			s.comma = c
		}
	}
	s.restart()
	names, err := s.csv.Read()
	if errors.Is(err, io.EOF) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("line 1 must name the columns: %w", err)
	}
	seen := map[string]bool{}
	for _, name := range names {
		if name = strings.TrimSpace(name); seen[name] && name != "" {
			return nil, fmt.Errorf("line 1 names the column %q twice: rename one", name)
		}
		seen[name] = true
		s.names = append(s.names, name)
	}
	s.arrived(names)
	return s, nil
}

// restart reads rows from where in stands.
func (s *sheet) restart() {
	s.csv = csv.NewReader(s.in)
	s.csv.Comma, s.csv.FieldsPerRecord, s.csv.TrimLeadingSpace = s.comma, -1, true
}

// arrived notes where the row ended.
func (s *sheet) arrived(row []string) {
	line, _ := s.csv.FieldPos(0)
	s.number = s.baseLine + line
	s.ends = s.number
	for _, field := range row {
		s.ends += strings.Count(field, "\n")
	}
	s.offset = s.base + s.csv.InputOffset()
}

func (s *sheet) place() (line int, offset int64) { return s.ends, s.offset }

func (s *sheet) skip(line int, offset int64) error {
	ahead := offset - s.offset
	if ahead < 0 {
		return fmt.Errorf("the heading grew since the run that stopped: remove its checkpoint to begin again")
	}
	_, err := io.CopyN(io.Discard, s.in, ahead)
	s.base, s.offset, s.baseLine, s.ends = offset, offset, line, line
	s.restart()
	return err
}

func (s *sheet) next() (line []byte, problem, err error) {
	row, err := s.csv.Read()
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		s.number = s.baseLine + broken.StartLine
		s.ends, s.offset = s.baseLine+broken.Line, s.base+s.csv.InputOffset()
		return nil, errors.New("is no row of a table: " + broken.Err.Error()), nil
	case err != nil:
		return nil, nil, err
	}
	s.arrived(row)
	if len(row) != len(s.names) {
		return nil, fmt.Errorf("has %d columns, the heading %d", len(row), len(s.names)), nil
	}
	detail := wire.Object{}
	for i, value := range row {
		switch value = strings.TrimSpace(value); {
		case !utf8.ValidString(value):
			return nil, fmt.Errorf("is not UTF-8 text in column %s: save the file as UTF-8", s.names[i]), nil
		case value != "" && s.names[i] != "":
			detail[s.names[i]] = value
		}
	}
	return translated(s.source, detail)
}
