package strategy_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/fault"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

func reader(m *memory) *strategy.Reader {
	return strategy.NewReader(m, func() time.Time { return start })
}

func edgeReader(m *memory) *strategy.Reader {
	return strategy.NewEdgeReader(m, func() time.Time { return start })
}

// A field that is added to Document belongs to one of the sections.
func TestEveryFieldIsInASection(t *testing.T) {
	for i := range reflect.TypeFor[strategy.Document]().NumField() {
		var d strategy.Document
		field := reflect.ValueOf(&d).Elem().Field(i)
		if field.Kind() == reflect.Struct {
			field = field.Field(0)
		}
		switch field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.Int:
			field.SetInt(1)
		default:
			field.Set(reflect.New(field.Type().Elem()))
		}
		if diff := cmp.Diff(d, strategy.Rejoin(d)); diff != "" {
			t.Errorf("put the field into edge or rest, and into divide and join: %s", diff)
		}
	}
}

// long returns a strategy with journeys whose edge is longer than that.
func long(t *testing.T, bytes int) strategy.Document {
	t.Helper()
	doc := mailing(t, map[string]int{"cart": 1})
	doc.Blocks[0].Content = titled(strings.Repeat("ü", bytes/2)).Blocks[0].Content
	return doc
}

func TestTheEdgeIsReadAlone(t *testing.T) {
	for _, c := range []struct{ bytes, edge, whole int }{ // items that each reads
		{0, 1, 2}, {strategy.HeadBytes, 2, 3}, {299 << 10, 2, 3}, {700 << 10, 4, 5},
	} {
		t.Run(fmt.Sprint(c.bytes), func(t *testing.T) {
			m := newMemory(t)
			doc, err := long(t, c.bytes).Seal()
			if err != nil {
				t.Fatal(err)
			}
			publish(t, m, doc)
			m.reads = 0
			edge, err := edgeReader(m).Current(t.Context())
			if err != nil || m.reads != c.edge {
				t.Fatalf("the edge takes %d reads, want %d: %v", m.reads, c.edge, err)
			}
			m.reads = 0
			whole, err := reader(m).Current(t.Context())
			if err != nil || m.reads != c.whole {
				t.Fatalf("the whole takes %d reads, want %d: %v", m.reads, c.whole, err)
			}
			same(t, "the whole", doc, whole.Document)
			doc.Messages, doc.Journeys = nil, nil
			same(t, "the edge", doc, edge.Document)
		})
	}
}

func same(t *testing.T, what string, want, got strategy.Document) {
	t.Helper()
	a, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(a), string(b)); diff != "" {
		t.Errorf("%s (-published +read):\n%s", what, diff)
	}
}

// change changes the body of an item.
func change(m *memory, key table.Key, how func(body string) string) {
	item := m.items[key]
	item.Body = []byte(how(string(item.Body)))
	m.items[key] = item
}

func TestDamageOfASection(t *testing.T) {
	swap := func(body string) string { return strings.Replace(body, "Known", "Knewn", 1) }
	longer := func(body string) string { return body + " " }
	shorter := func(body string) string { return body[:len(body)-1] }
	spoil := func(key func(version string) table.Key, how func(string) string) func(*memory, string) {
		return func(m *memory, version string) { change(m, key(version), how) }
	}
	pointer := func(string) table.Key { return table.StrategyPointerKey() }
	edge := func(version string) table.Key { return table.StrategyPartKey(version, "edge", 0) }
	rest := func(version string) table.Key { return table.StrategyPartKey(version, "rest", 0) }
	lose := func(key func(string) table.Key) func(*memory, string) {
		return func(m *memory, version string) { delete(m.items, key(version)) }
	}
	for name, c := range map[string]struct {
		bytes       int
		damage      func(m *memory, version string)
		edge, whole string // codes; "" is none
	}{
		"the head is another":       {0, spoil(pointer, swap), "strategy_damaged", "strategy_damaged"},
		"the head is longer":        {0, spoil(pointer, longer), "strategy_damaged", "strategy_damaged"},
		"the head is shorter":       {0, spoil(pointer, shorter), "strategy_part", "strategy_part"},
		"the edge is shorter":       {20 << 10, spoil(edge, shorter), "strategy_damaged", "strategy_damaged"},
		"a part of the edge is out": {20 << 10, lose(edge), "strategy_part", "strategy_part"},
		"the rest is another":       {0, spoil(rest, func(body string) string { return strings.ReplaceAll(body, "cart", "cort") }), "", "strategy_damaged"},
		"the rest is longer":        {0, spoil(rest, longer), "", "strategy_damaged"},
		"a part of the rest is out": {0, lose(rest), "", "strategy_part"},
		"no pointer":                {0, spoil(pointer, func(string) string { return "{" }), "strategy_pointer", "strategy_pointer"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t)
			c.damage(m, publish(t, m, long(t, c.bytes)))
			for _, one := range []struct {
				reader *strategy.Reader
				code   string
			}{{edgeReader(m), c.edge}, {reader(m), c.whole}} {
				_, err := one.reader.Current(t.Context())
				if one.code == "" && err != nil || one.code != "" && !hasCode(err, one.code) {
					t.Errorf("got %v, want code %q", err, one.code)
				}
			}
		})
	}
}

// What another version of the program wrote is told from damage, and what had no
// sections yet from a strategy; both are mended by publishing.
func TestStrategiesOfOtherPrograms(t *testing.T) {
	section := func(body string) string {
		return fmt.Sprintf(`{"bytes":%d,"sum":"%x"}`, len(body), sha256.Sum256([]byte(body)))
	}
	foreign := `{"zone":5}`
	doc, err := document().Seal()
	if err != nil {
		t.Fatal(err)
	}
	for code, body := range map[string]string{
		"strategy_unreadable": `{"version":"v","edge":` + section(foreign) + `,"rest":` + section("") + "}\n" + foreign,
		"no_strategy":         `{"version":"` + doc.Version + `","parts":1}`,
	} {
		m := newMemory(t)
		key := table.StrategyPointerKey()
		m.items[key] = table.Item{Key: key, Version: 7, Body: []byte(body)}
		if _, err := reader(m).Current(t.Context()); !hasCode(err, code) {
			t.Errorf("got %v, want %s", err, code)
		}
		if err := strategy.Publish(context.Background(), m, doc, start); err != nil {
			t.Errorf("%s is not mended: %v", code, err)
		}
		if _, err := reader(m).Current(t.Context()); err != nil {
			t.Errorf("after publishing over %s: %v", code, err)
		}
	}
}

// A strategy that is too large leaves nothing behind, wherever it is large.
func TestMailCounts(t *testing.T) {
	m := newMemory(t)
	doc := mailing(t, map[string]int{"cart": 1})
	doc.Messages[0].HTML = strings.Repeat("a", 7<<20)
	if err := strategy.Publish(t.Context(), m, doc, start); fault.KindOf(err) != fault.TooLarge || len(m.items) > 0 {
		t.Errorf("%d items are stored: %v", len(m.items), err)
	}
}
