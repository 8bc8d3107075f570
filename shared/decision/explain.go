package decision

import "rapport/shared/content"

// Reason says what became of a candidate.
type Reason string

// The reasons, in the order that they are looked for.
const (
	Early     Reason = "early"     // its From has not come
	Late      Reason = "late"      // its Until has passed
	Audience  Reason = "audience"  // the person is not in its audience
	When      Reason = "when"      // its own rule does not hold
	Outranked Reason = "outranked" // eligible, but another one has a higher priority
	Equal     Reason = "equal"     // eligible, but one of its equals was taken
	Unneeded  Reason = "unneeded"  // the fallback, and another block was there
	Chosen    Reason = "chosen"
)

// Candidate is a block of the slot and what became of it.
type Candidate struct {
	Block    string
	Priority int
	Reason   Reason
	Audience string // the block's audience; "" for everyone
	Why      string // the condition that decided, with its value, where a rule removed the block
}

// explain tells of every block of the slot why it was or was not chosen. It goes
// by the same checks as the choice, over all blocks.
func (c *chooser) explain(s *Slot, chosen *content.Block) []Candidate {
	out := make([]Candidate, 0, len(s.ranked)+1)
	for _, b := range s.ranked {
		reason, why := c.reason(b, chosen)
		out = append(out, tell(b.Block, reason, why))
	}
	if s.fallback == chosen {
		return append(out, tell(s.fallback, Chosen, ""))
	}
	return append(out, tell(s.fallback, Unneeded, ""))
}

func tell(b *content.Block, reason Reason, why string) Candidate {
	return Candidate{Block: b.ID, Priority: b.Priority, Reason: reason, Audience: b.Audience, Why: why}
}

func (c *chooser) reason(b entry, chosen *content.Block) (reason Reason, why string) {
	switch {
	case b.Block == chosen:
		return Chosen, ""
	case c.now.Before(b.From):
		return Early, ""
	case !b.Scheduled(c.now):
		return Late, ""
	case !c.member(b.audience):
		return Audience, c.plan.strategy.Rules.Why(b.audience, &c.facts)
	case !c.applies(b.Block):
		return When, c.plan.strategy.Rules.Why(b.When, &c.facts)
	case b.Priority < chosen.Priority:
		return Outranked, ""
	default:
		return Equal, ""
	}
}
