package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// file is one strategy file while it is read.
type file struct {
	name  string
	lines [][]rune
}

// readFile reads one file into the loader.
func (l *loader) readFile(path string) {
	f := &file{name: filepath.Base(path)}
	whole := &yaml.Node{}
	data, err := os.ReadFile(path)
	l.unread = l.unread || err != nil || len(data) > maxFileBytes || !utf8.Valid(data)
	switch {
	case err != nil:
		l.report(f, whole, "this file cannot be read")
		return
	case len(data) > maxFileBytes:
		l.report(f, whole, "this file has over %d KB: split it", maxFileBytes>>10)
		return
	case !utf8.Valid(data):
		l.report(f, whole, "this file is not UTF-8 text: save it as UTF-8")
		return
	}
	for _, line := range strings.Split(string(data), "\n") {
		f.lines = append(f.lines, []rune(line))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		return // nothing but comments
	case err != nil:
		l.unreadable(f, err)
		return
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		l.report(f, &second, "a file holds one YAML document: move what follows --- to a file of its own")
	} else if !errors.Is(err, io.EOF) {
		l.unreadable(f, err)
	}
	l.readRoot(f, root.Content[0])
}

// unreadable reports what the YAML parser says, where it says it.
func (l *loader) unreadable(f *file, err error) {
	l.unread = true
	at := &yaml.Node{}
	message := err.Error()
	var e *yaml.LoadError
	if errors.As(err, &e) {
		at.Line, at.Column, message = e.Mark.Line, e.Mark.Column, e.Message
	}
	if strings.Contains(message, "mapping values are not allowed") { // as in {{ name | default: "you" }}
		message += `; put a text that holds ": " into quotes`
	}
	l.report(f, at, "this is not YAML: %s", strings.TrimPrefix(message, "yaml: "))
}

// report adds a problem at a node.
func (l *loader) report(f *file, n *yaml.Node, format string, args ...any) {
	l.problems = append(l.problems, Problem{File: f.name, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)})
}

// place is somewhere in the files.
type place struct {
	file *file
	node *yaml.Node
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.file.name, p.node.Line) }

// position returns the line and column of the n-th character of a scalar's text.
// It walks the source and the text side by side, as the source has line breaks,
// indentation, quotes and escapes that the text does not.
func (p place) position(n int) (line, column int) {
	text := []rune(strings.TrimRight(p.node.Value, " \n\t\r"))
	if n >= len(text) && n > 0 { // behind the end
		line, column = p.position(len(text) - 1)
		return line, column + 1
	}
	line, at := p.node.Line-1, p.node.Column-1
	if p.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		line, at = line+1, 0
	}
	for i := 0; line < len(p.file.lines); line, at = line+1, 0 {
		source := p.file.lines[line]
		for ; at < len(source); at++ {
			for i < n && i < len(text) && isSpace(text[i]) {
				i++
			}
			switch {
			case isSpace(source[at]):
			case i >= len(text):
				return line + 1, at + 1
			case source[at] != text[i]:
			case i >= n:
				return line + 1, at + 1
			default:
				i++
			}
		}
	}
	return p.node.Line, p.node.Column
}

func isSpace(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' }
