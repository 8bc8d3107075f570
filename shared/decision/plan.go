package decision

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"rapport/shared/content"
	"rapport/shared/fault"
	"rapport/shared/strategy"
)

// MaxSlots is how many slots one request may name.
const MaxSlots = 50

// Plan is a strategy laid out for deciding. Make one for each strategy and keep
// it; it never changes, and any number of goroutines may use it.
type Plan struct {
	strategy *strategy.Strategy
	slots    map[string]*Slot
	sorted   []*Slot // by id
	choosers sync.Pool
}

// Slot is a slot of a plan, with its blocks in the order that they are tried.
type Slot struct {
	ID       string
	fallback *content.Block
	ranked   []entry // all but the fallback, highest priority first, equals by id
	shelves  []shelf // the same by audience, the shelf with the best block first
}

// entry is a block with what choosing asks of it, side by side in memory: in a
// large catalogue looking into every block would take most of the time.
type entry struct {
	*content.Block
	audience int // an index among the strategy's, or everyone
	rank     int // the priority
	share    uint64
	free     bool // it has neither a schedule nor a rule of its own
}

// shelf holds the blocks of one audience, so that one look at the person passes
// over all of them.
type shelf struct {
	audience int
	blocks   []entry
}

// everyone is the audience of blocks that name none.
const everyone = -1

// NewPlan lays out a strategy.
func NewPlan(s *strategy.Strategy) *Plan {
	p := &Plan{strategy: s, slots: make(map[string]*Slot, len(s.Slots))}
	p.choosers.New = func() any { return &chooser{plan: p, members: make([]verdict, len(s.Audiences))} }
	for _, declared := range s.Slots {
		slot := lay(s, declared)
		p.slots[slot.ID] = slot
		p.sorted = append(p.sorted, slot)
	}
	slices.SortFunc(p.sorted, func(a, b *Slot) int { return strings.Compare(a.ID, b.ID) })
	return p
}

// lay takes the fallback out of the slot's blocks and spreads the others over
// shelves. A shelf keeps their order and begins where its best block stands.
func lay(s *strategy.Strategy, declared content.Slot) *Slot {
	slot := &Slot{ID: declared.ID}
	at := map[int]int{}
	blocks := s.BlocksOf(declared.ID)
	for i := range blocks {
		b := &blocks[i]
		if b.ID == declared.Fallback {
			slot.fallback = b
			continue
		}
		c := entry{
			Block: b, audience: everyone, rank: b.Priority, share: uint64(b.Weight),
			free: b.From.IsZero() && b.Until.IsZero() && b.When == content.NoRule,
		}
		if b.Audience != "" {
			c.audience, _ = s.AudienceIndex(b.Audience)
		}
		slot.ranked = append(slot.ranked, c)
		k, have := at[c.audience]
		if !have {
			k = len(slot.shelves)
			at[c.audience] = k
			slot.shelves = append(slot.shelves, shelf{audience: c.audience})
		}
		slot.shelves[k].blocks = append(slot.shelves[k].blocks, c)
	}
	return slot
}

// defaulted is the decision for the slot's fallback.
func (s *Slot) defaulted() Decision {
	return Decision{Slot: s.ID, Block: s.fallback, Policy: Fallback, Probability: 1}
}

// Strategy returns the strategy that the plan was made of.
func (p *Plan) Strategy() *strategy.Strategy { return p.strategy }

// Slots finds the slots with these ids, each once, in the order they are first
// named; nil asks for all, by id. It fails with Invalid, too_many_slots or
// unknown_slot.
func (p *Plan) Slots(ids []string) ([]*Slot, error) {
	if ids == nil {
		return p.sorted, nil
	}
	if len(ids) > MaxSlots {
		return nil, fault.New(fault.Invalid, "too_many_slots", "ask for at most %d slots at once", MaxSlots).In("slots")
	}
	out := make([]*Slot, 0, len(ids))
	for i, id := range ids {
		s := p.slots[id]
		if s == nil {
			return nil, fault.New(fault.Invalid, "unknown_slot", "ask for a slot that the published strategy has").In(fmt.Sprintf("slots[%d]", i))
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, nil
}
