package publish

import (
	"regexp"
	"slices"
	"strconv"

	"rapport/shared/person"
)

// maxDays bounds windows, half-lives and the life cycle: what lies in a window is
// in the person's item.
const maxDays = 365

var daysPattern = regexp.MustCompile(`^[1-9][0-9]{0,2}d$`)

// days returns the number of days under the key, written like 30d; 0 without it.
func (m mapping) days(key string) int {
	n := m.fields[key]
	if n == nil {
		return 0
	}
	days := 0
	if daysPattern.MatchString(n.Value) {
		days, _ = strconv.Atoi(n.Value[:len(n.Value)-1])
	}
	if days == 0 || days > maxDays {
		m.loader.report(m.file, n, "%s of %s must be a number of days from 1d to %dd", key, m.what, maxDays)
		return 0
	}
	return days
}

// readComputed reads the body of a computed trait.
func (l *loader) readComputed(name string, e *entry[person.ComputedTrait]) {
	m := e.body
	e.value = person.ComputedTrait{
		Name: name, Op: person.Op(m.text("op", 10)), Event: m.text("event", 200), Of: m.texts("of", 10),
		Window: m.days("window"), HalfLife: m.days("half_life"),
	}
	var ops []string
	for _, op := range person.Ops() {
		ops = append(ops, string(op))
	}
	if op := string(e.value.Op); !slices.Contains(ops, op) {
		if n := m.scalar("op"); n != nil {
			l.report(m.file, n, "op of %s cannot be %q%s", m.what, op, didYouMean(op, ops))
		}
		return
	}
	l.checkOf(m, e.value)
	l.checkSpan(m, e.value)
}

// checkOf makes sure that a fold of a property has one that suits it.
func (l *loader) checkOf(m mapping, t person.ComputedTrait) {
	of := m.fields["of"]
	switch {
	case t.Op == person.Count && of != nil:
		l.report(m.file, of, "%s counts events: leave of out, or use sum", m.what)
	case t.Op == person.Recency && of != nil:
		l.report(m.file, of, "%s counts the days since the last event: leave of out", m.what)
	case t.Op.TakesProperty() && of == nil:
		l.report(m.file, m.node, "%s needs of: the property to take the %s of", m.what, t.Op)
	case t.Op != person.First && t.Op != person.Last && slices.Contains(t.Of, person.TimestampProperty):
		l.report(m.file, of, "%s cannot take the %s of timestamp: only first and last can", m.what, t.Op)
	}
}

// checkSpan makes sure that only what looks back says how far.
func (l *loader) checkSpan(m mapping, t person.ComputedTrait) {
	window, half := m.fields["window"], m.fields["half_life"]
	switch {
	case window != nil && !t.Op.Windowed():
		l.report(m.file, window, "%s cannot have a window: leave it out, or use another op than %s", m.what, t.Op)
	case half != nil && t.Op != person.Affinity:
		l.report(m.file, half, "%s cannot have a half_life: leave it out, or use affinity", m.what)
	case half == nil && t.Op == person.Affinity:
		l.report(m.file, m.node, "%s needs half_life: after how many days an event weighs half, like 30d", m.what)
	}
}

// readLifecycle reads the life cycle, which may stand in one file only.
func (l *loader) readLifecycle(root mapping) {
	n := root.fields["lifecycle"]
	if n == nil || kindOf(n) == "nothing" {
		return
	}
	if l.lifeAt.node != nil {
		l.report(root.file, n, "lifecycle stands twice, at %s and here: keep one", l.lifeAt)
		return
	}
	l.lifeAt = place{root.file, n}
	m, ok := l.mapping(root.file, n, "the lifecycle", "goal!", "lead", "cooling!", "lapsed!")
	if !ok {
		return
	}
	l.lifecycle = &person.Lifecycle{
		Goal: m.text("goal", 200), Lead: m.texts("lead", 10),
		Cooling: m.days("cooling"), Lapsed: m.days("lapsed"),
	}
	if l.lifecycle.Lead == nil {
		l.lifecycle.Lead = []string{person.Identified}
	}
	if c := l.lifecycle; c.Cooling > 0 && c.Lapsed > 0 && c.Lapsed <= c.Cooling {
		l.report(root.file, m.fields["lapsed"], "lapsed of the lifecycle must be more days than cooling, which comes before")
	}
}
