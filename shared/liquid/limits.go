package liquid

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/osteele/liquid/render"
	"github.com/osteele/liquid/values"

	"rapport/shared/fault"
)

// budget is what one rendering may still spend.
type budget struct{ iterations, work int }

// budgetName is where tags find the budget; no template can write it.
const budgetName = "\x00budget"

func budgetOf(ctx render.Context) *budget {
	left, _ := ctx.Get(budgetName).(*budget)
	return left
}

// spend takes work off the budget.
func (b *budget) spend(work int) error {
	if b.work -= work; b.work < 0 {
		return tooMuch("the template does too much: shorten its loops and lists")
	}
	return nil
}

// round takes one round of a loop off the budget.
func (b *budget) round(work int) error {
	if b.iterations--; b.iterations < 0 {
		return tooMuch("the loops of a template make at most %d rounds together", MaxIterations)
	}
	return b.spend(work)
}

func tooMuch(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "render_limit", format, args...)
}

// limitedWriter keeps what is written up to a limit, and fails beyond it.
type limitedWriter struct {
	strings.Builder
	left int
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, tooMuch("a template prints at most %d KB", MaxOutput>>10)
	}
	return w.Builder.Write(p)
}

// WriteString keeps io.WriteString from going around the limit.
func (w *limitedWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// object is a map on its way into a template. Printed as a whole it leaves a
// mark, by which the mail is refused.
type object map[string]any

const wholeObject = "\x00object"

// String implements fmt.Stringer.
func (object) String() string { return wholeObject }

// tidy returns the value as templates get it: plain values only, and no byte
// that has a meaning here.
func tidy(value any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fault.New(fault.Invalid, "render_value", "the values of a template are nested over %d deep", maxDepth)
	}
	switch v := value.(type) {
	case nil, bool, int, float64, time.Time:
		return v, nil
	case string:
		return strings.ReplaceAll(v, "\x00", ""), nil
	case json.Number:
		return number(v), nil
	case map[string]any:
		out := make(object, len(v))
		for key, inner := range v {
			tidied, err := tidy(inner, depth+1)
			if err != nil {
				return nil, err
			}
			out[strings.ReplaceAll(key, "\x00", "")] = tidied
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			tidied, err := tidy(inner, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = tidied
		}
		return out, nil
	default:
		return nil, fault.New(fault.Invalid, "render_value", "a %T cannot be given to a template", value)
	}
}

// number returns a JSON number as the engine can compare it.
func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return int(i)
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return n.String()
}

// weigh returns roughly how many bytes a value has, and refuses one that is too
// large to work with.
func weigh(value any, depth int) (int, error) {
	if depth > maxDepth {
		return 0, tooMuch("the values of a template are nested over %d deep", maxDepth)
	}
	switch v := value.(type) {
	case nil:
		return 0, nil
	case string:
		return sized(len(v))
	case values.SafeValue:
		return weigh(v.Value, depth+1)
	case values.Range:
		return 0, tooMuch("a range like (1..3) can only be looped over")
	}
	rv := reflect.ValueOf(value)
	switch rv.Kind() {
	case reflect.String:
		return sized(rv.Len())
	case reflect.Slice, reflect.Array:
		return weighList(rv, depth)
	case reflect.Map:
		return weighMap(rv, depth)
	default:
		return 16, nil
	}
}

func weighList(list reflect.Value, depth int) (int, error) {
	if list.Len() > maxList {
		return 0, tooMuch("a list has at most %d values here", maxList)
	}
	total := 16 * list.Len()
	for i := range list.Len() {
		inner, err := weigh(list.Index(i).Interface(), depth+1)
		if total += inner; err != nil || total > MaxOutput {
			return sized(max(total, MaxOutput+1))
		}
	}
	return total, nil
}

func weighMap(m reflect.Value, depth int) (int, error) {
	total := 0
	for key, inner := range m.Seq2() {
		more, err := weigh(inner.Interface(), depth+1)
		if total += 32 + key.Len() + more; err != nil || total > MaxOutput {
			return sized(max(total, MaxOutput+1))
		}
	}
	return total, nil
}

func sized(n int) (int, error) {
	if n > MaxOutput {
		return 0, tooMuch("a value has at most %d KB in a template", MaxOutput>>10)
	}
	return n, nil
}
