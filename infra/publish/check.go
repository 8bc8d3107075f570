package publish

import (
	"slices"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/strategy"
)

// check reads the bodies of all entries and checks what they say of each other.
func (l *loader) check() {
	if l.zoneAt.node == nil {
		l.problems = append(l.problems, Problem{File: "strategy", Message: "no file has a zone: write zone: with the IANA name of your time zone, like Europe/Kyiv"})
	}
	for _, name := range l.computed.ids() {
		l.readComputed(name, l.computed.at[name])
	}
	l.readAllPreferred()
	l.rules = newRuleCompiler(l)
	for _, id := range l.audiences.ids() {
		e := l.audiences.at[id]
		l.readAudience(id, e)
		if program := l.rule(e.body); program != nil {
			e.value.When = *program
			l.warnContext(e.body, program)
		}
	}
	l.checkNesting()
	for _, id := range l.slots.ids() {
		l.readSlot(id, l.slots.at[id])
	}
	for _, id := range l.blocks.ids() {
		l.readBlock(id, l.blocks.at[id])
		l.checkBlock(l.blocks.at[id])
	}
	for _, id := range l.slots.ids() {
		l.checkFallback(l.slots.at[id])
	}
	for _, id := range l.purposes.ids() {
		l.readPurpose(id, l.purposes.at[id])
	}
	for _, id := range l.messages.ids() {
		l.readMessage(id, l.messages.at[id])
	}
	for _, id := range l.journeys.ids() {
		l.readJourney(id, l.journeys.at[id])
	}
	for _, id := range l.sources.ids() {
		l.readSource(id, l.sources.at[id])
	}
	for _, id := range l.personas.ids() {
		l.readPersona(id, l.personas.at[id])
	}
	l.checkSpelling()
}

// rule compiles the rule of a body; nil when there is none, or a wrong one.
func (l *loader) rule(m mapping) *audience.Program {
	n := m.scalar("when")
	if n == nil || n.Value == "" {
		return nil
	}
	return l.rules.compile(place{m.file, n}, m.what)
}

// checkBlock checks a block's references, rule and schedule.
func (l *loader) checkBlock(e *entry[content.Block]) {
	b, m := &e.value, e.body
	b.Rule = l.rule(m)
	if n := m.fields["slot"]; n != nil && b.Slot != "" && l.slots.at[b.Slot] == nil {
		l.report(m.file, n, "%s is for the slot %q, which does not exist%s", m.what, b.Slot, didYouMean(b.Slot, l.slots.ids()))
	}
	if n := m.fields["audience"]; n != nil && b.Audience != "" && l.audiences.at[b.Audience] == nil {
		l.report(m.file, n, "%s is for the audience %q, which does not exist%s", m.what, b.Audience, didYouMean(b.Audience, l.audiences.ids()))
	}
	if !b.From.IsZero() && !b.Until.IsZero() && !b.Until.After(b.From) {
		l.report(m.file, m.fields["until"], "%s ends before it begins: until must be later than from", m.what)
	}
}

// checkFallback makes sure that a slot always has something to show.
func (l *loader) checkFallback(e *entry[content.Slot]) {
	n := e.body.scalar("fallback")
	if n == nil {
		return
	}
	block := l.blocks.at[n.Value]
	if block == nil {
		l.report(e.body.file, n, "the fallback %q of %s does not exist%s", n.Value, e.body.what, didYouMean(n.Value, l.blocks.ids()))
		return
	}
	if block.value.Slot != e.value.ID && block.value.Slot != "" {
		l.report(e.body.file, n, "the fallback %q of %s is a block of the slot %q: name one of this slot", n.Value, e.body.what, block.value.Slot)
	}
	for _, key := range []string{"audience", "when", "from", "until"} {
		if at := block.body.fields[key]; at != nil {
			l.report(block.body.file, at, "%s is the fallback of %s and must always do: remove %s", block.body.what, e.body.what, key)
		}
	}
}

// warnContext tells that only a website's request has a context.
func (l *loader) warnContext(m mapping, p *audience.Program) {
	if slices.ContainsFunc(paths(p), func(path []string) bool { return path[0] == audience.Context }) {
		n := m.fields["when"]
		l.report(m.file, n, "%s reads context, which is empty except while a website asks for content: put that condition into the when of a block", m.what)
		l.problems[len(l.problems)-1].Warning = true
	}
}

// times returns the paths of the computed traits that are times.
func (l *loader) times() []string {
	return strategy.Times(l.document().Computed)
}
