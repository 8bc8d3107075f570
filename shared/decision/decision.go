// Package decision chooses the content of slots for one person at one moment:
// schedule, then eligibility, then rank, then a stable split among equals, then
// the slot's guaranteed fallback. It says why each block was or was not chosen,
// and proves what was chosen with a signed receipt.
package decision

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/person"
)

// Policy says how a block was chosen.
type Policy string

// The policies.
const (
	Rule     Policy = "rule"     // schedule, rules and priority left this block
	Split    Policy = "split"    // drawn by weight among equals
	Fallback Policy = "fallback" // nothing else was eligible
)

// Request asks for the content of slots.
type Request struct {
	Slots   []*Slot         // from Plan.Slots
	Unit    string          // what splits are drawn by; "" when nobody can be recognised again
	View    *person.View    // who it is for; of somebody unknown, the view of an empty person
	Context json.RawMessage // the caller's own object, read by rules as "context"; may be nil
	Now     time.Time
	Explain bool // fill Answer.Audiences and Decision.Candidates, which costs time
}

// Answer is what Decide chose.
type Answer struct {
	Decisions []Decision // one a slot, in the order asked
	Audiences []string   // the ids of those that the person is in now; only when asked to explain
}

// Decision is the block that was chosen for a slot.
type Decision struct {
	Slot        string
	Block       *content.Block // shared by all decisions: to be read only
	Policy      Policy
	Probability float64     // with which this unit was to get this block, above 0 and at most 1
	Candidates  []Candidate // in the order of rank; only when asked to explain
}

// Decide chooses a block for every slot asked for. A rule that cannot be
// evaluated has not matched. The same request always gets the same answer, and
// a plan may be used by several callers at once.
func (p *Plan) Decide(r Request) Answer {
	c := p.choosers.Get().(*chooser)
	defer p.choosers.Put(c)
	c.begin(r)
	a := Answer{Decisions: make([]Decision, len(r.Slots))}
	for i, s := range r.Slots {
		a.Decisions[i] = c.choose(s)
		if r.Explain {
			a.Decisions[i].Candidates = c.explain(s, a.Decisions[i].Block)
		}
	}
	if r.Explain {
		a.Audiences = c.audiences()
	}
	return a
}

// Fallbacks answers with every slot's fallback, for callers that cannot find
// out who it is for.
func (p *Plan) Fallbacks(slots []*Slot) Answer {
	a := Answer{Decisions: make([]Decision, len(slots))}
	for i, s := range slots {
		a.Decisions[i] = s.defaulted()
	}
	return a
}

// chooser decides for one person at a time. It keeps its memory from one to the
// next, so that a decision allocates no more than its answer.
type chooser struct {
	plan    *Plan
	unit    string
	now     time.Time
	facts   audience.Facts
	members []verdict // by audience: what was found for this person so far
	equals  []*entry  // of one slot: the eligible blocks of the best priority
	mixed   bool      // equals are of several shelves, and so not in the order of their ids
}

// verdict is what is known of an audience.
type verdict uint8

const (
	untried verdict = iota
	inside
	outside
)

func (c *chooser) begin(r Request) {
	c.unit, c.now = r.Unit, r.Now
	clear(c.members)
	c.plan.strategy.Rules.Fill(&c.facts, r.View, r.Context, r.Now)
}

func (c *chooser) choose(s *Slot) Decision {
	c.collect(s)
	switch {
	case len(c.equals) == 0:
		return s.defaulted()
	case len(c.equals) == 1:
		return Decision{Slot: s.ID, Block: c.equals[0].Block, Policy: Rule, Probability: 1}
	default:
		return c.split(s)
	}
}

// collect finds the eligible blocks of the highest priority. A shelf that begins
// below it ends the search, so most of a large catalogue is never looked at.
func (c *chooser) collect(s *Slot) {
	c.equals, c.mixed = c.equals[:0], false
	for i := range s.shelves {
		shelf := &s.shelves[i]
		if c.outranks(&shelf.blocks[0]) {
			return
		}
		if c.member(shelf.audience) {
			c.pick(shelf.blocks)
		}
	}
}

// pick adds the best of a shelf to the equals, in place of any that are worse.
func (c *chooser) pick(blocks []entry) {
	others := len(c.equals)
	for i := range blocks {
		b := &blocks[i]
		if c.outranks(b) {
			return
		}
		if !b.free && (!b.Scheduled(c.now) || !c.applies(b.Block)) {
			continue
		}
		if len(c.equals) > 0 && b.rank > c.equals[0].rank {
			c.equals, others, c.mixed = c.equals[:0], 0, false
		}
		c.equals = append(c.equals, b)
		c.mixed = c.mixed || others > 0
	}
}

// outranks reports whether what was collected is better than the block.
func (c *chooser) outranks(b *entry) bool {
	return len(c.equals) > 0 && b.rank < c.equals[0].rank
}

// member reports whether the person is in the audience, everyone included.
func (c *chooser) member(audience int) bool {
	if audience == everyone {
		return true
	}
	if c.members[audience] == untried {
		c.members[audience] = outside
		if c.holds(audience) {
			c.members[audience] = inside
		}
	}
	return c.members[audience] == inside
}

// holds evaluates a rule; one that fails has not matched.
func (c *chooser) holds(rule int) bool {
	matched, err := c.plan.strategy.Rules.Match(rule, &c.facts)
	return matched && err == nil
}

// applies reports whether the block's own extra rule holds.
func (c *chooser) applies(b *content.Block) bool {
	return b.When == content.NoRule || c.holds(b.When)
}

// split draws one of several equals. Without a unit nothing can be drawn again
// tomorrow, so the heaviest is given to all.
func (c *chooser) split(s *Slot) Decision {
	if c.mixed {
		slices.SortFunc(c.equals, func(a, b *entry) int { return strings.Compare(a.ID, b.ID) })
	}
	heaviest, total := c.equals[0], uint64(0)
	for _, b := range c.equals {
		total += b.share
		if b.share > heaviest.share {
			heaviest = b
		}
	}
	if c.unit == "" {
		return Decision{Slot: s.ID, Block: heaviest.Block, Policy: Rule, Probability: 1}
	}
	at := Bucket(s.ID, c.unit, total)
	for _, b := range c.equals {
		if at < b.share {
			return Decision{Slot: s.ID, Block: b.Block, Policy: Split, Probability: float64(b.share) / float64(total)}
		}
		at -= b.share
	}
	return s.defaulted() // not reached: a bucket is below the sum of all weights
}

// audiences returns the ids of the audiences that the person is in.
func (c *chooser) audiences() []string {
	ids := []string{}
	for i := range c.plan.strategy.Audiences {
		if c.member(i) {
			ids = append(ids, c.plan.strategy.Audiences[i].ID)
		}
	}
	slices.Sort(ids)
	return ids
}
