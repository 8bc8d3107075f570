package audience

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxReasons is how many conditions Why names.
const maxReasons = 4

// Why says in one line which conditions decided rule i for these facts:
//
//	computed.orders >= 3 is false (computed.orders = 2)
func (s *Set) Why(i int, f *Facts) string {
	if f.set != s {
		return errOtherFacts.Message
	}
	e := &explainer{set: s, facts: *f, slotOf: map[string]int{}}
	for k, sl := range s.slots {
		e.slotOf[strings.Join(sl.path, "\x00")] = k
	}
	e.explain(&s.rules[i].program)
	parts := e.parts
	if more := len(parts) - maxReasons; more > 0 {
		parts = append(parts[:maxReasons:maxReasons], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// explainer collects the conditions that decided a rule.
type explainer struct {
	set    *Set
	facts  Facts // a copy: its scratch is the explainer's own
	slotOf map[string]int
	parts  []string
}

// reading is what part of a rule reads: slots, and preferred fields.
type reading struct{ slots, fields []int }

// test evaluates part of a rule, and returns what it reads.
func (e *explainer) test(p *Program) (verdict, reading) {
	c := &compiler{set: e.set, slotOf: e.slotOf, names: e.set.declared, temps: e.set.scratch, explaining: true}
	test, err := c.predicate(p)
	if err != nil {
		return undecided(wrongType), reading{} // not reached: the whole rule compiled
	}
	e.facts.scratch = make([]value, c.temps)
	slices.Sort(c.uses)
	slices.Sort(c.told)
	return test(&e.facts), reading{slices.Compact(c.uses), slices.Compact(c.told)}
}

// explain descends to the conditions that decide p.
func (e *explainer) explain(p *Program) {
	switch p.Op {
	case OpNot:
		e.explain(&p.Args[0])
	case OpIf:
		e.explain(&p.Args[0])
		switch v, _ := e.test(&p.Args[0]); v {
		case yes:
			e.explain(&p.Args[1])
		case no:
			e.explain(&p.Args[2])
		}
	case OpAnd, OpOr:
		e.explainLogic(p)
	default:
		e.describe(p)
		if p.asksAudience() {
			e.explain(&e.set.rules[slices.Index(e.set.declared.Audiences, p.Path[1])].program)
		}
	}
}

// explainLogic explains the one argument that settles the matter, or both when
// it takes both.
func (e *explainer) explainLogic(p *Program) {
	whole, _ := e.test(p)
	if whole == verdictOf(p.Op == OpAnd) {
		e.explain(&p.Args[0])
		e.explain(&p.Args[1])
		return
	}
	for i := range p.Args {
		if v, _ := e.test(&p.Args[i]); v == whole {
			e.explain(&p.Args[i])
			return
		}
	}
}

// describe adds what came of one condition, with the values that it read.
func (e *explainer) describe(p *Program) {
	v, uses := e.test(p)
	if p.asksAudience() {
		uses = reading{} // the other audience's own conditions follow
	}
	outcome := "cannot be decided"
	switch v {
	case yes:
		outcome = "is true"
	case no:
		outcome = "is false"
	}
	var values []string
	for _, i := range uses.fields {
		values = append(values, e.field(i))
	}
	for _, k := range uses.slots {
		path := pathText(e.set.slots[k].path)
		switch fact := &e.facts.slots[k]; {
		case fact.lacking():
			values = append(values, path+" is missing")
		case p.Op != OpHas && p.Op != OpGet:
			values = append(values, path+" = "+fact.describe())
		}
	}
	line := p.String() + " " + outcome
	if len(values) > 0 {
		line += " (" + strings.Join(values, ", ") + ")"
	}
	if v < no && !slices.ContainsFunc(values, func(s string) bool { return strings.HasSuffix(s, " is missing") }) {
		line += ": " + e.set.errors[-v].Message
	}
	e.parts = append(e.parts, line)
}

// field writes the value of a preferred field and where it is from.
func (e *explainer) field(i int) string {
	f := &e.set.fields[i]
	won, v := first(f.places, &e.facts)
	return pathText([]string{Preferred, f.name}) + " = " + v.describe() + ", " + string(f.places[won].source)
}

// maxShown is how much of a string Why shows.
const maxShown = 60

// describe writes the value for people.
func (v *value) describe() string {
	switch v.kind {
	case null:
		return "null"
	case boolean:
		return strconv.FormatBool(v.n == 1)
	case integer:
		return strconv.FormatInt(v.n, 10)
	case double:
		return strconv.FormatFloat(v.float(), 'g', -1, 64)
	case instant:
		return v.time().Format(time.RFC3339Nano)
	case list:
		return fmt.Sprintf("a list of %d", len(v.items))
	case object:
		return fmt.Sprintf("an object of %d", len(v.items)/2)
	default:
		shown := []rune(string(v.text))
		if len(shown) > maxShown {
			return quote(string(shown[:maxShown])) + "…"
		}
		return quote(string(shown))
	}
}
