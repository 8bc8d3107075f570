package publish

import (
	"maps"
	"regexp"
	"slices"
	"time"
	_ "time/tzdata" // zones are checked the same on a machine that has none

	"go.yaml.in/yaml/v4"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/event"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/persona"
)

// entry is one thing with an id, and where it stands.
type entry[T any] struct {
	value T
	key   place   // its id
	body  mapping // what is under it
}

// section is all entries of one kind, from all files.
type section[T any] struct {
	name string
	at   map[string]*entry[T]
}

func (s *section[T]) ids() []string { return slices.Sorted(maps.Keys(s.at)) }

// loader collects what the files hold and what is wrong with it.
type loader struct {
	problems  []Problem
	unread    bool // a file could not be read, so what is missing may be in it
	zone      string
	location  *time.Location
	zoneAt    place
	computed  section[person.ComputedTrait]
	lifecycle *person.Lifecycle
	lifeAt    place
	kept      event.Retention
	keptAt    place
	audiences section[audience.Audience]
	preferred section[audience.Field]
	slots     section[content.Slot]
	blocks    section[content.Block]
	rules     *ruleCompiler
	dir       string // where files beside the YAML are
	sender    message.Sender
	senderAt  place
	contact   message.Contact
	quietAt   place
	budgetAt  place
	purposes  section[message.Purpose]
	messages  section[message.Template]
	journeys  section[journey.Journey]
	sources   section[event.Source]
	personas  section[persona.Persona]
}

func newLoader() *loader {
	return &loader{
		location:  time.UTC,
		computed:  section[person.ComputedTrait]{"computed traits", map[string]*entry[person.ComputedTrait]{}},
		audiences: section[audience.Audience]{"audiences", map[string]*entry[audience.Audience]{}},
		preferred: section[audience.Field]{"preferred fields", map[string]*entry[audience.Field]{}},
		slots:     section[content.Slot]{"slots", map[string]*entry[content.Slot]{}},
		blocks:    section[content.Block]{"blocks", map[string]*entry[content.Block]{}},
		purposes:  section[message.Purpose]{"purposes", map[string]*entry[message.Purpose]{}},
		messages:  section[message.Template]{"messages", map[string]*entry[message.Template]{}},
		journeys:  section[journey.Journey]{"journeys", map[string]*entry[journey.Journey]{}},
		sources:   section[event.Source]{"sources", map[string]*entry[event.Source]{}},
		personas:  section[persona.Persona]{"personas", map[string]*entry[persona.Persona]{}},
	}
}

// readRoot reads the top of a file.
func (l *loader) readRoot(f *file, root *yaml.Node) {
	if kindOf(root) == "nothing" {
		return
	}
	m, ok := l.mapping(f, root, "a strategy file", "zone", "computed", "lifecycle", "retention", "audiences", "preferred", "slots", "blocks", "sender", "quiet_hours", "budget", "purposes", "messages", "journeys", "sources", "personas")
	if !ok {
		return
	}
	l.readZone(m)
	entries(l, m, "computed", &l.computed, namePattern, "event!", "op!", "of", "window", "half_life")
	l.readLifecycle(m)
	l.readRetention(m)
	entries(l, m, "audiences", &l.audiences, idPattern, "name!", "description", "when!")
	entries(l, m, "preferred", &l.preferred, namePattern, preferredKeys...)
	entries(l, m, "slots", &l.slots, idPattern, "description", "fallback!")
	entries(l, m, "blocks", &l.blocks, idPattern,
		"slot!", "audience", "when", "priority", "weight", "from", "until", "content!")
	l.readSender(m)
	l.readContact(m)
	entries(l, m, "purposes", &l.purposes, idPattern, purposeKeys...)
	entries(l, m, "messages", &l.messages, idPattern, messageKeys...)
	entries(l, m, "journeys", &l.journeys, idPattern, journeyKeys...)
	entries(l, m, "sources", &l.sources, idPattern, sourceKeys...)
	entries(l, m, "personas", &l.personas, idPattern, personaKeys...)
}

// readZone takes the zone, which may stand in one file only.
func (l *loader) readZone(m mapping) {
	n := m.fields["zone"]
	if n == nil {
		return
	}
	if l.zoneAt.node != nil {
		l.report(m.file, n, "zone stands twice, at %s and here: keep one", l.zoneAt)
		return
	}
	l.zoneAt = place{m.file, n}
	l.zone = m.text("zone", 64)
	location, err := time.LoadLocation(l.zone)
	if l.zone == "Local" || err != nil {
		l.report(m.file, n, "there is no time zone %q: write an IANA name like Europe/Kyiv", l.zone)
		return
	}
	l.location = location
}

// entries reads one section of a file.
func entries[T any](l *loader, root mapping, key string, s *section[T], pattern *regexp.Regexp, keys ...string) {
	n := root.fields[key]
	if n == nil || kindOf(n) == "nothing" {
		return
	}
	if n.Kind != yaml.MappingNode {
		l.report(root.file, n, "%s must be ids with what each of them is, not %s", key, kindOf(n))
		return
	}
	for idNode, value := range l.pairs(root.file, n) {
		id, here := idNode.Value, place{root.file, idNode}
		what := article(s.name, id)
		if !pattern.MatchString(id) {
			l.report(root.file, idNode, "%q cannot be an id: %s", id, idRule(pattern))
		}
		body, ok := l.mapping(root.file, value, what, keys...)
		if first := s.at[id]; first != nil {
			l.report(root.file, idNode, "%s stands twice, at %s and here: rename one of them", what, first.key)
			continue
		}
		if ok {
			s.at[id] = &entry[T]{key: here, body: body}
		}
	}
}

func idRule(pattern *regexp.Regexp) string {
	if pattern == namePattern {
		return "use a-z, 0-9 and _, begin with a letter, at most 64 characters, so that rules can name it"
	}
	return "use a-z, 0-9, _ and -, at most 64 characters"
}

// readAudience reads the body of an audience, except for its rule.
func (l *loader) readAudience(id string, e *entry[audience.Audience]) {
	e.value = audience.Audience{
		ID: id, Name: e.body.text("name", 100), Description: e.body.text("description", 1000), Text: e.body.text("when", audience.MaxText),
	}
}

// readSlot reads the body of a slot.
func (l *loader) readSlot(id string, e *entry[content.Slot]) {
	e.value = content.Slot{ID: id, Description: e.body.text("description", 1000), Fallback: e.body.id("fallback")}
}

// The bounds of a block's numbers.
const (
	maxPriority = 1000
	maxWeight   = 1000
)

// readBlock reads the body of a block, except for its rule.
func (l *loader) readBlock(id string, e *entry[content.Block]) {
	m := e.body
	e.value = content.Block{
		ID: id, Slot: m.id("slot"), Audience: m.id("audience"), When: content.NoRule, Text: m.text("when", audience.MaxText),
		Priority: m.number("priority", 0, maxPriority, 0), Weight: m.number("weight", 1, maxWeight, 1),
		From: m.moment("from", l.location), Until: m.moment("until", l.location), Content: l.readContent(m),
	}
}
