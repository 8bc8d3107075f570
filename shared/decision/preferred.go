package decision

import "rapport/shared/audience"

// Preferred returns the value of every preferred field of the strategy for the
// request's view, and where it is from; with Explain the values that lost too. It
// may be asked for a narrower view than content was chosen by.
func (p *Plan) Preferred(r Request) []audience.Resolved {
	if len(p.strategy.Preferred) == 0 {
		return nil
	}
	c := p.choosers.Get().(*chooser)
	defer p.choosers.Put(c)
	c.begin(r)
	return p.strategy.Rules.Resolve(&c.facts, r.View, r.Explain)
}
