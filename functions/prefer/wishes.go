package prefer

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// wishForm is the form of all that a person can say, filled with what holds.
type wishForm struct {
	Purposes []group
	Channels []choice // that messages come by; none when there are no messages
	Cadence  menu
	Hours    person.QuietHours // empty when there are none
	Theme    menu
	Topics   string // with commas between them
}

// group is some purposes under a title.
type group struct {
	Title string
	Boxes []choice
}

// choice is something that can be on or off.
type choice struct {
	ID, Name string
	On       bool
}

// menu is a field of which one choice is on. The first has no id: nothing chosen.
type menu struct {
	Name    string
	Options []choice
}

// formOf fills the form for a person.
func formOf(s *strategy.Strategy, p *person.Person, now time.Time) *wishForm {
	have := p.Preferences()
	messages, data := group{Title: "Messages"}, group{Title: "What we may do with what we know"}
	for _, purpose := range s.Purposes {
		into := &data
		if slices.ContainsFunc(message.Channels(), purpose.Writes) {
			into = &messages
		}
		into.Boxes = append(into.Boxes, choice{ID: purpose.ID, Name: named(purpose.Name, purpose.ID), On: wanted(p, purpose, now)})
	}
	out := &wishForm{
		Cadence: menu{person.Cadence, options(have[person.Cadence].Value, cadences)},
		Theme:   menu{person.Theme, options(have[person.Theme].Value, themes(s))},
	}
	for _, g := range []group{messages, data} {
		if len(g.Boxes) > 0 {
			out.Purposes = append(out.Purposes, g)
		}
	}
	var chosen []string
	given := have[person.Channels].Value
	read(given, &chosen)
	for _, channel := range channelsOf(s) {
		out.Channels = append(out.Channels, choice{channel, channelNames[channel], given == nil || slices.Contains(chosen, channel)})
	}
	read(have[person.Quiet].Value, &out.Hours)
	out.Topics = topicsOf(p)
	return out
}

func topicsOf(p *person.Person) string {
	var topics []string
	read(p.Preferences()[person.Topics].Value, &topics)
	return strings.Join(topics, ", ")
}

// read takes a stored preference; without one nothing changes.
func read(value json.RawMessage, into any) {
	if value != nil {
		_ = json.Unmarshal(value, into) // its form was checked when it came in
	}
}

// channelsOf lists the channels that the purposes of a strategy write by.
func channelsOf(s *strategy.Strategy) []string {
	return slices.DeleteFunc(message.Channels(), func(channel string) bool {
		return !slices.ContainsFunc(s.Purposes, func(p message.Purpose) bool { return p.Writes(channel) })
	})
}

var (
	channelNames = map[string]string{message.Email: "Email", "sms": "Text message", "push": "Notification", "chat": "Chat", "phone": "Phone call", "post": "Letter"}
	cadences     = []choice{
		{ID: person.Instant, Name: "Whenever there is something"},
		{ID: person.Daily, Name: "At most once a day"},
		{ID: person.Weekly, Name: "At most once a week"},
		{ID: person.Monthly, Name: "At most once a month"},
	}
)

// themes lists light, dark and what else the strategy names as a theme.
func themes(s *strategy.Strategy) []choice {
	out := []choice{{ID: "light", Name: "light"}, {ID: "dark", Name: "dark"}}
	for i := range s.Preferred {
		f := &s.Preferred[i]
		if f.Explicit != person.Theme {
			continue
		}
		values := []json.RawMessage{f.Default}
		for _, one := range f.Inferred {
			values = append(values, one.Value)
		}
		for _, value := range values {
			out = with(out, value)
		}
	}
	return out
}

// with adds a value to the choices unless it is among them, or no text.
func with(list []choice, value json.RawMessage) []choice {
	var text string
	read(value, &text)
	if text == "" || slices.ContainsFunc(list, func(c choice) bool { return c.ID == text }) {
		return list
	}
	return append(list, choice{ID: text, Name: text})
}

// options marks the one that was chosen, which may be none of those offered.
func options(chosen json.RawMessage, offered []choice) []choice {
	var text string
	read(chosen, &text)
	out := with(append([]choice{{Name: "No preference"}}, offered...), chosen)
	for i := range out {
		out[i].On = out[i].ID == text
	}
	return out
}

// filled is what the form that a person was shown says, of the fields that it had.
// What it leaves empty is taken back, and so is a choice of all channels: that is no
// preference.
func filled(form url.Values, s *strategy.Strategy, p *person.Person) spoken {
	var b spoken
	for _, field := range form["field"] {
		switch field {
		case person.Theme:
			b.Theme = orNothing(form.Get(field))
		case person.Cadence:
			b.Cadence = orNothing(form.Get(field))
		case person.Topics:
			if text := form.Get(field); text != topicsOf(p) { // a topic may have a comma in it
				b.Topics = orNothing(listed(text))
			}
		case person.Channels:
			b.Channels = asJSON(append([]string{}, form["channel"]...))
			if !slices.ContainsFunc(channelsOf(s), func(channel string) bool { return !slices.Contains(form["channel"], channel) }) {
				b.Channels = json.RawMessage(taken)
			}
		case person.Quiet:
			b.Quiet = hoursIn(form)
		}
	}
	return b
}

// listed takes texts with commas between them.
func listed(text string) []string {
	var out []string
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

// hoursIn takes the quiet hours of a form.
func hoursIn(form url.Values) json.RawMessage {
	hours := person.QuietHours{From: form.Get("from"), To: form.Get("to"), Zone: strings.TrimSpace(form.Get("zone"))}
	if hours.From+hours.To == "" {
		return json.RawMessage(taken)
	}
	return asJSON(hours)
}

// orNothing is a value as JSON, and null when it is empty.
func orNothing[T string | []string](value T) json.RawMessage {
	if len(value) == 0 {
		return json.RawMessage(taken)
	}
	return asJSON(value)
}

func asJSON(value any) json.RawMessage {
	text, _ := json.Marshal(value) // texts, and lists of them: nothing can fail
	return text
}
