package publish

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"rapport/shared/event"
)

// sourceKeys are the keys of a source.
var sourceKeys = []string{
	"from", "detail_type", "accounts", "type", "event", "event_at", "events", "message_id", "timestamp",
	"user_id", "anonymous_id", "email", "external", "properties", "traits", "numbers",
}

// Limits of a source.
const (
	maxSourcePairs = 100
	longestPath    = 200
)

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

// readSource reads the body of a source.
func (l *loader) readSource(id string, e *entry[event.Source]) {
	m := e.body
	e.value = event.Source{
		ID: id, From: m.text("from", 256), Details: m.texts("detail_type", 50), Accounts: m.texts("accounts", 50),
		Type:  event.Type(m.choice("type", string(event.Track), string(event.Identify), string(event.Page), string(event.Screen))),
		Event: m.text("event", 200), EventAt: m.text("event_at", longestPath), Events: m.pairs("events"),
		MessageID: m.text("message_id", longestPath), Timestamp: m.text("timestamp", longestPath),
		UserID: m.text("user_id", longestPath), AnonymousID: m.text("anonymous_id", longestPath), Email: m.text("email", longestPath),
		External: m.pairs("external"), Properties: m.pairs("properties"), Traits: m.pairs("traits"),
		Numbers: m.texts("numbers", maxSourcePairs),
	}
	l.checkSource(m, &e.value)
}

// checkSource finds what could never take in an event, or not the one meant.
func (l *loader) checkSource(m mapping, s *event.Source) {
	if s.UserID == "" && s.AnonymousID == "" && s.Email == "" && len(s.External) == 0 {
		l.report(m.file, m.node, "%s says nobody's: give user_id, anonymous_id, email or external", m.what)
	}
	l.checkSender(m, s)
	l.checkNames(m, s)
	if n := m.fields["traits"]; n != nil && s.Type != event.Identify {
		l.report(m.file, n, "traits of %s need type: identify", m.what)
	}
	if s.Event != "" && s.EventAt != "" {
		l.report(m.file, m.fields["event_at"], "%s has event and event_at: keep one", m.what)
	}
	tracks := s.Type == "" || s.Type == event.Track
	if tracks && s.From == "" && s.Event == "" && s.EventAt == "" {
		l.report(m.file, m.node, "%s reads files, which have no detail-type: give event or event_at", m.what)
	}
}

// checkSender checks who may send it.
func (l *loader) checkSender(m mapping, s *event.Source) {
	if s.From == "rapport" || strings.HasPrefix(s.From, "rapport*") || strings.HasPrefix(s.From, "aws.") || s.From == "*" {
		l.report(m.file, m.fields["from"], "from of %s cannot be %q: name the systems that send, and neither Rapport nor AWS", m.what, s.From)
	}
	for _, key := range []string{"detail_type", "accounts"} {
		if n := m.fields[key]; n != nil && s.From == "" {
			l.report(m.file, n, "%s of %s is about events on the bus: give from as well", key, m.what)
		}
	}
	for _, account := range s.Accounts {
		if !accountPattern.MatchString(account) {
			l.report(m.file, m.fields["accounts"], "accounts of %s are AWS account ids of 12 digits in quotes, unlike %q", m.what, account)
		}
	}
}

// checkNames checks the names that the source gives.
func (l *loader) checkNames(m mapping, s *event.Source) {
	for kind := range s.External {
		if !idPattern.MatchString(kind) {
			l.report(m.file, m.fields["external"], "%q in external of %s must be an id of a-z, 0-9, _ and -, at most 64 characters", kind, m.what)
		}
	}
	for _, name := range s.Numbers {
		_, kept := s.Properties[name]
		_, trait := s.Traits[name]
		if s.Properties != nil && !kept && !trait {
			l.report(m.file, m.fields["numbers"], "numbers of %s names %q, which is none of its properties", m.what, name)
		}
	}
}

// pairs returns the names and texts under the key.
func (m mapping) pairs(key string) map[string]string {
	n := m.fields[key]
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 || len(n.Content) > 2*maxSourcePairs {
		m.loader.report(m.file, n, "%s of %s must be 1 to %d names, each with a text", key, m.what, maxSourcePairs)
		return nil
	}
	out := map[string]string{}
	for name, value := range m.loader.pairs(m.file, n) {
		one := mapping{loader: m.loader, place: place{m.file, name}, what: key + " of " + m.what, fields: map[string]*yaml.Node{name.Value: value}}
		if len(name.Value) == 0 || len([]rune(name.Value)) > longestPath {
			m.loader.report(m.file, name, "a name in %s of %s has 1 to %d characters", key, m.what, longestPath)
			continue
		}
		out[name.Value] = one.text(name.Value, longestPath)
	}
	return out
}

// checkSpelling warns of names of events that are nearly one of the vocabulary.
func (l *loader) checkSpelling() {
	for _, id := range l.computed.ids() {
		l.spelling(l.computed.at[id].body, "event")
	}
	for _, id := range l.journeys.ids() {
		for _, key := range []string{"start", "change", "goal"} {
			l.spelling(l.journeys.at[id].body, key)
		}
	}
	for _, id := range l.sources.ids() {
		body := l.sources.at[id].body
		l.spelling(body, "event")
		if n := body.fields["events"]; n != nil && n.Kind == yaml.MappingNode {
			for i := 1; i < len(n.Content); i += 2 {
				l.spell(body, n.Content[i])
			}
		}
	}
}

func (l *loader) spelling(m mapping, key string) {
	n := m.fields[key]
	if n == nil {
		return
	}
	for _, item := range append(slices.Clone(n.Content), n) {
		if item.Kind == yaml.ScalarNode {
			l.spell(m, item)
		}
	}
}

// nearly is how many letters a misspelt name may differ in.
const nearly = 2

func (l *loader) spell(m mapping, n *yaml.Node) {
	if _, known := event.Spec(n.Value); known || n.Value == "" {
		return
	}
	for _, t := range event.Vocabulary() {
		if len(n.Value) > nearly+2 && edits(strings.ToLower(n.Value), strings.ToLower(t.Event)) <= nearly {
			l.report(m.file, n, "%s names the event %q; did you mean %q, as the Segment spec has it?", m.what, n.Value, t.Event)
			l.problems[len(l.problems)-1].Warning = true
			return
		}
	}
}
