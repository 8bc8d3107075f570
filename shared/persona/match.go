package persona

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"rapport/shared/person"
)

// Match says how much a person is like a persona.
type Match struct {
	Persona  string   // its id
	Name     string   // what people call it
	Score    float64  // 0: like nothing of it, to 1: like all that could be compared
	Compared float64  // which share of the persona's weights could be compared, 0 to 1
	Reasons  []Reason // what was compared, that which adds most to the score first, equals by field
	Missing  []string // the fields that the person has no value in, sorted
}

// Reason is one field in which the two were compared.
type Reason struct {
	Field      string          // its path
	Persona    json.RawMessage // the value of either; a time is a text in RFC 3339
	Person     json.RawMessage
	Similarity float64 // 0 to 1
	Weight     int     // at least 1
}

// Rank compares a person with every persona at a moment, the most similar first.
// Of equal scores the one that more could be compared of comes first, then ids
// decide.
//
// The score is the general coefficient of similarity of J. C. Gower ("A general
// coefficient of similarity and some of its properties", Biometrics 27, 1971,
// 857–871) over the fields k that the persona states:
//
//	S = Σ w δ s ÷ Σ w δ
//
// w is the field's weight. δ is 0 where the person has no value and 1 elsewhere,
// so that what is not known of somebody speaks neither for nor against. s is
//
//   - of numbers x, y and of times: 1 − |x − y| ÷ R, where R is the range of the
//     field over all personas, this person and whoever did nothing (0 of what is
//     computed, now of a time); and 1 where x = y;
//   - of lists: how many different values both have, by how many either has
//     (Gower's mean over characters that are present or absent);
//   - of objects of numbers, such as an affinity: the same over shares of the
//     whole, Σ min ÷ Σ max;
//   - of all else, and of values of different kinds: 1 if they are equal, or 0.
//
// A person of whom nothing can be compared scores 0.
func Rank(v *person.View, personas []Persona, now time.Time) []Match {
	spans := spansOf(v, personas, now)
	out := make([]Match, len(personas))
	for i := range personas {
		out[i] = compare(v, &personas[i], spans, now)
	}
	slices.SortFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Compared, a.Compared), cmp.Compare(a.Persona, b.Persona))
	})
	return out
}

// span is the lowest and the highest number at a path.
type span struct{ low, high float64 }

func (s span) take(x float64) span { return span{min(s.low, x), max(s.high, x)} }

// origin is the range of a field before anybody's value is in it: who did nothing
// has 0 of what is computed, and times end now. Without that, a field that one
// persona alone states would say equal or wholly different, and nothing between.
func (f Field) origin(value float64, now time.Time) span {
	switch {
	case f.Timed:
		value = float64(now.UnixMilli())
	case strings.HasPrefix(f.Path, Computed):
		value = 0
	}
	return span{value, value}
}

// spansOf finds the range of each path over all personas and the person.
func spansOf(v *person.View, personas []Persona, now time.Time) map[string]span {
	spans := map[string]span{}
	for i := range personas {
		for _, f := range personas[i].Fields {
			for _, raw := range []json.RawMessage{f.at(now), read(v, f.Path)} {
				one := parse(raw, f.Timed)
				if one.kind != number {
					continue
				}
				have, ok := spans[f.Path]
				if !ok {
					have = f.origin(one.number, now)
				}
				spans[f.Path] = have.take(one.number)
			}
		}
	}
	return spans
}

func compare(v *person.View, p *Persona, spans map[string]span, now time.Time) Match {
	m := Match{Persona: p.ID, Name: p.Name}
	var all, compared, similar float64
	for _, f := range p.Fields {
		if f.Weight == 0 {
			continue
		}
		weight := float64(f.Weight)
		all += weight
		mine, theirs := f.at(now), read(v, f.Path)
		if theirs == nil {
			m.Missing = append(m.Missing, f.Path)
			continue
		}
		s := similarity(parse(mine, f.Timed), parse(theirs, f.Timed), spans[f.Path])
		compared += weight
		similar += weight * s
		m.Reasons = append(m.Reasons, Reason{Field: f.Path, Persona: mine, Person: theirs, Similarity: s, Weight: f.Weight})
	}
	if compared > 0 {
		m.Score, m.Compared = similar/compared, compared/all
	}
	slices.SortStableFunc(m.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(float64(b.Weight)*b.Similarity, float64(a.Weight)*a.Similarity), strings.Compare(a.Field, b.Field))
	})
	slices.Sort(m.Missing)
	return m
}

// similarity is s of Rank's formula. It is symmetric.
func similarity(a, b value, r span) float64 {
	switch {
	case a.kind != b.kind:
		return 0
	case a.kind == number && a.number != b.number:
		return 1 - distance(a.number, b.number)/distance(r.low, r.high)
	case a.kind == number:
		return 1
	case a.kind == parts:
		return overlap(a.parts, b.parts)
	case a.text == b.text:
		return 1
	}
	return 0
}

// distance is how far apart two numbers are, at most the largest float64.
func distance(x, y float64) float64 { return min(math.Abs(x-y), math.MaxFloat64) }

// overlap is Σ min ÷ Σ max over all names; two that have nothing are alike.
func overlap(a, b map[string]float64) float64 {
	names := make([]string, 0, len(a)+len(b))
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		names = append(names, name)
	}
	slices.Sort(names) // sums of fractions depend on the order
	var common, whole float64
	for _, name := range slices.Compact(names) {
		common += min(a[name], b[name])
		whole += max(a[name], b[name])
	}
	if whole == 0 {
		return 1
	}
	return common / whole
}
