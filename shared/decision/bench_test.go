package decision_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/decision"
	"rapport/shared/strategy"
)

// shop is a strategy with so many slots, blocks in each and audiences. Every
// audience asks for a country of its own, the last but one for Ukraine, so a
// person from there is looked at by nearly all of them.
func shop(b *testing.B, slots, blocks, audiences int, ranked bool) (*decision.Plan, decision.Request) {
	b.Helper()
	doc := strategy.Document{Version: "v1", Zone: "UTC"}
	for i := range audiences {
		country := fmt.Sprint("country ", i)
		if i == audiences-2 {
			country = "UA"
		}
		doc.Audiences = append(doc.Audiences, audience.Audience{ID: fmt.Sprintf("a%04d", i), When: is(country, "traits", "country")})
	}
	for i := range slots {
		id := fmt.Sprintf("s%02d", i)
		doc.Slots = append(doc.Slots, content.Slot{ID: id, Fallback: id + "-default"})
		for k := range blocks + 1 {
			one := content.Block{ID: fmt.Sprintf("%s-%05d", id, k), Slot: id, Weight: 1, Content: json.RawMessage(`{}`)}
			one.Audience = doc.Audiences[k%audiences].ID
			if ranked {
				one.Priority = blocks - k
			}
			if k == blocks {
				one.ID, one.Audience = id+"-default", ""
			}
			doc.Blocks = append(doc.Blocks, one)
		}
	}
	p := planOf(b, doc)
	return p, decision.Request{Slots: all(b, p), Unit: "l5kuui3vd4gakbcav5adrtgphg", View: from("UA"), Now: noon}
}

func measure(b *testing.B, p *decision.Plan, r decision.Request) float64 {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		p.Decide(r)
	}
	return float64(b.Elapsed().Nanoseconds()) / float64(b.N)
}

// One person on a page of 50 slots, four blocks each, the third of which is
// for that person.
func BenchmarkFiftySlots(b *testing.B) {
	p, r := shop(b, 50, 4, 4, true)
	measure(b, p, r)
}

// Fifty slots in each of which two equals are to be split.
func BenchmarkFiftySplits(b *testing.B) {
	p, r := shop(b, 50, 8, 4, false)
	measure(b, p, r)
}

// How the time grows with the blocks of one slot, for 20 audiences. With equal
// priorities every block of the person's audience is in the draw: the worst case.
func BenchmarkCatalogue(b *testing.B) {
	for _, ranked := range []bool{true, false} {
		name := map[bool]string{true: "ranked", false: "equals"}[ranked]
		var small float64
		for _, blocks := range []int{100, 10_000} {
			b.Run(fmt.Sprintf("%s/blocks=%d", name, blocks), func(b *testing.B) {
				p, r := shop(b, 1, blocks, 20, ranked)
				spent := measure(b, p, r)
				if blocks == 100 {
					small = spent
				}
				b.ReportMetric(spent/small, "times-100")
			})
		}
	}
}

func BenchmarkExplain(b *testing.B) {
	p, r := shop(b, 2, 10, 4, true)
	r.Explain = true
	measure(b, p, r)
}

func BenchmarkSign(b *testing.B) {
	k := decision.Keys([]byte("secret"))
	r := decision.Receipt{Slot: "hero", Block: "hero-vip", Policy: decision.Rule, Probability: 1, Strategy: "0123456789ab", Minute: noon, Holder: k.Holder("u")}
	b.ReportAllocs()
	for b.Loop() {
		decision.Sign(k, r)
	}
}
