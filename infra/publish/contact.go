package publish

import (
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/quiet"
)

// readContact takes when and how often people may be written to, each of which may
// stand in one file only.
func (l *loader) readContact(root mapping) {
	if n := l.once(root, "quiet_hours", &l.quietAt); n != nil {
		l.contact.Quiet = root.quietHours("the strategy", "zones")
	}
	if n := l.once(root, "budget", &l.budgetAt); n != nil {
		l.contact.Budget = root.budget("the strategy")
	}
}

// once returns what stands under a key that may stand in one file only, nil when
// there is nothing.
func (l *loader) once(root mapping, key string, at *place) *yaml.Node {
	n := root.fields[key]
	if n == nil || kindOf(n) == "nothing" {
		return nil
	}
	if at.node != nil {
		l.report(root.file, n, "%s stands twice, at %s and here: keep one", key, *at)
		return nil
	}
	*at = place{root.file, n}
	return n
}

// quietHours returns the hours under the key, nil without it.
func (m mapping) quietHours(whose string, more ...string) *quiet.Hours {
	n := m.fields["quiet_hours"]
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode && n.Value == "none" {
		return &quiet.None
	}
	h, ok := m.loader.mapping(m.file, n, "quiet_hours of "+whose, append([]string{"from!", "to!"}, more...)...)
	if !ok {
		return nil
	}
	from, okFrom := h.clock("from")
	to, okTo := h.clock("to")
	hours := quiet.Hours{From: from, To: to}
	if !okFrom || !okTo {
		return nil
	}
	if hours.Empty() {
		m.loader.report(m.file, h.fields["to"], "to of %s must differ from from; write quiet_hours: none for no quiet hours", h.what)
	}
	if len(more) > 0 {
		m.loader.whereabouts(h, hours)
	}
	return &hours
}

// clock returns the minute of the day under the key.
func (m mapping) clock(key string) (minute int, ok bool) {
	n := m.scalar(key)
	if n == nil {
		return 0, false
	}
	if minute, ok = person.Minute(n.Value); !ok {
		m.loader.report(m.file, n, `%s of %s must be a time of day like "21:00"`, key, m.what)
	}
	return minute, ok
}

// whereabouts reads the zones in which whose zone is unknown may be, and warns of
// hours that are day nowhere else while it is night somewhere.
func (l *loader) whereabouts(m mapping, hours quiet.Hours) {
	l.contact.Zones = m.texts("zones", 50)
	for _, name := range l.contact.Zones {
		if quiet.Zone(name) == nil {
			l.report(m.file, m.fields["zones"], "there is no time zone %q: write an IANA name like Europe/Kyiv", name)
			return
		}
	}
	for _, month := range []time.Month{time.January, time.July} { // either side of summer time
		if !hours.Leaves(l.contact.Zones, time.Date(2026, month, 15, 12, 0, 0, 0, time.UTC)) {
			l.report(m.file, m.node, "%s are on somewhere at every moment, so people whose zone is unknown are written to only around the middle of the day in the zone of the strategy: "+
				"name in zones: where your people live", m.what)
			l.problems[len(l.problems)-1].Warning = true
			return
		}
	}
}

// budget returns the budget under the key, nil without it.
func (m mapping) budget(whose string) *quiet.Budget {
	n := m.fields["budget"]
	if n == nil {
		return nil
	}
	b, ok := m.loader.mapping(m.file, n, "budget of "+whose, "most!", "within!")
	if !ok {
		return nil
	}
	out := &quiet.Budget{Most: b.number("most", 1, 1000, 1)}
	if n := b.fields["within"]; n != nil {
		if daysPattern.MatchString(n.Value) {
			out.Days, _ = strconv.Atoi(n.Value[:len(n.Value)-1])
		}
		if out.Days < 1 || out.Days > quiet.MaxDays {
			m.loader.report(m.file, n, "within of %s must be a number of days from 1d to %dd", b.what, quiet.MaxDays)
		}
	}
	return out
}

// readPatience takes what a message is worth, and for how long it may wait.
func (m mapping) readPatience(t *message.Template) {
	t.Value = m.number("value", 0, 1_000_000, 0)
	if m.fields["defer"] == nil {
		return
	}
	if t.Defer = m.span("defer"); t.Defer > message.MaxDefer {
		m.loader.report(m.file, m.fields["defer"], "defer of %s must be at most %dd", m.what, message.MaxDefer/(24*time.Hour))
	}
}
