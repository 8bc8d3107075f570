package publish

import (
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"rapport/shared/journey"
	"rapport/shared/letter"
	"rapport/shared/message"
	"rapport/shared/strategy"
)

// The keys of the sections that mail is made of.
var (
	senderKeys  = []string{"from!", "reply_to", "site", "links", "address"}
	purposeKeys = []string{"name!", "basis!", "channels", "allows", "categories", "gpc", "lasts", "transactional", "quiet_hours", "budget"}
	messageKeys = []string{"purpose!", "guarantee", "subject!", "mjml", "html", "text", "value", "defer"}
	journeyKeys = []string{"description", "need", "start", "key", "change", "goal", "steps!"}
)

// readSender takes the sender, which may stand in one file only.
func (l *loader) readSender(root mapping) {
	n := root.fields["sender"]
	if n == nil || kindOf(n) == "nothing" {
		return
	}
	if l.senderAt.node != nil {
		l.report(root.file, n, "sender stands twice, at %s and here: keep one", l.senderAt)
		return
	}
	l.senderAt = place{root.file, n}
	m, ok := l.mapping(root.file, n, "the sender", senderKeys...)
	if !ok {
		return
	}
	l.sender = message.Sender{
		From: m.mailbox("from"), ReplyTo: m.mailbox("reply_to"), Site: m.base("site"), Links: m.base("links"), Address: m.text("address", 500),
	}
}

// mailbox returns the name and address under the key.
func (m mapping) mailbox(key string) string {
	text := m.text(key, 320)
	if text == "" {
		return ""
	}
	if a, err := mail.ParseAddress(text); err != nil || letter.CheckAddress(a.Address) != nil {
		m.loader.report(m.file, m.fields[key], "%s of %s must be an address like Shop <shop@example.com>", key, m.what)
		return ""
	}
	return text
}

// base returns the beginning of addresses under the key.
func (m mapping) base(key string) string {
	text := m.text(key, 500)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	local := err == nil && u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost")
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && !local {
		m.loader.report(m.file, m.fields[key], "%s of %s must begin with https:// and have neither ? nor #", key, m.what)
	}
	return strings.TrimRight(text, "/")
}

// choice returns one of the known words under the key.
func (m mapping) choice(key string, known ...string) string {
	n := m.scalar(key)
	if n == nil {
		return ""
	}
	if !slices.Contains(known, n.Value) {
		m.loader.report(m.file, n, "%s of %s cannot be %q%s", key, m.what, n.Value, didYouMean(n.Value, known))
	}
	return n.Value
}

// readPurpose reads the body of a purpose.
func (l *loader) readPurpose(id string, e *entry[message.Purpose]) {
	m := e.body
	e.value = message.Purpose{
		ID: id, Name: m.text("name", 100), Basis: message.Basis(m.choice("basis", string(message.OptIn), string(message.OptOut))),
		Channels: m.choices("channels", message.Channels()...), Categories: m.texts("categories", 20), GPC: m.yes("gpc"), Lasts: m.days("lasts"),
		Transactional: m.yes("transactional"), Quiet: m.quietHours(m.what), Budget: m.budget(m.what),
	}
	if e.value.Transactional && (e.value.Quiet != nil || e.value.Budget != nil) {
		l.report(m.file, m.fields["transactional"], "%s is transactional, so nothing holds its messages back: leave out its quiet_hours and its budget", m.what)
	}
	for _, use := range m.choices("allows", string(message.Tracking), string(message.Personalization)) {
		e.value.Allows = append(e.value.Allows, message.Use(use))
	}
}

// choices returns the list of known words under the key.
func (m mapping) choices(key string, known ...string) []string {
	words := m.texts(key, len(known))
	for _, word := range words {
		if !slices.Contains(known, word) {
			m.loader.report(m.file, m.fields[key], "%s of %s cannot have %q%s", key, m.what, word, didYouMean(word, known))
		}
	}
	return words
}

// yes returns whether true stands under the key; false without it.
func (m mapping) yes(key string) bool {
	n := m.fields[key]
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		m.loader.report(m.file, n, "%s of %s must be true or false, not %s", key, m.what, kindOf(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// readJourney reads the body of a journey.
func (l *loader) readJourney(id string, e *entry[journey.Journey]) {
	m := e.body
	j := journey.Journey{
		ID: id, Description: m.text("description", 1000), Need: m.text("need", 1000), Start: m.text("start", 200), Key: m.text("key", 200),
		Change: m.texts("change", 20), Goal: m.texts("goal", 20), Steps: l.readSteps(m),
	}
	l.aboutTheCart(m, &j)
	for _, name := range j.Goal {
		if name == j.Start || slices.Contains(j.Change, name) {
			l.report(m.file, m.fields["goal"], "%q cannot be a goal of %s and also start or change it", name, m.what)
		}
	}
	if n := m.fields["steps"]; n != nil && j.Longest() > longestWait {
		l.report(m.file, n, "%s takes over 365 days: shorten its waits", m.what)
	}
	sealed, err := strategy.SealJourney(j)
	if err != nil {
		l.report(m.file, m.node, "%s cannot be encoded", m.what)
	}
	e.value = sealed
}

// aboutTheCart completes a journey that does not say what starts it: it is about
// the cart, in the words of the Segment spec.
func (l *loader) aboutTheCart(m mapping, j *journey.Journey) {
	if m.fields["start"] != nil {
		if m.fields["goal"] == nil {
			l.report(m.file, m.node, "%s needs goal", m.what)
		}
		return
	}
	cart := journey.Cart()
	j.Start = cart.Start
	if m.fields["key"] == nil {
		j.Key = cart.Key
	}
	if m.fields["change"] == nil {
		j.Change = cart.Change
	}
	if m.fields["goal"] == nil {
		j.Goal = cart.Goal
	}
}

// maxSteps bounds a journey.
const maxSteps = 10

func (l *loader) readSteps(m mapping) []journey.Step {
	n := m.fields["steps"]
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 || len(n.Content) > maxSteps {
		l.report(m.file, n, "steps of %s must be a list of 1 to %d steps", m.what, maxSteps)
		return nil
	}
	var steps []journey.Step
	for i, item := range n.Content {
		s, ok := l.mapping(m.file, item, "step "+strconv.Itoa(i+1)+" of "+m.what, "wait!", "send!")
		if !ok {
			continue
		}
		step := journey.Step{Wait: s.span("wait"), Send: s.id("send")}
		if step.Send != "" && l.messages.at[step.Send] == nil {
			l.report(m.file, s.fields["send"], "%s sends the message %q, which does not exist%s", s.what, step.Send, didYouMean(step.Send, l.messages.ids()))
		}
		steps = append(steps, step)
	}
	return steps
}

// longestWait bounds how long a journey may keep somebody waiting.
const longestWait = 365 * 24 * time.Hour

var spanPattern = regexp.MustCompile(`^([0-9]{1,4}d)?([0-9]{1,4}h)?([0-9]{1,6}m)?$`)

// span returns the duration under the key: days, hours and minutes, like 1h30m.
func (m mapping) span(key string) time.Duration {
	n := m.scalar(key)
	if n == nil {
		return 0
	}
	total, ok := parseSpan(n.Value)
	if !ok {
		m.loader.report(m.file, n, "%s of %s must be a duration like 45m, 1h30m or 3d", key, m.what)
		return 0
	}
	if total <= 0 || total > longestWait {
		m.loader.report(m.file, n, "%s of %s must be from 1m to 365d", key, m.what)
		return 0
	}
	return total
}

// parseSpan reads days, hours and minutes; false for what is none.
func parseSpan(text string) (total time.Duration, ok bool) {
	parts := spanPattern.FindStringSubmatch(text)
	if parts == nil || text == "" {
		return 0, false
	}
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		count, _ := strconv.Atoi(strings.TrimRight(parts[i+1], "dhm")) // "" is none
		total += time.Duration(count) * unit
	}
	return total, true
}
