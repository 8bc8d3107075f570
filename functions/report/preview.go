package report

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"rapport/shared/brief"
	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/persona"
	"rapport/shared/strategy"
)

// previewPage shows what decide would answer: to a person or a persona beside an
// unknown visitor, or to the latter alone.
type previewPage struct {
	Name     string // of who is looked through; "" for an unknown visitor alone
	About    string // what the strategy says of a persona
	Node     string
	Back     string
	Personas []period // links to the preview as each
	Slots    []slotPreview
}

// viewer is whose eyes the site is seen with.
type viewer struct {
	name, about, node, persona, unit string
	view                             *person.View
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
	as := func(v viewer) []decision.Decision {
		return plan.Decide(decision.Request{Slots: slots, Unit: v.unit, View: v.view, Now: now, Explain: true}).Decisions
	}
	out := previewPage{}
	stranger := as(viewer{view: (&person.Person{}).View(current.Declared, now)})
	for _, d := range stranger {
		declared, _ := current.Slot(d.Slot)
		out.Slots = append(out.Slots, slotPreview{Slot: d.Slot, Description: declared.Description})
	}
	v, err := f.viewer(r, current, now)
	if err != nil {
		return sheet{}, err
	}
	for _, one := range current.Personas {
		out.Personas = append(out.Personas, period{
			Label: one.Name, Link: preview + "?persona=" + url.QueryEscape(one.ID), Chosen: one.ID == v.persona,
		})
	}
	title := "Preview"
	if v.view != nil {
		out.Name, out.About, out.Node = v.name, v.about, v.node
		title = "Preview as " + v.name
		out.compare("as "+v.name, as(v))
	}
	if v.node != "" {
		out.Back = personLink(v.node)
	}
	out.compare("as an unknown visitor", stranger)
	return sheet{frame: framed(title, preview, personStyle), name: "preview.html", body: out}, nil
}

// viewer finds whom the page was asked for: a person by node, a persona by id.
// Without either there is no view.
func (f *function) viewer(r *http.Request, s *strategy.Strategy, now time.Time) (viewer, error) {
	node, id := r.URL.Query().Get("node"), r.URL.Query().Get("persona")
	switch {
	case node != "" && id != "":
		return viewer{}, fault.New(fault.Invalid, "two_viewers", "name a node or a persona, not both").In("persona")
	case node != "":
		asked, err := person.ParseNode(node)
		if err != nil {
			return viewer{}, err
		}
		p, err := f.have(r.Context(), asked)
		if err != nil {
			return viewer{}, err
		}
		v := p.View(s.Declared, now)
		return viewer{name: cmp.Or(brief.Name(v), asked.Value), node: node, unit: p.Unit, view: v}, nil
	case id != "":
		i := slices.IndexFunc(s.Personas, func(p persona.Persona) bool { return p.ID == id })
		if i < 0 {
			return viewer{}, fault.New(fault.Invalid, "no_persona", "the strategy has no persona %q: choose one of the page", id).In("persona")
		}
		p := &s.Personas[i]
		return viewer{name: p.Name, about: p.Description, persona: id, view: p.View(s.Declared, now)}, nil
	}
	return viewer{}, nil
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
