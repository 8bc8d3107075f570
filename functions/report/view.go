package report

import (
	"encoding/json"
	"time"

	"rapport/shared/audience"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// answer is a person as the API shows one. Without provenance it depends only
// on which events the person received, not on their order.
type answer struct {
	ID        string         `json:"id"`
	Nodes     []string       `json:"nodes"`
	Traits    map[string]any `json:"traits"`
	Computed  map[string]any `json:"computed"`
	Preferred map[string]any `json:"preferred,omitempty"` // when the strategy declares such fields
	Lifecycle any            `json:"lifecycle,omitempty"` // the stage, when the strategy has a life cycle
	Audiences []any          `json:"audiences"`
	Journeys  []walk         `json:"journeys"`
	Consent   map[string]any `json:"consent"`
	FirstSeen *time.Time     `json:"firstSeen,omitempty"`
	LastSeen  *time.Time     `json:"lastSeen,omitempty"`
	Edges     []edge         `json:"edges,omitempty"` // provenance only
	Why       []reasons      `json:"why,omitempty"`   // when it was asked for
}

// walk is where a person stands in a journey.
type walk struct {
	Journey string     `json:"journey"`
	Key     string     `json:"key,omitempty"`
	State   string     `json:"state"` // waiting, goal, deferred or done
	Changed time.Time  `json:"changed"`
	Due     *time.Time `json:"due,omitempty"` // of the next step, or of the mail that was put off
}

// consent is what a person said to a purpose.
type consent struct {
	Given bool      `json:"given"`
	At    time.Time `json:"at"`
	By    string    `json:"by,omitempty"` // provenance only

	Wording string     `json:"wording,omitempty"` // what the person read; provenance only
	Expires *time.Time `json:"expires,omitempty"` // from when on a yes counts no more
}

// edge is why two identities are one person.
type edge struct {
	From  string    `json:"from"`
	To    string    `json:"to"`
	Rule  string    `json:"rule"`
	Event string    `json:"event"`
	At    time.Time `json:"at"`
}

// sourced is a value with where it came from.
type sourced struct {
	Value  json.RawMessage `json:"value"`
	Source string          `json:"source"`
	At     *time.Time      `json:"at,omitempty"`
	Event  string          `json:"event,omitempty"`
}

// membership is an audience with when the person was announced as a member;
// Since is absent while that is still to come.
type membership struct {
	ID    string     `json:"id"`
	Since *time.Time `json:"since,omitempty"`
}

func customerView(p *person.Person, s *strategy.Strategy, now time.Time, provenance bool) answer {
	v := p.View(s.Declared, now)
	a := answer{
		ID: v.ID, Nodes: []string{}, Traits: map[string]any{}, Computed: map[string]any{},
		Audiences: []any{}, Journeys: []walk{}, Consent: map[string]any{},
		FirstSeen: optional(v.FirstSeen), LastSeen: optional(v.LastSeen),
	}
	for _, n := range v.Nodes {
		a.Nodes = append(a.Nodes, n.String())
	}
	for name, t := range v.Traits {
		a.Traits[name] = t.Value
		if provenance {
			a.Traits[name] = sourced{Value: t.Value, Source: "declared", At: optional(t.At), Event: t.By}
		}
	}
	for name, value := range v.Computed {
		a.Computed[name] = value
		if provenance {
			a.Computed[name] = sourced{Value: value, Source: "observed"}
		}
	}
	a.Preferred = preferred(v, s, now, provenance)
	for _, w := range people.Standings(p, s) {
		a.Journeys = append(a.Journeys, walk{w.Journey, w.Key, w.State, w.Changed, optional(w.Due)})
	}
	for purpose, c := range p.Consents() {
		said := consent{Given: c.Given, At: c.At, Expires: optional(c.Expires)}
		if provenance {
			said.By, said.Wording = c.By, c.Wording
		}
		a.Consent[purpose] = said
	}
	a.Lifecycle = stage(p, v, provenance)
	a.Audiences = memberships(p, v, s, now, provenance)
	if provenance {
		a.Edges = edges(p)
	}
	return a
}

// preferred resolves the preferred fields; with provenance they say where the value
// is from, and which values lost.
func preferred(v *person.View, s *strategy.Strategy, now time.Time, provenance bool) map[string]any {
	var facts audience.Facts
	s.Rules.Fill(&facts, v, nil, now)
	out := map[string]any{}
	for _, field := range s.Rules.Resolve(&facts, v, provenance) {
		out[field.Name] = field.Value
		if provenance {
			out[field.Name] = field
		}
	}
	return out
}

// memberships evaluates the audiences at this moment.
func memberships(p *person.Person, v *person.View, s *strategy.Strategy, now time.Time, provenance bool) []any {
	var facts audience.Facts
	s.Rules.Fill(&facts, v, nil, now)
	out := []any{}
	for i, a := range s.Audiences {
		if matched, err := s.Rules.Match(i, &facts); !matched || err != nil {
			continue
		}
		if provenance {
			out = append(out, membership{ID: a.ID, Since: optional(p.Audiences[a.ID])})
			continue
		}
		out = append(out, a.ID)
	}
	return out
}

func edges(p *person.Person) []edge {
	out := []edge{}
	for _, n := range p.Nodes {
		if l := n.Owner; l != nil {
			out = append(out, edge{From: n.ID.String(), To: l.To.String(), Rule: l.Rule, Event: l.By, At: l.At})
		}
	}
	return out
}

// timelinePage is one page of a person's events.
type timelinePage struct {
	Events []timelineEvent `json:"events"`
	Next   string          `json:"next,omitempty"`
}

type timelineEvent struct {
	MessageID         string          `json:"messageId"`
	Type              string          `json:"type"`
	Event             string          `json:"event,omitempty"`
	UserID            string          `json:"userId,omitempty"`
	AnonymousID       string          `json:"anonymousId,omitempty"`
	PreviousID        string          `json:"previousId,omitempty"`
	GroupID           string          `json:"groupId,omitempty"`
	Claim             string          `json:"claim,omitempty"`
	Timestamp         time.Time       `json:"timestamp"`
	ReceivedAt        time.Time       `json:"receivedAt"`
	OriginalTimestamp *time.Time      `json:"originalTimestamp,omitempty"`
	SentAt            *time.Time      `json:"sentAt,omitempty"`
	TimeCorrected     bool            `json:"timeCorrected,omitempty"`
	Imported          bool            `json:"imported,omitempty"`
	Verdict           string          `json:"verdict,omitempty"`  // the last word on the event
	Verdicts          []string        `json:"verdicts,omitempty"` // all of them, when there are several
	Properties        json.RawMessage `json:"properties,omitempty"`
	Traits            json.RawMessage `json:"traits,omitempty"`
	Context           json.RawMessage `json:"context,omitempty"`
}

func page(records []people.Record, next string) timelinePage {
	out := timelinePage{Events: make([]timelineEvent, len(records)), Next: next}
	for i, r := range records {
		e := r.Event
		t := timelineEvent{
			MessageID: e.MessageID, Type: string(e.Type), Event: e.Name, UserID: e.UserID,
			AnonymousID: e.AnonymousID, PreviousID: e.PreviousID, GroupID: e.GroupID, Claim: e.Claim,
			Timestamp: e.Timestamp, ReceivedAt: e.ReceivedAt, OriginalTimestamp: e.OriginalTimestamp,
			SentAt: e.SentAt, TimeCorrected: e.TimeCorrected, Imported: e.Imported,
			Properties: e.Properties, Traits: e.Traits, Context: e.Context,
		}
		if n := len(r.Verdicts); n > 0 {
			t.Verdict = r.Verdicts[n-1]
			if n > 1 {
				t.Verdicts = r.Verdicts
			}
		}
		out.Events[i] = t
	}
	return out
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
