package publish

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v4"

	"rapport/shared/event"
)

// daysOfYear is what a year of retention has. It never falls short of the
// calendar, for laws that ask for years mean whole ones.
const daysOfYear = 366

var keptPattern = regexp.MustCompile(`^([1-9][0-9]{0,4}d|[1-9][0-9]?y)$`)

// readRetention reads for how long things are kept, which may stand in one file
// only.
func (l *loader) readRetention(root mapping) {
	n := root.fields["retention"]
	if n == nil || kindOf(n) == "nothing" {
		return
	}
	if l.keptAt.node != nil {
		l.report(root.file, n, "retention stands twice, at %s and here: keep one", l.keptAt)
		return
	}
	l.keptAt = place{root.file, n}
	m, ok := l.mapping(root.file, n, "the retention", "default", "visitors", "events")
	if !ok {
		return
	}
	l.kept = event.Retention{Default: m.kept("default"), Visitors: m.kept("visitors")}
	events := m.fields["events"]
	if events == nil || kindOf(events) == "nothing" {
		return
	}
	if events.Kind != yaml.MappingNode {
		l.report(root.file, events, "events of the retention must be names or types of events with how long each is kept, not %s", kindOf(events))
		return
	}
	each := mapping{loader: l, place: place{root.file, events}, what: "the retention", fields: map[string]*yaml.Node{}}
	l.kept.Events = map[string]int{}
	for key, value := range l.pairs(root.file, events) {
		if key.Value == "" || len([]rune(key.Value)) > 200 {
			l.report(root.file, key, "an event has a name of at most 200 characters")
			continue
		}
		l.spell(each, key)
		each.fields[key.Value] = value
		l.kept.Events[key.Value] = each.kept(key.Value)
	}
}

// kept returns the days under the key, written like 90d or 10y; 0 without it.
func (m mapping) kept(key string) int {
	n := m.fields[key]
	if n == nil {
		return 0
	}
	days := 0
	if n.Kind == yaml.ScalarNode && keptPattern.MatchString(n.Value) {
		number, unit := n.Value[:len(n.Value)-1], n.Value[len(n.Value)-1]
		if days, _ = strconv.Atoi(number); unit == 'y' {
			days *= daysOfYear
		}
	}
	if days < event.MinDays || days > event.MaxDays {
		m.loader.report(m.file, n, "%s of %s must be days from %dd to %dd, or years like 10y", key, m.what, event.MinDays, event.MaxDays)
		return 0
	}
	return days
}
