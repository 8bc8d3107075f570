package report

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"rapport/shared/brief"
	"rapport/shared/httpapi"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// card is the agent card as the API shows it.
type card struct {
	Name      string             `json:"name"` // "" when nobody said
	Email     string             `json:"email,omitempty"`
	Lifecycle person.Stage       `json:"lifecycle,omitempty"`
	Since     *time.Time         `json:"since,omitempty"`
	LastSeen  *time.Time         `json:"lastSeen,omitempty"`
	Value     worth              `json:"value"`
	Reasons   []likely           `json:"reasons"` // the likeliest first
	LastMail  *lastMail          `json:"lastMail,omitempty"`
	LastOffer *lastOffer         `json:"lastOffer,omitempty"`
	OpenOrder *openOrder         `json:"openOrder,omitempty"`
	Consent   map[string]consent `json:"consent"`
}

// worth is what the strategy counts; without such a trait a member is absent.
type worth struct {
	Orders  json.RawMessage `json:"orders,omitempty"`
	Revenue json.RawMessage `json:"revenue,omitempty"`
}

// likely is a reason why the person may be calling.
type likely struct {
	Reason  brief.Kind `json:"reason"`
	Because string     `json:"because,omitempty"` // message id of the event or mail
	Event   string     `json:"event,omitempty"`
	At      time.Time  `json:"at"`
	Text    string     `json:"text"`
}

type lastMail struct {
	ID      string       `json:"id"`
	Name    string       `json:"name,omitempty"` // template, or the subject of another system's
	Journey string       `json:"journey,omitempty"`
	At      time.Time    `json:"at"`
	Fate    message.Fact `json:"fate"` // accepted, delivered, opened, clicked, unsubscribed, bounced or complained
	FateAt  time.Time    `json:"fateAt"`
}

type lastOffer struct {
	Slot  string    `json:"slot"`
	Block string    `json:"block"`
	Title string    `json:"title,omitempty"`
	At    time.Time `json:"at"`
}

type openOrder struct {
	ID      string    `json:"id,omitempty"`
	Amount  string    `json:"amount,omitempty"`
	At      time.Time `json:"at"`
	Days    int       `json:"days"` // calendar days since then
	Because string    `json:"because"`
}

func (f *function) brief(w http.ResponseWriter, r *http.Request) {
	p, err := f.find(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	known, err := f.know(r.Context(), p)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, known.answer())
}

// known is what a card and a page of a person are made of.
type known struct {
	person   *person.Person
	strategy *strategy.Strategy
	records  []people.Record // the newest, newest first
	mails    []*message.Ledger
	card     *brief.Card
	at       time.Time
}

// know reads it. The card goes by the newest events, as many as a page of the
// timeline may have.
func (f *function) know(ctx context.Context, p *person.Person) (*known, error) {
	current, err := f.Strategy.Current(ctx)
	if err != nil {
		return nil, err
	}
	k := &known{person: p, strategy: current, at: f.Now()}
	if k.records, _, err = f.People.Timeline(ctx, current, p, "", maxOfEvents); err != nil {
		return nil, err
	}
	if k.mails, err = f.People.Mails(ctx, p); err != nil {
		return nil, err
	}
	history := brief.History{Person: p, Mails: k.mails}
	for i := range k.records {
		if k.records[i].Counted() {
			history.Events = append(history.Events, k.records[i].Event)
		}
	}
	k.card = brief.Of(current, history, k.at)
	return k, nil
}

func (k *known) answer() card {
	c := k.card
	out := card{
		Name: c.Name, Email: c.Address, Lifecycle: c.Lifecycle, Since: optional(c.Since), LastSeen: optional(c.Seen),
		Value: worth(c.Value), Reasons: make([]likely, len(c.Reasons)), Consent: map[string]consent{},
	}
	for i, r := range c.Reasons {
		out.Reasons[i] = likely{Reason: r.Kind, Because: r.Because, Event: r.Event, At: r.At, Text: r.Text}
	}
	if m := c.LastMail; m != nil {
		out.LastMail = &lastMail{m.ID, m.Name, m.Journey, m.At, m.Fate, m.FateAt}
	}
	if o := c.LastOffer; o != nil {
		out.LastOffer = &lastOffer{o.Slot, o.Block, o.Title, o.At}
	}
	if o := c.OpenOrder; o != nil {
		out.OpenOrder = &openOrder{o.ID, o.Amount, o.At, o.Days, o.Because}
	}
	for purpose, said := range k.person.Consents() {
		out.Consent[purpose] = consent{Given: said.Given, At: said.At}
	}
	return out
}
