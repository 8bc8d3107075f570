package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/growthbook/growthbook-golang"
	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	evaluation "github.com/launchdarkly/go-server-sdk-evaluation/v3"
	"github.com/launchdarkly/go-server-sdk-evaluation/v3/ldbuilders"
	"github.com/launchdarkly/go-server-sdk-evaluation/v3/ldmodel"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/decision"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// A page has fifty places. Each has three rules of its own, of which the last
// one holds for this visitor, and is then split between two.
const (
	places  = 50
	country = "UA"
	who     = "l5kuui3vd4gakbcav5adrtgphg"
)

// abroad is the value that rule k of a place asks for: a country that is not the
// visitor's, until the last rule.
func abroad(place, k int) string {
	if k == 2 {
		return country
	}
	return fmt.Sprintf("country %d of place %d", k, place)
}

// slots decides all places for one visitor, whose data are read before.
func slots() (comparison, error) {
	plan, err := planOf(50)
	if err != nil {
		return comparison{}, err
	}
	request, err := requestOf(plan)
	if err != nil {
		return comparison{}, err
	}
	growth, err := growthBook()
	if err != nil {
		return comparison{}, err
	}
	return comparison{"50 slots of one page", []contestant{
		{"Rapport", func() bool {
			made := plan.Decide(request).Decisions
			return len(made) == places && made[places-1].Block.Priority == 1
		}},
		{"LaunchDarkly evaluation 3.0.1", launchDarkly()},
		{"GrowthBook 0.7.0", growth},
	}}, nil
}

// planOf is the page as a strategy.
func planOf(slots int) (*decision.Plan, error) {
	doc := strategy.Document{Version: "v1", Zone: "UTC"}
	for i := range slots {
		id := fmt.Sprintf("s%02d", i)
		doc.Slots = append(doc.Slots, content.Slot{ID: id, Fallback: id + "-z"})
		for k := range 3 {
			doc.Audiences = append(doc.Audiences, audience.Audience{ID: fmt.Sprintf("%s-%d", id, k), When: from(abroad(i, k))})
			for _, half := range []string{"a", "b"}[:1+k/2] {
				doc.Blocks = append(doc.Blocks, content.Block{
					ID: fmt.Sprintf("%s-%d%s", id, k, half), Slot: id, Audience: fmt.Sprintf("%s-%d", id, k), Priority: 3 - k, Weight: 1, Content: json.RawMessage(`{}`),
				})
			}
		}
		doc.Blocks = append(doc.Blocks, content.Block{ID: id + "-z", Slot: id, Weight: 1, Content: json.RawMessage(`{}`)})
	}
	return ready(doc)
}

func ready(doc strategy.Document) (*decision.Plan, error) {
	s, err := strategy.Ready(doc)
	if err != nil {
		return nil, err
	}
	return decision.NewPlan(s), nil
}

func requestOf(plan *decision.Plan) (decision.Request, error) {
	all, err := plan.Slots(nil)
	view := (&person.Person{}).View(nil, now)
	view.Traits["country"] = person.Trait{Value: json.RawMessage(`"` + country + `"`)}
	return decision.Request{Slots: all, Unit: who, View: view, Now: now}, err
}

// from is the rule that the visitor comes from there.
func from(country string) audience.Program {
	return audience.Program{Op: audience.OpEqual, Args: []audience.Program{
		{Op: audience.OpGet, Path: []string{"traits", "country"}},
		{Op: audience.OpConst, Type: audience.TypeString, Text: country},
	}}
}

// nothing is a store without other flags or segments.
type nothing struct{}

// GetFeatureFlag implements evaluation.DataProvider.
func (nothing) GetFeatureFlag(string) *ldmodel.FeatureFlag { return nil }

// GetSegment implements evaluation.DataProvider.
func (nothing) GetSegment(string) *ldmodel.Segment { return nil }

func launchDarkly() func() bool {
	var flags []ldmodel.FeatureFlag
	for i := range places {
		b := ldbuilders.NewFlagBuilder(fmt.Sprint("s", i)).On(true).Salt("salt").
			Variations(ldvalue.String("0"), ldvalue.String("1"), ldvalue.String("2a"), ldvalue.String("2b"), ldvalue.String("z")).FallthroughVariation(4)
		for k := range 3 {
			rule := ldbuilders.NewRuleBuilder().ID(fmt.Sprint(k)).Clauses(ldbuilders.Clause("country", ldmodel.OperatorIn, ldvalue.String(abroad(i, k))))
			if k == 2 {
				rule.VariationOrRollout(ldbuilders.Rollout(ldbuilders.Bucket(2, 50_000), ldbuilders.Bucket(3, 50_000)))
			} else {
				rule.Variation(k)
			}
			b.AddRule(rule)
		}
		flags = append(flags, b.Build())
	}
	evaluator := evaluation.NewEvaluator(nothing{})
	visitor := ldcontext.NewBuilder(who).SetString("country", country).Build()
	return func() bool {
		right := true
		for i := range flags {
			out := evaluator.Evaluate(&flags[i], visitor, nil)
			right = right && out.Detail.VariationIndex.OrElse(-1)/2 == 1
		}
		return right
	}
}

func growthBook() (func() bool, error) {
	features := map[string]any{}
	var keys []string
	for i := range places {
		key := fmt.Sprint("s", i)
		keys = append(keys, key)
		var list []any
		for k := range 3 {
			rule := map[string]any{"condition": map[string]any{"country": abroad(i, k)}, "force": fmt.Sprint(k)}
			if k == 2 {
				delete(rule, "force")
				rule["variations"], rule["weights"], rule["hashVersion"], rule["key"] = []string{"2a", "2b"}, []float64{0.5, 0.5}, 2, key
			}
			list = append(list, rule)
		}
		features[key] = map[string]any{"defaultValue": "z", "rules": list}
	}
	text, err := json.Marshal(features)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	client, err := growthbook.NewClient(ctx, growthbook.WithJsonFeatures(string(text)), growthbook.WithAttributes(growthbook.Attributes{"id": who, "country": country}))
	if err != nil {
		return nil, err
	}
	return func() bool {
		right := true
		for _, key := range keys {
			value, _ := client.EvalFeature(ctx, key).Value.(string)
			right = right && len(value) == 2
		}
		return right
	}, nil
}

// catalogue is one slot with ever more blocks, of which every twentieth is for
// the visitor.
func catalogue() (comparison, error) {
	c := comparison{name: "one slot"}
	for _, blocks := range []int{100, 1_000, 10_000} {
		doc := strategy.Document{Version: "v1", Zone: "UTC", Slots: []content.Slot{{ID: "s", Fallback: "z"}}}
		for k := range 20 {
			value := fmt.Sprint("country ", k)
			if k == 18 {
				value = country
			}
			doc.Audiences = append(doc.Audiences, audience.Audience{ID: fmt.Sprintf("a%02d", k), When: from(value)})
		}
		for k := range blocks {
			doc.Blocks = append(doc.Blocks, content.Block{ID: fmt.Sprintf("b%05d", k), Slot: "s", Audience: fmt.Sprintf("a%02d", k%20), Weight: 1, Priority: 1, Content: json.RawMessage(`{}`)})
		}
		doc.Blocks = append(doc.Blocks, content.Block{ID: "z", Slot: "s", Weight: 1, Content: json.RawMessage(`{}`)})
		plan, err := ready(doc)
		if err != nil {
			return c, err
		}
		request, err := requestOf(plan)
		if err != nil {
			return c, err
		}
		c.contests = append(c.contests, contestant{fmt.Sprintf("%d blocks, all equals", blocks), func() bool {
			return plan.Decide(request).Decisions[0].Block.ID != "z"
		}})
	}
	return c, nil
}
