package report

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"rapport/shared/brief"
	"rapport/shared/decision"
	"rapport/shared/person"
)

// previewPage shows what decide would answer: to a person beside an unknown
// visitor, or to the latter alone.
type previewPage struct {
	Name  string // of the person; "" for an unknown visitor alone
	Node  string
	Back  string
	Slots []slotPreview
}

type slotPreview struct {
	Slot, Description string
	Choices           []choice
	Differ            bool // the two see different blocks
	Candidates        []candidateRow
}

// choice is what one of the two sees.
type choice struct {
	For, Block, How string
	Content         []fact
}

// candidateRow is a block of the slot and what became of it, for who the preview
// is about.
type candidateRow struct {
	Block, Reason, Why string
	Priority           int
	Chosen             bool
}

func previewLink(id person.NodeID) string { return preview + "?node=" + url.QueryEscape(id.String()) }

// preview decides as decide does and writes nothing down: it makes no receipt,
// so what is seen here counts for nobody.
func (f *function) preview(r *http.Request) (sheet, error) {
	current, err := f.Strategy.Current(r.Context())
	if err != nil {
		return sheet{}, err
	}
	plan, now := decision.NewPlan(current), f.Now()
	slots, err := plan.Slots(nil)
	if err != nil {
		return sheet{}, err
	}
	as := func(p *person.Person) []decision.Decision {
		return plan.Decide(decision.Request{
			Slots: slots, Unit: p.Unit, View: p.View(current.Declared, now), Now: now, Explain: true,
		}).Decisions
	}
	out := previewPage{}
	stranger := as(&person.Person{})
	for _, d := range stranger {
		declared, _ := current.Slot(d.Slot)
		out.Slots = append(out.Slots, slotPreview{Slot: d.Slot, Description: declared.Description})
	}
	title, asked := "Preview", r.URL.Query().Get("node")
	if asked != "" {
		id, err := person.ParseNode(asked)
		if err != nil {
			return sheet{}, err
		}
		p, err := f.have(r.Context(), id)
		if err != nil {
			return sheet{}, err
		}
		v := p.View(current.Declared, now)
		out.Node, out.Back, out.Name = asked, personLink(asked), cmp.Or(brief.Name(v), id.Value)
		title = "Preview as " + out.Name
		out.compare("as "+out.Name, as(p))
	}
	out.compare("as an unknown visitor", stranger)
	return sheet{frame: framed(title, preview, personStyle), name: "preview.html", body: out}, nil
}

// compare adds what somebody sees. The candidates are those of who comes first.
func (p *previewPage) compare(who string, decisions []decision.Decision) {
	for i, d := range decisions {
		s := &p.Slots[i]
		s.Choices = append(s.Choices, choice{For: who, Block: d.Block.ID, How: how(d), Content: fields(d.Block.Content)})
		if first := s.Choices[0]; len(s.Choices) > 1 {
			s.Differ = first.Block != d.Block.ID
			continue
		}
		for _, c := range d.Candidates {
			s.Candidates = append(s.Candidates, candidateRow{
				Block: c.Block, Priority: c.Priority, Reason: inWords(candidates, c.Reason), Why: c.Why, Chosen: c.Reason == decision.Chosen,
			})
		}
	}
}

// candidates put what became of a block into words.
var candidates = map[decision.Reason]string{
	decision.Early: "its time has not come", decision.Late: "its time has passed", decision.Audience: "not in its audience",
	decision.When: "its own rule does not hold", decision.Outranked: "another one has a higher priority",
	decision.Equal: "one of its equals was drawn", decision.Unneeded: "the fallback was not needed", decision.Chosen: "chosen",
}

func how(d decision.Decision) string {
	switch d.Policy {
	case decision.Rule:
		return "by rule"
	case decision.Split:
		return "drawn, with " + percent(d.Probability)
	default:
		return "the fallback"
	}
}

// fields lists the content of a block by name.
func fields(content json.RawMessage) []fact {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(content, &members) // validation lets nothing but an object pass
	var out []fact
	for _, name := range slices.Sorted(maps.Keys(members)) {
		out = append(out, fact{name, shownValue(members[name])})
	}
	return out
}
