package report

import (
	"encoding/json"
	"fmt"
	"strings"

	"rapport/shared/event"
	"rapport/shared/people"
)

// entry is one event of the timeline.
type entry struct {
	Anchor                   string
	Day                      string // of the first event of a day; else ""
	Name, Type, Summary, Who string
	MessageID                string
	When, Until              *moment  // Until: when it goes
	Remarks                  []string // verdicts, in words
	Effects                  []string // what it set off
	Parts                    []part   // its content
}

// part is a piece of an event's content as indented JSON.
type part struct{ Label, Text string }

// entries lists events and remembers where each stands on the page.
func (b *builder) entries(records []people.Record) []entry {
	out := make([]entry, len(records))
	for i := range records {
		r := &records[i]
		e := &r.Event
		out[i] = entry{
			Anchor: fmt.Sprintf("event-%d", i+1), Name: headline(e), Type: string(e.Type), Summary: summary(e),
			Who: e.Node().String(), MessageID: e.MessageID, When: b.moment(e.Timestamp), Until: b.moment(r.Until), Remarks: remarks(r), Effects: b.effects(r.Effects),
		}
		if i == 0 || out[i].When.Day != out[i-1].When.Day {
			out[i].Day = out[i].When.Day
		}
		for _, p := range []part{
			{"Properties", indented(e.Properties)}, {"Traits", indented(e.Traits)}, {"Context", indented(e.Context)},
		} {
			if p.Text != "" {
				out[i].Parts = append(out[i].Parts, p)
			}
		}
		if r.Counted() {
			b.links[e.MessageID] = "#" + out[i].Anchor
		}
	}
	return out
}

// headline names an event; calls without a name are named by what they do.
func headline(e *event.Event) string {
	switch {
	case e.Type == event.Track:
		return e.Name
	case e.Name != "":
		return strings.ToUpper(string(e.Type[:1])) + string(e.Type[1:]) + ": " + e.Name
	case e.Type == event.Identify:
		return "Identified"
	case e.Type == event.Page, e.Type == event.Screen:
		return "Looked at a " + string(e.Type)
	case e.Type == event.Alias:
		return "Alias of " + e.PreviousID
	default:
		return "Joined group " + e.GroupID
	}
}

// telling are the properties that say most about an event, in their order.
var telling = []string{"name", "product_name", "order_id", "query", "email_subject", "template", "creative", "path", "title", "reason", "rating"}

// summary is an event in a few words: what it is about, and its money.
func summary(e *event.Event) string {
	var p map[string]json.RawMessage
	_ = json.Unmarshal(e.Properties, &p) // without any there is nothing to say
	var parts []string
	for _, name := range telling {
		if raw, ok := p[name]; ok && raw[0] != '{' && raw[0] != '[' && len(parts) < 2 {
			parts = append(parts, shownValue(raw))
		}
	}
	for _, name := range []string{"revenue", "total", "price"} {
		if raw, ok := p[name]; ok {
			parts = append(parts, strings.TrimSpace(shownValue(raw)+" "+shownValue(p["currency"])))
			break
		}
	}
	return strings.Join(parts, " · ")
}

func remarks(r *people.Record) []string {
	var out []string
	for _, v := range r.Verdicts {
		out = append(out, inWords(verdicts, v))
	}
	switch e := &r.Event; {
	case e.Claim != "":
		out = append(out, "it claims to be user "+clipped(e.Claim)+", without a proof")
	case r.Others.Claim != "":
		out = append(out, "it claims to be a user whom nobody knows, without a proof")
	}
	if r.Event.TimeCorrected {
		out = append(out, "its time was corrected")
	}
	if r.Event.Imported {
		out = append(out, "imported history, which sets nothing off")
	}
	return out
}

// effects puts what an event set off into words.
func (b *builder) effects(effects []people.Effect) []string {
	var out []string
	for _, e := range effects {
		switch e.Kind {
		case people.AudienceEntered:
			out = append(out, "entered "+b.audience(e.Audience))
		case people.AudienceLeft:
			out = append(out, "left "+b.audience(e.Audience))
		case people.StageEntered:
			out = append(out, "became: "+strings.ToLower(inWords(stages, e.Stage)))
		case people.MessageDue:
			out = append(out, "planned "+e.Message.Template)
		}
	}
	return out
}

func (b *builder) audience(id string) string {
	if i, ok := b.strategy.AudienceIndex(id); ok && b.strategy.Audiences[i].Name != "" {
		return b.strategy.Audiences[i].Name
	}
	return id
}
