package publish

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// mapping is a YAML mapping whose keys were checked. Its getters report what is
// wrong with a value and return the zero value then.
type mapping struct {
	loader *loader
	place
	what   string // "the block hero-vip"
	fields map[string]*yaml.Node
}

// mapping reads a node as a mapping with some of the known keys; those that end
// with ! must be there.
func (l *loader) mapping(f *file, n *yaml.Node, what string, keys ...string) (mapping, bool) {
	m := mapping{loader: l, place: place{f, n}, what: what, fields: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		l.report(f, n, "%s must be keys with values, not %s", what, kindOf(n))
		return m, false
	}
	var known, required []string
	for _, key := range keys {
		name, must := strings.CutSuffix(key, "!")
		known = append(known, name)
		if must {
			required = append(required, name)
		}
	}
	for key, value := range l.pairs(f, n) {
		if !slices.Contains(known, key.Value) {
			l.report(f, key, "%s has no key %q%s", what, key.Value, didYouMean(key.Value, known))
			continue
		}
		m.fields[key.Value] = value
	}
	for _, name := range required {
		if m.fields[name] == nil {
			l.report(f, n, "%s needs %s", what, name)
		}
	}
	return m, true
}

// pairs iterates over a mapping's keys and values, and reports keys that stand
// there twice and aliases.
func (l *loader) pairs(f *file, n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		seen := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			switch first := seen[key.Value]; {
			case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
				l.report(f, key, "a key must be plain text")
				continue
			case value.Kind == yaml.AliasNode:
				l.report(f, value, "write the value out: anchors and aliases are not supported")
				continue
			case first != nil:
				l.report(f, key, "%q stands twice in this mapping, at %s:%d and here: keep one", key.Value, f.name, first.Line)
				continue
			}
			seen[key.Value] = key
			if !yield(key, value) {
				return
			}
		}
	}
}

// kindOf names what a node is, for people.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "keys with values"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "a number"
	case n.Tag == "!!bool":
		return "true or false"
	default:
		return "text"
	}
}

// scalar returns the node under the key when it is text. A date without quotes
// is text here.
func (m mapping) scalar(key string) *yaml.Node {
	n := m.fields[key]
	if n == nil {
		return nil
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" && n.Tag != "!!timestamp" {
		m.loader.report(m.file, n, "%s of %s must be text, not %s", key, m.what, kindOf(n))
		return nil
	}
	return n
}

// text returns the text under the key, which may not be empty or over a length.
func (m mapping) text(key string, longest int) string {
	n := m.scalar(key)
	switch {
	case n == nil:
		return ""
	case n.Value == "":
		m.loader.report(m.file, n, "%s of %s is empty: write it, or leave the key out", key, m.what)
	case len([]rune(n.Value)) > longest:
		m.loader.report(m.file, n, "%s of %s has over %d characters: shorten it", key, m.what, longest)
	}
	return n.Value
}

var (
	idPattern   = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
)

// id returns the id under the key.
func (m mapping) id(key string) string {
	n := m.scalar(key)
	if n == nil {
		return ""
	}
	if !idPattern.MatchString(n.Value) {
		m.loader.report(m.file, n, "%s of %s must be an id of a-z, 0-9, _ and -, at most 64 characters", key, m.what)
	}
	return n.Value
}

// number returns the whole number under the key, or the one to take without it.
func (m mapping) number(key string, lowest, highest, without int) int {
	n := m.fields[key]
	if n == nil {
		return without
	}
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || i < lowest || i > highest {
		m.loader.report(m.file, n, "%s of %s must be a whole number from %d to %d", key, m.what, lowest, highest)
		return without
	}
	return i
}

// longestName is what an event or a property may be called by, in characters.
const longestName = 200

// texts returns the list of names under the key; a single one is a list of one.
func (m mapping) texts(key string, most int) []string {
	n := m.fields[key]
	if n == nil {
		return nil
	}
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	if len(items) == 0 || len(items) > most {
		m.loader.report(m.file, n, "%s of %s must list 1 to %d texts", key, m.what, most)
		return nil
	}
	var out []string
	for i, item := range items {
		one := mapping{loader: m.loader, place: m.place, what: m.what, fields: map[string]*yaml.Node{key: item}}
		if s := one.text(key, longestName); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		} else if s != "" {
			m.loader.report(m.file, items[i], "%q stands twice in %s of %s: keep one", s, key, m.what)
		}
	}
	return out
}

// moment returns the time under the key: RFC 3339, or a date, which begins at
// midnight in the strategy's zone.
func (m mapping) moment(key string, zone *time.Location) time.Time {
	n := m.scalar(key)
	if n == nil {
		return time.Time{}
	}
	if t, err := time.ParseInLocation(time.DateOnly, n.Value, zone); err == nil {
		return t.UTC()
	}
	t, err := time.Parse(time.RFC3339, n.Value)
	if err != nil || !momentPattern.MatchString(n.Value) {
		m.loader.report(m.file, n, "%s of %s must be a date like 2026-11-30, or a time with its offset like 2026-11-30T09:00:00+02:00", key, m.what)
		return time.Time{}
	}
	return t.UTC()
}

var momentPattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2}))?$`)

// article names an entry of a section in messages.
func article(section, id string) string {
	return fmt.Sprintf("the %s %s", strings.TrimSuffix(section, "s"), id)
}
