package decide

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"

	"rapport/shared/decision"
	"rapport/shared/person"
)

// answer is what POST /v1/decide answers with. All that is left out when empty
// is for secret keys only, except Preferred.
type answer struct {
	Decisions []chosen `json:"decisions"` // in the order asked
	Strategy  string   `json:"strategy"`  // its version

	// Preferred are the preferred fields that the strategy declares, by name, for
	// everybody who asks.
	Preferred map[string]any `json:"preferred,omitempty"`

	Person *served `json:"person,omitempty"`
}

type chosen struct {
	Slot    string          `json:"slot"`
	Block   string          `json:"block"`
	Content json.RawMessage `json:"content"`
	Receipt string          `json:"receipt"`
	*reasons
	policy decision.Policy // for OFREP, which tells everyone a reason
}

// reasons say why it was that block.
type reasons struct {
	Policy      decision.Policy `json:"policy"`
	Probability float64         `json:"probability"`
	Explain     []candidate     `json:"explain"` // every block of the slot, best rank first
}

type candidate struct {
	Block    string          `json:"block"`
	Priority int             `json:"priority"`
	Reason   decision.Reason `json:"reason"`
	Audience string          `json:"audience,omitempty"`
	Why      string          `json:"why,omitempty"`
}

// served says who the decisions are for.
type served struct {
	Node      string   `json:"node,omitempty"` // whose person was looked for
	Known     bool     `json:"known"`          // has a proven user id
	Unit      string   `json:"unit,omitempty"` // what splits are drawn by
	Audiences []string `json:"audiences"`
	Reads     int64    `json:"reads"` // items read to find the person
}

// answer decides, and writes down what was decided.
func (f *function) answer(p *decision.Plan, slots []*decision.Slot, q question, who found) answer {
	request := f.request(p, slots, q, who)
	var made decision.Answer
	if who.failed == nil {
		made = p.Decide(request)
	} else {
		made = p.Fallbacks(slots)
	}
	out := answer{Decisions: make([]chosen, len(slots)), Strategy: p.Strategy().Version}
	holder := f.receipts.Holder(request.Unit)
	for i, d := range made.Decisions {
		out.Decisions[i] = chosen{
			Slot: d.Slot, Block: d.Block.ID, Content: d.Block.Content, policy: d.Policy,
			Receipt: decision.Sign(f.receipts, decision.Receipt{
				Slot: d.Slot, Block: d.Block.ID, Policy: d.Policy, Probability: d.Probability,
				Strategy: out.Strategy, Minute: request.Now, Holder: holder,
			}),
		}
		if q.trusted {
			out.Decisions[i].reasons = explain(d)
		}
	}
	out.Preferred = f.preferred(p, request, q, who)
	if q.trusted {
		out.Person = serve(request, made, q.visitor, who.reads)
	}
	return out
}

// request puts the question in the terms of decisions. Somebody unknown is like
// a person without any event. While people cannot be read there is no unit
// either: nobody holds such receipts, so what is shown then counts for nobody.
func (f *function) request(p *decision.Plan, slots []*decision.Slot, q question, who found) decision.Request {
	someone, unit := who.person, q.visitor.unit
	switch {
	case who.failed != nil:
		someone, unit = &person.Person{}, ""
	case someone == nil:
		someone = &person.Person{}
	default:
		unit = cmp.Or(someone.Unit, unit) // of who refused there is none
	}
	now := f.Now()
	return decision.Request{
		Slots: slots, Unit: unit, View: someone.View(p.Strategy().Declared, now),
		Context: q.Context, Now: now, Explain: q.trusted,
	}
}

func serve(r decision.Request, made decision.Answer, v visitor, reads int64) *served {
	s := &served{Known: r.View.Known, Unit: r.Unit, Audiences: made.Audiences, Reads: reads}
	if s.Audiences == nil {
		s.Audiences = []string{}
	}
	if !v.node.IsZero() {
		s.Node = v.node.String()
	}
	return s
}

func explain(d decision.Decision) *reasons {
	r := &reasons{Policy: d.Policy, Probability: d.Probability, Explain: make([]candidate, len(d.Candidates))}
	for i, c := range d.Candidates {
		r.Explain[i] = candidate(c)
	}
	return r
}

// stopwatch says where the time went, in the form of the Server-Timing header.
type stopwatch struct {
	now  func() time.Time
	last time.Time
	laps string
}

func (f *function) start() *stopwatch { return &stopwatch{now: f.Now, last: f.Now()} }

func (s *stopwatch) lap(name string) {
	now := s.now()
	if s.laps != "" {
		s.laps += ", "
	}
	const perMS = float64(time.Millisecond)
	s.laps += name + ";dur=" + strconv.FormatFloat(float64(now.Sub(s.last))/perMS, 'f', 1, 64)
	s.last = now
}
