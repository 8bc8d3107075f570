package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rapport/shared/audience"
	"rapport/shared/people"
	"rapport/shared/person"
)

// traitRow is something that is known of a person, and from where.
type traitRow struct {
	Name, Value, Source, Link string
	When                      *moment
}

// preferredRow is a preferred field: the value that counts, and those that lost.
type preferredRow struct {
	traitRow
	Others []traitRow
}

// audienceRow is an audience, and which of its terms hold or fail.
type audienceRow struct {
	ID, Name, Description string
	Member                bool
	Since                 *moment // that it was announced; nil: not yet
	Terms                 []string
}

// identityRow is one identity with what made it part of the person.
type identityRow struct {
	Kind, Value, Link string
	First, Last       *moment
	Evidence          *evidenceRow // nil: nobody owns it
}

// evidenceRow is an edge between two identities with what says so.
type evidenceRow struct {
	From, To, Rule, Event, Link, Reason string
	When                                *moment
}

// portrait puts the page together. The events come first, for the rest links to
// them.
func (b *builder) portrait(id person.NodeID, refused []people.Edge, shown []people.Record) portrait {
	b.view = b.person.View(b.strategy.Declared, b.now)
	out := portrait{
		Node: id.String(), Name: named(b.card, id), Address: b.card.Address, Stage: inWords(stages, b.card.Lifecycle),
		First: b.moment(b.card.Since), Last: b.moment(b.card.Seen), Until: b.moment(b.person.Expires),
		Data: "/v1/people/" + id.String(), Events: b.entries(shown), Strip: b.strip(),
	}
	if out.Address == out.Name {
		out.Address = ""
	}
	out.Preview = previewLink(id)
	out.Value, out.Reasons, out.Sides = b.value(), b.reasons(), b.sides()
	out.Traits, out.Computed, out.Audiences = b.traits(), b.computed(), b.audiences()
	out.Preferred = b.preferred()
	out.Journeys, out.Mails, out.Consent = b.journeys(), b.letters(), b.consents()
	out.Identities, out.Likest = b.identities(), b.likenesses()
	for _, e := range refused {
		out.Refused = append(out.Refused, b.evidence(e))
	}
	return out
}

func (b *builder) traits() []traitRow {
	var rows []traitRow
	for _, name := range slices.Sorted(maps.Keys(b.view.Traits)) {
		t := b.view.Traits[name]
		rows = append(rows, traitRow{Name: name, Value: shownValue(t.Value), Source: t.By, Link: b.links[t.By], When: b.moment(t.At)})
	}
	return rows
}

func (b *builder) computed() []traitRow {
	var rows []traitRow
	for _, c := range b.strategy.Computed {
		value, ok := b.view.Computed[c.Name]
		if !ok {
			continue
		}
		source := fmt.Sprintf("%s of %s", c.Op, c.Event)
		if c.Op.TakesProperty() {
			source = fmt.Sprintf("%s of %s in %s", c.Op, strings.Join(c.Of, " or "), c.Event)
		}
		if c.Window > 0 {
			source += fmt.Sprintf(", last %d days", c.Window)
		}
		if c.HalfLife > 0 {
			source += fmt.Sprintf(", halved every %d days", c.HalfLife)
		}
		rows = append(rows, traitRow{Name: c.Name, Value: b.computedValue(value), Source: source})
	}
	return rows
}

// sources put where the value of a preferred field is from into words.
var sources = map[audience.Source]string{
	audience.Explicit: "chosen by the person", audience.Declared: "told us", audience.Observed: "seen in what they do",
	audience.Inferred: "inferred", audience.Default: "the default",
}

func (b *builder) preferred() []preferredRow {
	var facts audience.Facts
	b.strategy.Rules.Fill(&facts, b.view, nil, b.now)
	var rows []preferredRow
	for _, field := range b.strategy.Rules.Resolve(&facts, b.view, true) {
		row := preferredRow{traitRow: b.candidate(field.Candidate)}
		row.Name = field.Name
		for _, c := range field.Others {
			row.Others = append(row.Others, b.candidate(c))
		}
		rows = append(rows, row)
	}
	return rows
}

func (b *builder) candidate(c audience.Candidate) traitRow {
	row := traitRow{Value: shownValue(c.Value), Source: inWords(sources, c.Source), Link: b.links[c.By], When: b.moment(c.At)}
	if c.Source != audience.Default {
		row.Source += " (" + c.Of + ")"
	}
	if c.Misfit {
		row.Source += ", of another type than the default"
	}
	return row
}

// audiences lists those that the person is in first.
func (b *builder) audiences() []audienceRow {
	var facts audience.Facts
	b.strategy.Rules.Fill(&facts, b.view, nil, b.now)
	var in, out []audienceRow
	for i, a := range b.strategy.Audiences {
		matched, err := b.strategy.Rules.Match(i, &facts)
		row := audienceRow{
			ID: a.ID, Name: a.Name, Description: a.Description, Member: matched && err == nil,
			Terms: strings.Split(b.strategy.Rules.Why(i, &facts), "; "),
		}
		if row.Name == "" {
			row.Name = a.ID
		}
		if row.Member {
			row.Since = b.moment(b.person.Audiences[a.ID])
			in = append(in, row)
		} else {
			out = append(out, row)
		}
	}
	return append(in, out...)
}

func (b *builder) identities() []identityRow {
	var rows []identityRow
	for _, n := range b.person.Nodes {
		if !n.Named {
			continue
		}
		row := identityRow{
			Kind: inWords(kinds, n.ID.Kind), Value: n.ID.Value, Link: personLink(n.ID.String()),
			First: b.moment(n.FirstSeen), Last: b.moment(n.LastSeen),
		}
		if n.Owner != nil {
			e := b.evidence(people.Edge{From: n.ID, Link: *n.Owner})
			row.Evidence = &e
		}
		rows = append(rows, row)
	}
	return rows
}

// refusals of edges, in words.
var edgeReasons = map[string]string{
	people.ReasonSplit:  "somebody took them apart",
	people.MergeRefused: "the identity belongs to somebody else",
	people.TooManyIDs:   "the person has too many identities",
}

func (b *builder) evidence(e people.Edge) evidenceRow {
	return evidenceRow{
		From: e.From.String(), To: e.To.String(), Rule: e.Rule, Event: e.By, Link: b.links[e.By],
		Reason: inWords(edgeReasons, e.Reason), When: b.moment(e.At),
	}
}
