package dynamo

import (
	"math"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"rapport/shared/table"
)

// expression gathers the placeholders of one request. Every name and value has
// one, since counters have any name and some words are reserved.
type expression struct {
	now   int64
	owner string

	names  map[string]string
	known  map[string]string // the placeholder of each name
	values attributes
}

func newExpression(now int64, owner string) *expression {
	return &expression{now: now, owner: owner, names: map[string]string{}, known: map[string]string{}, values: attributes{}}
}

// name returns the placeholder of an attribute.
func (e *expression) name(attr string) string {
	placeholder, ok := e.known[attr]
	if !ok {
		placeholder = "#" + strconv.Itoa(len(e.names))
		e.names[placeholder], e.known[attr] = attr, placeholder
	}
	return placeholder
}

// value returns a new placeholder of a value.
func (e *expression) value(v types.AttributeValue) string {
	placeholder := ":" + strconv.Itoa(len(e.values))
	e.values[placeholder] = v
	return placeholder
}

// arguments returns the values, nil when there are none: an empty map is refused.
func (e *expression) arguments() attributes {
	if len(e.values) == 0 {
		return nil
	}
	return e.values
}

func (e *expression) exists() string { return "attribute_exists(" + e.name(partitionAttr) + ")" }

// dead holds when the item is absent or has expired.
func (e *expression) dead() string {
	return "(attribute_not_exists(" + e.name(partitionAttr) + ") OR " + e.name(expiresAttr) + " <= " + e.value(number(e.now)) + ")"
}

// notExpired holds when the item is there or absent altogether.
func (e *expression) notExpired() string {
	expires := e.name(expiresAttr)
	return "(attribute_not_exists(" + expires + ") OR " + expires + " > " + e.value(number(e.now)) + ")"
}

// foreign holds when the item was last written by another commit.
func (e *expression) foreign() string {
	return "(NOT " + e.equal(ownerAttr, text(e.owner)) + ")"
}

func (e *expression) equal(attr string, v types.AttributeValue) string {
	return e.name(attr) + " = " + e.value(v)
}

// below holds when the counter of an item, absent ones being 0, is below the limit.
func (e *expression) below(counter string, limit int64) string {
	attr := e.name(counterPrefix + counter)
	holds := attr + " < " + e.value(number(limit))
	if limit > 0 {
		return "(attribute_not_exists(" + attr + ") OR " + holds + ")"
	}
	return holds
}

// fits holds when the counter has room for what is added.
func (e *expression) fits(counter string, added int64) string {
	attr := e.name(counterPrefix + counter)
	if added > 0 {
		return "(NOT " + attr + " > " + e.value(number(math.MaxInt64-added)) + ")"
	}
	return "(NOT " + attr + " < " + e.value(number(math.MinInt64-added)) + ")"
}

// never holds for no item.
func (e *expression) never() string {
	return e.exists() + " AND attribute_not_exists(" + e.name(partitionAttr) + ")"
}

// asked returns what c asks of an item that is there, beside being there.
func (e *expression) asked(c table.Condition) []string {
	var out []string
	if c.Version > 0 {
		out = append(out, e.equal(versionAttr, number(c.Version)))
	}
	if c.Counter != "" {
		out = append(out, e.below(c.Counter, c.Below))
	}
	return out
}

// absent holds when there is no item and c is content with that: nothing has a
// version then, and counters are 0, whatever an expired item still shows.
func (e *expression) absent(c table.Condition) string {
	if c.Version > 0 || c.Counter != "" && c.Below <= 0 {
		return e.never()
	}
	return e.dead()
}

func all(parts ...string) string { return strings.Join(parts, " AND ") }
