package forget

import (
	"encoding/json"
	"net/http"
	"time"

	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// export is one page of all that is kept of a person. The first page begins with
// the person; events and mails follow over as many pages as they take.
type export struct {
	Person *subject `json:"person,omitempty"`
	Events []record `json:"events"`
	Marks  []mark   `json:"marks,omitempty"`
	Mails  []mail   `json:"mails"`
	Next   string   `json:"next,omitempty"` // pass it as ?after=… for the next page
}

// subject is the person itself: the joined view, and what each identity holds.
type subject struct {
	ID           string                     `json:"id"`
	Root         string                     `json:"root"`
	Unit         string                     `json:"unit"`
	Created      time.Time                  `json:"created"`
	FirstSeen    time.Time                  `json:"firstSeen,omitzero"`
	LastSeen     time.Time                  `json:"lastSeen,omitzero"`
	Due          time.Time                  `json:"due,omitzero"`   // of the timer
	Until        time.Time                  `json:"until,omitzero"` // when a visitor goes who does nothing any more
	Traits       map[string]trait           `json:"traits"`
	Computed     map[string]json.RawMessage `json:"computed"`
	Lifecycle    person.Stage               `json:"lifecycle,omitempty"`
	Audiences    map[string]time.Time       `json:"audiences"` // since when
	Nodes        []node                     `json:"nodes"`
	Suppressions map[string]bool            `json:"suppressions"` // by address hash: whether it gets no mail
}

type node struct {
	ID        string               `json:"id"`
	Hash      string               `json:"hash"`
	Owner     *owner               `json:"owner,omitempty"`
	FirstSeen time.Time            `json:"firstSeen,omitzero"`
	LastSeen  time.Time            `json:"lastSeen,omitzero"`
	Traits    map[string]trait     `json:"traits,omitempty"`
	Computed  map[string]folded    `json:"computed,omitempty"`
	Journeys  map[string]instance  `json:"journeys,omitempty"` // by journey|key
	Goals     map[string]time.Time `json:"goals,omitempty"`
	Consent   map[string]consent   `json:"consent,omitempty"`
	Choices   map[string]trait     `json:"preferences,omitempty"` // null for one that was taken back
	Sends     []sent               `json:"sends,omitempty"`
	Waits     []waits              `json:"waits,omitempty"`
	Exposures map[string]exposure  `json:"exposures,omitempty"` // by slot/block
	Orders    []bought             `json:"orders,omitempty"`
}

// owner is the evidence by which the identity belongs to another one.
type owner struct {
	To    string    `json:"to"`
	Rule  string    `json:"rule"`
	Event string    `json:"event"`
	At    time.Time `json:"at"`
}

type trait struct {
	Value json.RawMessage `json:"value"`
	At    time.Time       `json:"at"`
	Event string          `json:"event"`
}

// folded is what one identity adds to a computed trait.
type folded struct {
	Count int64           `json:"count,omitempty"`
	Sum   string          `json:"sum,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
	At    time.Time       `json:"at,omitzero"`
	Event string          `json:"event,omitempty"`

	Days map[string]folded `json:"days,omitempty"` // of a trait with a window
}

type instance struct {
	Version string          `json:"version"`
	Changed time.Time       `json:"changed"`
	Event   string          `json:"event"`
	Steps   int             `json:"steps"` // taken so far
	TakenAt time.Time       `json:"takenAt,omitzero"`
	Content json.RawMessage `json:"content,omitempty"`
}

type consent struct {
	Given bool      `json:"given"`
	At    time.Time `json:"at"`
	By    string    `json:"by"`

	Wording string    `json:"wording,omitempty"` // what the person read
	Expires time.Time `json:"expires,omitzero"`
}

type sent struct {
	Message string    `json:"message"`
	Purpose string    `json:"purpose"`
	At      time.Time `json:"at"`
}

// waits is a message that was put off.
type waits struct {
	Message string    `json:"message"`
	Purpose string    `json:"purpose"`
	Until   time.Time `json:"until"`
	Ends    time.Time `json:"ends"` // when it is given up
}

type exposure struct {
	At      time.Time `json:"at"`
	Ordered bool      `json:"ordered"`
}

// bought is an order that waits for exposures; its id is kept as a hash.
type bought struct {
	At         time.Time `json:"at"`
	Currency   string    `json:"currency"`
	Hundredths int64     `json:"hundredths"`
}

// record is an event as it was kept, with the remarks on it.
type record struct {
	Event    event.Event `json:"event"`
	Verdicts []string    `json:"verdicts,omitempty"`
	Until    time.Time   `json:"until"` // when it goes
}

// mark is what is left of an event whose content is gone or has to go before it:
// by it, a repetition is recognised.
type mark struct {
	Node      string    `json:"node"` // hash
	MessageID string    `json:"messageId"`
	Until     time.Time `json:"until,omitzero"` // when it goes; left out for imported history, which may be imported again at any time
}

// mail is what the ledger says of one message.
type mail struct {
	ID        string                     `json:"id"`
	Node      string                     `json:"node"` // hash
	Journey   string                     `json:"journey"`
	Step      int                        `json:"step"`
	Template  string                     `json:"template"`
	Due       time.Time                  `json:"due"`
	State     message.State              `json:"state"`
	Since     time.Time                  `json:"since"`
	Reason    string                     `json:"reason,omitempty"`
	Detail    string                     `json:"detail,omitempty"`
	ServiceID []string                   `json:"serviceIds,omitempty"` // the mail service's
	Facts     map[message.Fact]time.Time `json:"facts,omitempty"`
	Waits     time.Time                  `json:"waitsUntil,omitzero"` // of one that waits; else the end of a lease
	Content   json.RawMessage            `json:"content,omitempty"`   // of one that waits
	Until     time.Time                  `json:"until"`               // when it goes
}

func (f *function) export(w http.ResponseWriter, r *http.Request) {
	out, err := f.page(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, out)
}

func (f *function) page(r *http.Request) (*export, error) {
	id, err := person.ParseNode(r.PathValue("node"))
	if err != nil {
		return nil, err
	}
	p, err := f.People.Find(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fault.New(fault.NotFound, "no_person", "nobody has this identity yet").In("node")
	}
	after := r.URL.Query().Get("after")
	current, err := f.Strategy.Current(r.Context())
	if err != nil {
		return nil, err
	}
	kept, err := f.People.Export(r.Context(), current, p, after)
	if err != nil {
		return nil, err
	}
	out := &export{Events: []record{}, Mails: []mail{}, Next: kept.Next}
	for _, one := range kept.Records {
		out.Events = append(out.Events, record{one.Event, one.Verdicts, one.Until})
	}
	for _, m := range kept.Marks {
		out.Marks = append(out.Marks, mark(m))
	}
	for _, l := range kept.Ledgers {
		out.Mails = append(out.Mails, mailOf(l))
	}
	if after != "" {
		return out, nil
	}
	out.Person = subjectOf(p, current, f.Now())
	out.Person.Suppressions, err = f.People.Suppressed(r.Context(), p)
	return out, err
}

func mailOf(l *message.Ledger) mail {
	return mail{
		ID: l.ID, Node: l.Node, Journey: l.Journey, Step: l.Step, Template: l.Template, Due: l.Due,
		State: l.State, Since: l.Since, Reason: l.Reason, Detail: l.Detail, ServiceID: l.Mails, Facts: l.Facts,
		Waits: l.Until, Content: l.Content, Until: l.Expires(),
	}
}

func subjectOf(p *person.Person, s *strategy.Strategy, now time.Time) *subject {
	v := p.View(s.Declared, now)
	out := &subject{
		ID: v.ID, Root: p.Root, Unit: p.Unit, Created: p.Created, FirstSeen: v.FirstSeen, LastSeen: v.LastSeen, Due: p.Due, Until: p.Expires,
		Traits: each(v.Traits, traitOf), Computed: v.Computed, Lifecycle: v.Stage, Audiences: p.Audiences,
	}
	for _, n := range p.Nodes {
		out.Nodes = append(out.Nodes, nodeOf(n))
	}
	return out
}

func traitOf(t person.Trait) trait { return trait{t.Value, t.At, t.By} }

func foldedOf(f *person.Fold) folded {
	out := folded{Count: f.Count, Value: f.Value, At: f.At, Event: f.By}
	if !f.Sum.IsZero() {
		out.Sum = f.Sum.String()
	}
	for day, part := range f.Days {
		if out.Days == nil {
			out.Days = map[string]folded{}
		}
		out.Days[time.Unix(int64(day)*24*60*60, 0).UTC().Format(time.DateOnly)] = foldedOf(part)
	}
	return out
}

func nodeOf(n *person.Node) node {
	out := node{
		ID: n.ID.String(), Hash: n.ID.Hash(), FirstSeen: n.FirstSeen, LastSeen: n.LastSeen,
		Traits: each(n.Traits, traitOf), Choices: each(n.Preferences, traitOf), Goals: n.Goals,
		Computed: each(n.Computed, foldedOf),
		Journeys: each(n.Instances, func(in *person.Instance) instance {
			return instance{in.Version, in.Changed, in.By, in.Fired, in.FiredAt, in.Content}
		}),
		Consent:   each(n.Consent, func(c person.Consent) consent { return consent{c.Given, c.At, c.By, c.Wording, c.Expires} }),
		Exposures: each(n.Shown, func(x person.Exposure) exposure { return exposure{x.At, x.Ordered} }),
	}
	if l := n.Owner; l != nil {
		out.Owner = &owner{To: l.To.String(), Rule: l.Rule, Event: l.By, At: l.At}
	}
	for _, s := range n.Sends {
		out.Sends = append(out.Sends, sent{s.ID, s.Purpose, s.At})
	}
	for _, w := range n.Waits {
		out.Waits = append(out.Waits, waits{w.ID, w.Purpose, w.Until, w.Ends})
	}
	for _, x := range n.Orders {
		out.Orders = append(out.Orders, bought{x.At, x.Currency, x.Hundredths})
	}
	return out
}

// each turns every value of a map.
func each[V, W any](m map[string]V, turn func(V) W) map[string]W {
	out := make(map[string]W, len(m))
	for k, v := range m {
		out[k] = turn(v)
	}
	return out
}
