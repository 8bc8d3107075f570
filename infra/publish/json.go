package publish

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readContent returns a block's content as JSON.
func (l *loader) readContent(m mapping) json.RawMessage {
	n := m.fields["content"]
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		l.report(m.file, n, "content of %s must be keys with values, not %s", m.what, kindOf(n))
		return nil
	}
	return asJSON(l.plain(m.file, n))
}

// asJSON encodes what plain returned, or a text.
func asJSON(plain any) json.RawMessage {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(plain) // texts, numbers, truths, lists and objects of them: nothing can fail
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}

// plain returns a node as the Go value that encodes to the same JSON.
func (l *loader) plain(f *file, n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for key, value := range l.pairs(f, n) {
			object[key.Value] = l.plain(f, value)
		}
		return object
	case yaml.SequenceNode:
		items := []any{}
		for _, item := range n.Content {
			if item.Kind == yaml.AliasNode {
				l.report(f, item, "write the value out: anchors and aliases are not supported")
				continue
			}
			items = append(items, l.plain(f, item))
		}
		return items
	default:
		return l.plainScalar(f, n)
	}
}

func (l *loader) plainScalar(f *file, n *yaml.Node) any {
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return i
		}
	case "!!float":
		if x, err := strconv.ParseFloat(n.Value, 64); err == nil && !math.IsInf(x, 0) && !math.IsNaN(x) {
			return x
		}
	case "!!str", "!!timestamp":
		return n.Value
	}
	l.report(f, n, "%q cannot be written as JSON: put it in quotes", n.Value)
	return nil
}
