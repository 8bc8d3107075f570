package decision_test

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/content"
	"rapport/shared/decision"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// cases are conformance data: whoever computes splits or receipts elsewhere, in
// a browser for instance, can check themselves against the same file.
type cases struct {
	Split []struct {
		Slot   string
		Unit   string
		Equals []struct {
			Block  string
			Weight int
		}
		Hash        string
		Bucket      uint64
		Block       string
		Probability float64
	}
	Receipts []struct {
		Secret, Slot, Block string
		Policy              decision.Policy
		Probability         float64
		Strategy            string
		Minute              time.Time
		Unit, Holder, Token string
	}
}

func readCases(t *testing.T) cases {
	t.Helper()
	data, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var c cases
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Split) == 0 || len(c.Receipts) == 0 {
		t.Fatal("no cases")
	}
	return c
}

func TestSplitConforms(t *testing.T) {
	for _, c := range readCases(t).Split {
		t.Run(c.Slot+" "+c.Unit, func(t *testing.T) {
			doc := strategy.Document{Version: "v1", Zone: "UTC", Slots: []content.Slot{{ID: c.Slot, Fallback: "default"}}}
			total := 0
			blocks := []content.Block{block("default")}
			for _, e := range c.Equals {
				blocks = append(blocks, block(e.Block, weight(e.Weight)))
				total += e.Weight
			}
			for _, b := range blocks {
				b.Slot = c.Slot
				doc.Blocks = append(doc.Blocks, b)
			}
			if got := decision.Bucket(c.Slot, c.Unit, uint64(total)); got != c.Bucket {
				t.Errorf("bucket %d, want %d", got, c.Bucket)
			}
			got := one(t, planOf(t, doc), decision.Request{Unit: c.Unit})
			if got.Block.ID != c.Block || got.Policy != decision.Split || got.Probability != c.Probability {
				t.Errorf("got %s by %s with %v, want %s with %v", got.Block.ID, got.Policy, got.Probability, c.Block, c.Probability)
			}
		})
	}
}

// Over many units every block gets the share that its probability says.
func TestSplitKeepsItsShares(t *testing.T) {
	p := plan(t, block("a", weight(70)), block("b", weight(20), to("all")), block("c", weight(10)), block("d", priority(-1)))
	const units = 20_000
	count := map[string]float64{}
	share := map[string]float64{}
	r := decision.Request{Slots: all(t, p), View: from(""), Now: noon}
	for i := range units {
		r.Unit = strconv.Itoa(i)
		d := p.Decide(r).Decisions[0]
		count[d.Block.ID]++
		share[d.Block.ID] = d.Probability
	}
	for id, want := range map[string]float64{"a": 0.7, "b": 0.2, "c": 0.1} {
		if math.Abs(share[id]-want) > 1e-15 {
			t.Errorf("%s has probability %v, want %v", id, share[id], want)
		}
		// Five standard deviations of a fixed sample: it holds or it never does.
		if off := math.Abs(count[id] - units*want); off > 5*math.Sqrt(units*want*(1-want)) {
			t.Errorf("%s was drawn %v times of %d", id, count[id], units)
		}
	}
	if len(count) != 3 {
		t.Errorf("drew %v", count)
	}
}

// Who cannot be recognised again gets the heaviest, and no receipt may claim a
// draw.
func TestSplitWithoutUnit(t *testing.T) {
	p := plan(t, block("a"), block("b", weight(3)), block("c", weight(3)))
	if got := one(t, p, decision.Request{}); got.Block.ID != "b" || got.Policy != decision.Rule || got.Probability != 1 {
		t.Errorf("got %+v", got)
	}
}

// A block that the person may not see takes no part in the draw.
func TestSplitAmongTheEligible(t *testing.T) {
	p := plan(t, block("a", to("ukraine")), block("b"), block("c"))
	for _, country := range []string{"UA", "PL"} {
		got := one(t, p, decision.Request{Unit: "u", View: from(country)})
		if want := map[string]float64{"UA": 1. / 3, "PL": 1. / 2}[country]; got.Probability != want {
			t.Errorf("from %s: probability %v, want %v", country, got.Probability, want)
		}
	}
}

func TestBucketIsWithin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		buckets := rapid.Uint64Range(1, math.MaxUint64).Draw(t, "buckets")
		unit := rapid.String().Draw(t, "unit")
		if got := decision.Bucket("hero", unit, buckets); got >= buckets {
			t.Fatalf("bucket %d of %d", got, buckets)
		}
	})
}

// Whatever the strategy, the quick way with shelves agrees with looking at every
// block in turn, and so does the explanation.
func TestDecideAgreesWithLookingAtEveryBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := strategy.Document{
			Version: "v1", Zone: "UTC", Audiences: audiences(),
			Slots: []content.Slot{{ID: "hero", Fallback: "default"}}, Blocks: []content.Block{block("default")},
		}
		for i := range rapid.IntRange(0, 12).Draw(t, "blocks") {
			doc.Blocks = append(doc.Blocks, anyBlock(t, "b"+strconv.Itoa(i)))
		}
		s, err := strategy.Ready(doc)
		if err != nil {
			t.Fatal(err)
		}
		p := decision.NewPlan(s)
		slots, err := p.Slots(nil)
		if err != nil {
			t.Fatal(err)
		}
		view := from(rapid.SampledFrom([]string{"", "UA", "PL"}).Draw(t, "country"))
		unit := rapid.SampledFrom([]string{"", "u1", "u2", "u3"}).Draw(t, "unit")
		r := decision.Request{Slots: slots, Unit: unit, View: view, Now: noon}
		got := p.Decide(r).Decisions[0]
		block, probability, reasons := lookAtAll(doc.Blocks, view, unit)
		if got.Block.ID != block || got.Probability != probability {
			t.Fatalf("got %s with %v, want %s with %v", got.Block.ID, got.Probability, block, probability)
		}
		r.Explain = true
		explained := p.Decide(r).Decisions[0]
		if explained.Block != got.Block || len(explained.Candidates) != len(doc.Blocks) {
			t.Fatalf("explains %s and %d blocks", explained.Block.ID, len(explained.Candidates))
		}
		for _, c := range explained.Candidates {
			if c.Reason != reasons[c.Block] {
				t.Fatalf("%s is %s, want %s", c.Block, c.Reason, reasons[c.Block])
			}
		}
	})
}

func anyBlock(t *rapid.T, id string) content.Block {
	b := block(id, weight(rapid.IntRange(1, 3).Draw(t, "weight")), priority(rapid.IntRange(-1, 2).Draw(t, "priority")))
	b.Audience = rapid.SampledFrom([]string{"", "", "ukraine", "all", "none"}).Draw(t, "audience")
	times := []time.Time{{}, {}, {}, noon.Add(-time.Hour), noon, noon.Add(time.Hour)}
	b.From, b.Until = rapid.SampledFrom(times).Draw(t, "from"), rapid.SampledFrom(times).Draw(t, "until")
	switch rapid.IntRange(0, 4).Draw(t, "rule") {
	case 0:
		when(always("false"))(&b)
	case 1:
		when(is("UA", "traits", "country"))(&b)
	}
	return b
}

// lookAtAll is the choice written as plainly as it can be said.
func lookAtAll(blocks []content.Block, view *person.View, unit string) (string, float64, map[string]decision.Reason) {
	ukrainian := string(view.Traits["country"].Value) == `"UA"`
	members := map[string]bool{"": true, "all": true, "ukraine": ukrainian}
	reasons := map[string]decision.Reason{"default": decision.Unneeded}
	var eligible []content.Block
	for _, b := range blocks[1:] {
		switch {
		case !b.From.IsZero() && b.From.After(noon):
			reasons[b.ID] = decision.Early
		case !b.Until.IsZero() && !b.Until.After(noon):
			reasons[b.ID] = decision.Late
		case !members[b.Audience]:
			reasons[b.ID] = decision.Audience
		case b.Rule != nil && !(b.Rule.Op == "==" && ukrainian):
			reasons[b.ID] = decision.When
		default:
			reasons[b.ID] = decision.Outranked
			eligible = append(eligible, b)
		}
	}
	if len(eligible) == 0 {
		reasons["default"] = decision.Chosen
		return "default", 1, reasons
	}
	top := slices.MaxFunc(eligible, func(a, b content.Block) int { return cmp.Compare(a.Priority, b.Priority) }).Priority
	eligible = slices.DeleteFunc(eligible, func(b content.Block) bool { return b.Priority < top })
	slices.SortFunc(eligible, func(a, b content.Block) int { return cmp.Compare(a.ID, b.ID) })
	var lots []string // one for each unit of weight
	heaviest := eligible[0]
	for _, b := range eligible {
		reasons[b.ID] = decision.Equal
		lots = append(lots, slices.Repeat([]string{b.ID}, b.Weight)...)
		if b.Weight > heaviest.Weight {
			heaviest = b
		}
	}
	chosen, probability := heaviest.ID, 1.0
	if unit != "" && len(eligible) > 1 {
		chosen = lots[decision.Bucket("hero", unit, uint64(len(lots)))]
		at := slices.IndexFunc(eligible, func(b content.Block) bool { return b.ID == chosen })
		probability = float64(eligible[at].Weight) / float64(len(lots))
	}
	reasons[chosen] = decision.Chosen
	return chosen, probability, reasons
}
