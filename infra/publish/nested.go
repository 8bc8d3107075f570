package publish

import (
	"slices"
	"strings"

	"rapport/shared/audience"
	"rapport/shared/person"
)

// asked returns the ids of the audiences that a program asks for, also those by
// which the preferred fields are inferred that it reads.
func (l *loader) asked(p *audience.Program) []string {
	ids := p.Asks(l.rules.fields)
	for i := range p.Args {
		ids = append(ids, l.asked(&p.Args[i])...)
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return l.audiences.at[id] == nil })
}

// checkNesting refuses audiences that ask for themselves, and reports each
// circle once, at the rule of its first member.
func (l *loader) checkNesting() {
	done := map[string]bool{}
	before := len(l.problems)
	for _, id := range l.audiences.ids() {
		l.follow(id, nil, done)
	}
	if len(l.problems) > before {
		return
	}
	sizes := map[string]int{}
	for _, id := range l.audiences.ids() {
		e := l.audiences.at[id]
		tooMuch := func(id string) bool { return l.whole(id, sizes) > audience.MaxWhole }
		if m := e.body; tooMuch(id) && !slices.ContainsFunc(l.asked(&e.value.When), tooMuch) {
			l.report(m.file, m.fields["when"], "with the audiences that it asks for, %s has over %d operations: ask for fewer", m.what, audience.MaxWhole)
		}
	}
}

// whole counts the operations of an audience and of all that it asks for, up to
// a little over the limit.
func (l *loader) whole(id string, sizes map[string]int) int {
	if n, known := sizes[id]; known {
		return n
	}
	program := &l.audiences.at[id].value.When
	n := operationsOf(program)
	for _, next := range l.asked(program) {
		n = min(n+l.whole(next, sizes), audience.MaxWhole+1)
	}
	sizes[id] = n
	return n
}

func operationsOf(p *audience.Program) int {
	n := 1
	for i := range p.Args {
		n += operationsOf(&p.Args[i])
	}
	return n
}

// follow goes along what an audience asks for; way is how it came here.
func (l *loader) follow(id string, way []string, done map[string]bool) {
	if i := slices.Index(way, id); i >= 0 {
		l.reportCircle(way[i:])
		return
	}
	if done[id] {
		return
	}
	way = append(way, id)
	for _, next := range l.asked(&l.audiences.at[id].value.When) {
		l.follow(next, way, done)
	}
	done[id] = true
}

func (l *loader) reportCircle(circle []string) {
	first := slices.Index(circle, slices.Min(circle))
	circle = slices.Concat(circle[first:], circle[:first+1])
	m := l.audiences.at[circle[0]].body
	l.report(m.file, m.fields["when"], "%s asks for itself (%s): let one of them do without", m.what, strings.Join(circle, " → "))
}

// checkStages refuses comparisons of lifecycle with what is no stage.
func (t *translation) checkStages(p audience.Program) (wrong string, ok bool) {
	isStage := func(a audience.Program) bool { return a.Op == audience.OpGet && a.Path[0] == audience.Lifecycle }
	if !slices.ContainsFunc(p.Args, isStage) || p.Op != audience.OpEqual && p.Op != audience.OpUnequal && p.Op != audience.OpIn {
		return "", true
	}
	for _, a := range p.Args {
		for _, c := range append([]audience.Program{a}, a.Args...) {
			if c.Op == audience.OpConst && c.Type == audience.TypeString && !slices.Contains(person.Stages(), person.Stage(c.Text)) {
				return c.Text, false
			}
		}
	}
	return "", true
}

// stageNames lists the stages as texts.
func stageNames() []string {
	var out []string
	for _, s := range person.Stages() {
		out = append(out, string(s))
	}
	return out
}
