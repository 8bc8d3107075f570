package report

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strings"

	"rapport/shared/httpapi"
	"rapport/shared/persona"
)

// likenesses answers whom a person is like, the most similar first.
type likenesses struct {
	Personas []likeness `json:"personas"`
}

// likeness is how much a person is like one persona.
type likeness struct {
	Persona  string   `json:"persona"`
	Name     string   `json:"name"`
	Score    float64  `json:"score"`    // 0 to 1
	Compared float64  `json:"compared"` // 0 to 1: the share of the weights that could be compared
	Reasons  []common `json:"reasons"`  // what adds most to the score first
	Missing  []string `json:"missing"`  // the fields that the person has no value in
}

// common is one field in which the two were compared.
type common struct {
	Field      string          `json:"field"`
	Persona    json.RawMessage `json:"persona"`
	Person     json.RawMessage `json:"person"`
	Similarity float64         `json:"similarity"` // 0 to 1
	Weight     int             `json:"weight"`
}

func (f *function) personas(w http.ResponseWriter, r *http.Request) {
	p, err := f.find(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	current, err := f.Strategy.Current(r.Context())
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	now := f.Now()
	ranked := persona.Rank(p.View(current.Declared, now), current.Personas, now)
	out := likenesses{Personas: make([]likeness, len(ranked))}
	for i, m := range ranked {
		out.Personas[i] = likenessOf(m)
	}
	httpapi.Encode(w, http.StatusOK, out)
}

func likenessOf(m persona.Match) likeness {
	out := likeness{
		Persona: m.Persona, Name: m.Name, Score: digits(m.Score), Compared: digits(m.Compared),
		Reasons: make([]common, len(m.Reasons)), Missing: append([]string{}, m.Missing...),
	}
	for i, reason := range m.Reasons {
		out.Reasons[i] = common{reason.Field, reason.Persona, reason.Person, digits(reason.Similarity), reason.Weight}
	}
	return out
}

// digits rounds to the four that a reader can use.
func digits(share float64) float64 { return math.Round(share*1e4) / 1e4 }

// likeRow is a persona that the person is like, as the page tells it.
type likeRow struct {
	Name, Score, Link string
	Reasons           []string // what adds most first
	Missing           string   // what could not be compared, "" when all could
}

// likest is how many personas a page shows.
const likest = 3

// likenesses are the personas that the person is most like.
func (b *builder) likenesses() []likeRow {
	ranked := persona.Rank(b.view, b.strategy.Personas, b.now)
	out := make([]likeRow, 0, likest)
	for _, m := range ranked[:min(len(ranked), likest)] {
		row := likeRow{Name: m.Name, Score: percent(m.Score), Link: preview + "?persona=" + url.QueryEscape(m.Persona), Missing: strings.Join(m.Missing, ", ")}
		for _, r := range m.Reasons {
			row.Reasons = append(row.Reasons, r.Field+": "+b.computedValue(r.Person)+", the persona "+b.computedValue(r.Persona)+" ("+percent(r.Similarity)+" alike)")
		}
		out = append(out, row)
	}
	return out
}
