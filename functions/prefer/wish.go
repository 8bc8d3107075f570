package prefer

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// spoken is what a program says for a person. A field that is null is taken back,
// one that is not there stays as it is.
type spoken struct {
	Purposes map[string]*bool           `json:"purposes"` // by purpose, or purpose/channel
	Wording  string                     `json:"wording"`  // what the person read when they answered
	Theme    json.RawMessage            `json:"theme"`
	Topics   json.RawMessage            `json:"topics"`
	Channels json.RawMessage            `json:"channels"`
	Cadence  json.RawMessage            `json:"cadence"`
	Quiet    json.RawMessage            `json:"quietHours"`
	Custom   map[string]json.RawMessage `json:"custom"`
}

// wish is the same after it was checked.
type wish struct {
	words   map[string]bool            // by person.ConsentKey
	wording string                     // of what was agreed to
	fields  map[string]json.RawMessage // of preferences, compact JSON
}

// maxWording is how many bytes of what a person read are kept as proof.
const maxWording = 500

// read checks what is said against the purposes that there are.
func (b spoken) read(s *strategy.Strategy) (wish, error) {
	w := wish{words: map[string]bool{}, wording: b.Wording, fields: map[string]json.RawMessage{}}
	for key, given := range b.Purposes {
		purpose, ok := purposeOf(s, key)
		if _, channel := person.SplitConsentKey(key); !ok || channel != "" && !purpose.Writes(channel) {
			return w, fault.New(fault.Invalid, "unknown_purpose", "name a purpose of the strategy, or one with a channel that it has: marketing/email").In("purposes." + key)
		}
		if given == nil {
			return w, fault.New(fault.Invalid, "bad_value", "say true or false").In("purposes." + key)
		}
		w.words[key] = *given
	}
	if len(b.Wording) > maxWording || !person.Printable(b.Wording) {
		return w, fault.New(fault.Invalid, "bad_value", "send the wording as at most %d bytes on one line", maxWording).In("wording")
	}
	if err := b.choose(w.fields); err != nil {
		return w, err
	}
	if len(w.words)+len(w.fields) == 0 {
		return w, fault.New(fault.Invalid, "no_purposes", `say what changes: {"purposes":{"<purpose>":false}}, or a theme, topics, channels, cadence, quietHours, custom`).In("purposes")
	}
	return w, nil
}

// choose checks the preferences.
func (b spoken) choose(into map[string]json.RawMessage) error {
	if b.Theme != nil {
		var theme *string
		if json.Unmarshal(b.Theme, &theme) != nil || theme != nil && !short(*theme) {
			return fault.New(fault.Invalid, "bad_value", "send a theme of 1 to %d characters, or null", person.MaxChoice).In(person.Theme)
		}
		into[person.Theme] = compact(b.Theme)
	}
	if err := list(b.Topics, person.Topics, person.MaxTopics, short, into); err != nil {
		return err
	}
	known := func(channel string) bool { return slices.Contains(message.Channels(), channel) }
	if err := list(b.Channels, person.Channels, len(message.Channels()), known, into); err != nil {
		return err
	}
	if err := cadence(b.Cadence, into); err != nil {
		return err
	}
	if err := quiet(b.Quiet, into); err != nil {
		return err
	}
	return b.customize(into)
}

// customize checks the fields that a company made up itself.
func (b spoken) customize(into map[string]json.RawMessage) error {
	for name, value := range b.Custom {
		if !short(name) {
			return fault.New(fault.Invalid, "bad_value", "name custom fields with 1 to %d characters", person.MaxChoice).In("custom")
		}
		value = compact(value)
		if len(value) > person.MaxCustomBytes || value[0] == '{' || value[0] == '[' {
			return fault.New(fault.Invalid, "bad_value", "send text, a number, true, false or null, within %d bytes", person.MaxCustomBytes).In(person.Custom + name)
		}
		into[person.Custom+name] = value
	}
	if len(b.Custom) > person.MaxCustom {
		return fault.New(fault.Invalid, "too_many_fields", "send at most %d custom fields", person.MaxCustom).In("custom")
	}
	return nil
}

// list takes a list of texts, each once and sorted.
func list(raw json.RawMessage, field string, most int, fits func(string) bool, into map[string]json.RawMessage) error {
	if raw == nil {
		return nil
	}
	var items []string
	misfit := func(item string) bool { return !fits(item) }
	if json.Unmarshal(raw, &items) != nil || len(items) > most || slices.ContainsFunc(items, misfit) {
		hint := "short texts"
		if field == person.Channels {
			hint = strings.Join(message.Channels(), ", ")
		}
		return fault.New(fault.Invalid, "bad_value", "send a list of at most %d: %s; or null", most, hint).In(field)
	}
	slices.Sort(items)
	into[field], _ = json.Marshal(slices.Compact(items)) // of texts
	return nil
}

func short(text string) bool {
	return text != "" && utf8.RuneCountInString(text) <= person.MaxChoice && person.Printable(text)
}

func compact(raw json.RawMessage) json.RawMessage {
	var out bytes.Buffer
	_ = json.Compact(&out, raw) // it was read as JSON before
	return out.Bytes()
}

// heed lets the browser itself say no: Global Privacy Control is an opt-out of
// what the strategy calls sale or sharing, and of nothing else.
func (f *function) heed(r *http.Request, s *strategy.Strategy, w *wish) {
	if !httpapi.OptsOut(r) {
		return
	}
	for _, p := range s.Purposes {
		if !p.GPC {
			continue
		}
		for key, given := range w.words {
			if purpose, _ := person.SplitConsentKey(key); purpose == p.ID && given {
				f.Log.WarnContext(r.Context(), "a browser that opts out of sale and sharing was made to agree to it; the opt-out stands", "purpose", key)
				w.words[key] = false
			}
		}
		if w.words != nil {
			w.words[p.ID] = false
		}
	}
}

// purposeOf finds the purpose that a consent key names.
func purposeOf(s *strategy.Strategy, key string) (message.Purpose, bool) {
	id, _ := person.SplitConsentKey(key)
	return s.Purpose(id)
}

// position is what a person said and chose so far.
type position struct {
	said   map[string]person.Consent
	fields map[string]person.Trait
}

// standing is that of a person who may be nil: somebody unknown said nothing.
func standing(p *person.Person) position {
	if p == nil {
		return position{}
	}
	return position{p.Consents(), p.Preferences()}
}

// answer is what programs are told: the purposes that were stated, or else all of
// them, as they now hold, and what the person chose.
type answer struct {
	Purposes map[string]bool            `json:"purposes"`
	Theme    json.RawMessage            `json:"theme,omitempty"`
	Topics   json.RawMessage            `json:"topics,omitempty"`
	Channels json.RawMessage            `json:"channels,omitempty"`
	Cadence  json.RawMessage            `json:"cadence,omitempty"`
	Quiet    json.RawMessage            `json:"quietHours,omitempty"`
	Custom   map[string]json.RawMessage `json:"custom,omitempty"`
}

func describe(s *strategy.Strategy, p *person.Person, stated map[string]bool, now time.Time) answer {
	out := answer{Purposes: stated}
	if stated == nil {
		out.Purposes = map[string]bool{}
		for i := range s.Purposes {
			out.Purposes[s.Purposes[i].ID] = wanted(p, s.Purposes[i], now)
		}
	}
	fields := standing(p).fields
	out.Theme, out.Topics, out.Channels = fields[person.Theme].Value, fields[person.Topics].Value, fields[person.Channels].Value
	out.Cadence, out.Quiet = fields[person.Cadence].Value, fields[person.Quiet].Value
	for field, choice := range fields {
		if name, custom := person.CustomField(field); custom {
			if out.Custom == nil {
				out.Custom = map[string]json.RawMessage{}
			}
			out.Custom[name] = choice.Value
		}
	}
	return out
}

// wanted is what holds for the person: what was said, or else what silence means.
func wanted(p *person.Person, purpose message.Purpose, now time.Time) bool {
	return purpose.Refuses(standing(p).said, "", now) == ""
}
