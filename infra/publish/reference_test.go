package publish_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"pgregory.net/rapid"

	"rapport/infra/publish"
	"rapport/shared/audience"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// computed are the computed traits that the rules of these tests may read.
var computed = []person.ComputedTrait{
	{Name: "orders", Op: person.Count, Event: "Order Completed"},
	{Name: "revenue", Op: person.Sum, Event: "Order Completed", Of: []string{"revenue"}},
	{Name: "last_order_at", Op: person.Last, Event: "Order Completed", Of: []string{person.TimestampProperty}},
	{Name: "first_seen_at", Op: person.First, Event: "page", Of: []string{person.TimestampProperty}},
	{Name: "plan", Op: person.Last, Event: "Plan Changed", Of: []string{"plan"}},
	{Name: "likes", Op: person.Affinity, Event: "Product Viewed", Of: []string{"category"}, HalfLife: 30},
}

// preferred are the fields that they may read, of every kind and from all places.
// fresh is the audience of who came less than a week ago.
var preferred = []audience.Field{
	{Name: "items", Explicit: person.Topics, Declared: "tags", Default: json.RawMessage(`["UA"]`)},
	{Name: "look", Explicit: person.Theme, Declared: "name", Observed: "plan", Affinity: "likes", Default: json.RawMessage(`"PL"`)},
	{Name: "loud", Declared: "flag", Inferred: []audience.Inference{{Audience: "fresh", Value: json.RawMessage("true")}}, Default: json.RawMessage("false")},
	{Name: "size", Explicit: person.Custom + "size", Declared: "age", Observed: "plan", Default: json.RawMessage("2")},
}

const fresh = `now - firstSeen < duration("168h")`

// moment is everything that a rule may read, as JSON.
type moment struct {
	Traits    map[string]json.RawMessage `json:"traits"`
	Computed  map[string]json.RawMessage `json:"computed"`
	Explicit  map[string]json.RawMessage `json:"explicit"`
	Context   json.RawMessage            `json:"context"`
	Known     bool                       `json:"known"`
	Stage     person.Stage               `json:"stage"`
	FirstSeen time.Time                  `json:"firstSeen"`
	LastSeen  time.Time                  `json:"lastSeen"`
	Now       time.Time                  `json:"now"`
}

func (m *moment) view() *person.View {
	v := &person.View{Known: m.Known, Stage: m.Stage, FirstSeen: m.FirstSeen, LastSeen: m.LastSeen, Computed: m.Computed, Traits: map[string]person.Trait{}}
	for name, value := range m.Traits {
		v.Traits[name] = person.Trait{Value: value}
	}
	v.Explicit = map[string]person.Trait{}
	for name, value := range m.Explicit {
		v.Explicit[name] = person.Trait{Value: value}
	}
	return v
}

// activation is the same moment for CEL.
func (m *moment) activation(t rapid.TB) map[string]any {
	t.Helper()
	traits, folded, context := map[string]any{}, map[string]any{}, map[string]any{}
	for name, value := range m.Traits {
		traits[name] = native(t, value)
	}
	for name, value := range m.Computed {
		folded[name] = native(t, value)
	}
	for _, path := range strategy.Times(computed) {
		name := path[len("computed."):]
		if s, ok := folded[name].(string); ok {
			if at, err := time.Parse(time.RFC3339, s); err == nil {
				folded[name] = at.UTC()
			}
		}
	}
	if c, ok := native(t, m.Context).(map[string]any); ok {
		context = c
	}
	vars := map[string]any{"traits": traits, "computed": folded, "context": context, "known": m.Known, "now": m.Now}
	vars["preferred"] = m.preferred(t)
	if m.Stage != "" {
		vars["lifecycle"] = string(m.Stage)
	}
	if !m.FirstSeen.IsZero() {
		vars["firstSeen"] = m.FirstSeen
	}
	if !m.LastSeen.IsZero() {
		vars["lastSeen"] = m.LastSeen
	}
	return vars
}

// preferred resolves the fields, by hand.
func (m *moment) preferred(t rapid.TB) map[string]any {
	text := func(raw json.RawMessage) (any, bool) { s, ok := native(t, raw).(string); return s, ok }
	list := func(raw json.RawMessage) (any, bool) { s, ok := native(t, raw).([]any); return s, ok }
	number := func(raw json.RawMessage) (any, bool) {
		v := native(t, raw)
		_, whole := v.(int64)
		_, broken := v.(float64)
		return v, whole || broken
	}
	first := func(fits func(json.RawMessage) (any, bool), otherwise any, from ...json.RawMessage) any {
		for _, raw := range from {
			if v, ok := fits(raw); ok {
				return v
			}
		}
		return otherwise
	}
	out := map[string]any{
		"items": first(list, []any{"UA"}, m.Explicit["topics"], m.Traits["tags"]),
		"look":  first(text, "PL", m.Explicit["theme"], m.Traits["name"], m.Computed["plan"], m.favourite(t)),
		"size":  first(number, int64(2), m.Explicit["custom.size"], m.Traits["age"], m.Computed["plan"]),
		"loud":  !m.FirstSeen.IsZero() && m.Now.Sub(m.FirstSeen) < 7*24*time.Hour,
	}
	if flag, ok := native(t, m.Traits["flag"]).(bool); ok {
		out["loud"] = flag
	}
	return out
}

// favourite is the value that weighs most among the likes, as text.
func (m *moment) favourite(t rapid.TB) json.RawMessage {
	likes, _ := native(t, m.Computed["likes"]).(map[string]any)
	best, most := "", -1.0
	for _, name := range sortedNames(likes) {
		weight, _ := likes[name].(float64)
		if whole, ok := likes[name].(int64); ok {
			weight = float64(whole)
		}
		if weight > most {
			best, most = name, weight
		}
	}
	if most < 0 {
		return nil
	}
	text, _ := json.Marshal(best)
	return text
}

// native decodes JSON the way rules see it, with arithmetic of its own.
func native(t rapid.TB, raw json.RawMessage) any {
	t.Helper()
	if len(raw) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return whole(v)
}

// whole turns numbers into ints where they are whole and fit.
func whole(v any) any {
	switch v := v.(type) {
	case json.Number:
		exact, _ := new(big.Rat).SetString(v.String())
		if exact.IsInt() && exact.Num().IsInt64() {
			return exact.Num().Int64()
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = whole(v[name])
		}
	}
	return v
}

// outcome is what came of a rule: "true", "false" or "error".
type outcome string

func outcomeOf(matched bool, err error) outcome {
	switch {
	case err != nil:
		return "error"
	case matched:
		return "true"
	default:
		return "false"
	}
}

// reference evaluates rules with CEL itself.
type reference struct{ program cel.Program }

func newReference(t rapid.TB, text string) *reference {
	t.Helper()
	env, err := publish.Env()
	if err != nil {
		t.Fatal(err)
	}
	tree, issues := env.Compile(text)
	if issues.Err() != nil {
		t.Fatalf("%s: %v", text, issues.Err())
	}
	program, err := env.Program(tree)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return &reference{program}
}

func (r *reference) evaluate(vars map[string]any) outcome {
	out, _, err := r.program.Eval(vars)
	matched, ok := out.(types.Bool)
	if err != nil || !ok {
		return "error"
	}
	return outcomeOf(bool(matched), nil)
}

// subject is a rule ready to be evaluated by our own evaluator.
type subject struct {
	set   *audience.Set
	facts audience.Facts
	rule  int
}

func newSubject(t rapid.TB, p *audience.Program) *subject {
	t.Helper()
	others, problems := publish.CompileRule(fresh, computed, preferred)
	if others == nil {
		t.Fatal(problems)
	}
	set, err := audience.Compile([]audience.Program{*others, *p}, audience.Names{
		Times: strategy.Times(computed), Audiences: []string{"fresh"}, Fields: preferred,
	})
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	return &subject{set: set, rule: 1}
}

func (s *subject) evaluate(m *moment) outcome {
	s.set.Fill(&s.facts, m.view(), m.Context, m.Now)
	return s.again()
}

func (s *subject) again() outcome { return outcomeOf(s.set.Match(s.rule, &s.facts)) }
