package report

import (
	"cmp"
	"net/http"
	"net/url"

	"rapport/shared/brief"
	"rapport/shared/person"
)

// portrait is the page of one person.
type portrait struct {
	Node    string // that the page was asked for
	Name    string
	Address string
	Stage   string
	First   *moment
	Last    *moment
	Until   *moment // when a visitor is forgotten who does nothing any more
	Preview string  // links
	Data    string

	Value   []fact
	Reasons []reasonRow
	Sides   []side
	Strip   strip

	Traits     []traitRow
	Computed   []traitRow
	Preferred  []preferredRow
	Audiences  []audienceRow
	Likest     []likeRow
	Journeys   []walkRow
	Mails      []mailRow
	Consent    []consentRow
	Identities []identityRow
	Refused    []evidenceRow
	Events     []entry
	Newest     string // link to the first page of events, "" there
	Older      string // link to the next, "" on the last
}

// reasonRow is a reason why the person may be calling. Link leads to its event,
// when the page shows that.
type reasonRow struct {
	Text, Source, Link string
	When               *moment
}

// side is something that is good to know in a call.
type side struct {
	Label, Text, Detail string
	When                *moment
}

// perPage is how many events a page lists.
const perPage = 50

// portrait reads a person and draws all that is known.
func (f *function) portrait(r *http.Request, node string) (sheet, error) {
	id, err := person.ParseNode(node)
	if err != nil {
		return sheet{}, err
	}
	p, err := f.have(r.Context(), id)
	if err != nil {
		return sheet{}, err
	}
	k, err := f.know(r.Context(), p)
	if err != nil {
		return sheet{}, err
	}
	why, err := f.People.Why(r.Context(), k.strategy, p, id)
	if err != nil {
		return sheet{}, err
	}
	shown, next := k.records, ""
	after := r.URL.Query().Get("after")
	if after != "" || len(shown) > perPage {
		if shown, next, err = f.People.Timeline(r.Context(), k.strategy, p, after, perPage); err != nil {
			return sheet{}, err
		}
	}
	b := builder{known: k, clock: clock{k.strategy.Location(), k.at}, links: map[string]string{}}
	out := b.portrait(id, why.Refused, shown)
	link := out.link()
	if next != "" {
		out.Older = link + "?after=" + url.QueryEscape(next) + "#timeline"
	}
	if after != "" {
		out.Newest = link + "#timeline"
	}
	return sheet{frame: framed(out.Name, search, personStyle), name: "person.html", body: out}, nil
}

func (p portrait) link() string { return personLink(p.Node) }

// personLink is where the page of a person is.
func personLink(node string) string { return search + "/" + url.PathEscape(node) }

// builder turns what is known into what the page shows.
type builder struct {
	*known
	clock

	view  *person.View
	links map[string]string // by message id: to the event on this page
}

// named is what a page calls a person.
func named(card *brief.Card, id person.NodeID) string {
	return cmp.Or(card.Name, card.Address, id.Value)
}

func (b *builder) reasons() []reasonRow {
	rows := make([]reasonRow, len(b.card.Reasons))
	for i, r := range b.card.Reasons {
		rows[i] = reasonRow{Text: r.Text, Source: cmp.Or(r.Event, "sent by Rapport"), When: b.moment(r.At), Link: b.links[r.Because]}
		if r.Kind == brief.OfferSeen {
			rows[i].Source = "shown by Rapport"
		}
	}
	return rows
}

// sides are the three things that people call about most.
func (b *builder) sides() []side {
	var out []side
	if o := b.card.OpenOrder; o != nil {
		out = append(out, side{"Open order", cmp.Or(o.ID, "without a number"), o.Amount, b.moment(o.At)})
	}
	if m := b.card.LastMail; m != nil {
		out = append(out, side{"Last mail", cmp.Or(m.Name, "without a subject"), m.Became(), b.moment(m.At)})
	}
	if o := b.card.LastOffer; o != nil {
		out = append(out, side{"Last offer", cmp.Or(o.Title, o.Block), "in " + o.Slot, b.moment(o.At)})
	}
	return out
}

func (b *builder) value() []fact {
	var out []fact
	for _, one := range []fact{{"Orders", shownValue(b.card.Value.Orders)}, {"Revenue", shownValue(b.card.Value.Revenue)}} {
		if one.Text != "" && one.Text != "null" {
			out = append(out, one)
		}
	}
	return out
}
