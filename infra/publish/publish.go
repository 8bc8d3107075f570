// Package publish turns the strategy's YAML files into the document that is
// published. It checks everything that can be checked before a customer sees it,
// finds all problems rather than the first, and says for each the file, line and
// column. Rules are parsed and type-checked as CEL here and nowhere else.
package publish

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"rapport/shared/strategy"
)

// Problem is something in a strategy file that its author should look at.
type Problem struct {
	File    string // the file's name, without its folder
	Line    int    // 1 is the first; 0: the file as a whole
	Column  int    // 1 is the first character
	Message string // a sentence that says what to do
	Warning bool   // the strategy can be published all the same
}

// String writes the problem as editors and terminals know it.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// maxFileBytes bounds a strategy file.
const maxFileBytes = 1 << 20

// Load reads every *.yaml file in the folder and returns the strategy that they
// describe together, with its version. It may be published when no problem is
// more than a warning. Problems are sorted by place.
func Load(dir string) (strategy.Document, []Problem) {
	l := newLoader()
	l.dir = dir
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err == nil && len(paths) == 0 {
		_, err = os.Stat(dir)
	}
	switch {
	case err != nil:
		l.problems = append(l.problems, Problem{File: dir, Message: "this folder cannot be read: name the folder that holds your strategy"})
	case len(paths) == 0:
		l.problems = append(l.problems, Problem{File: dir, Message: "there is no .yaml file here; copy infra/strategy to begin with"})
	}
	for _, path := range paths {
		l.readFile(path)
	}
	if len(paths) > 0 && !l.unread {
		l.check()
	}
	doc := l.document()
	if !l.refused() {
		doc = l.seal(doc)
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return doc, slices.Compact(l.problems)
}

// seal gives the document its version, and asks it what personas expect of it.
func (l *loader) seal(doc strategy.Document) strategy.Document {
	sealed, err := doc.Seal()
	var ready *strategy.Strategy
	if err == nil {
		ready, err = strategy.Ready(sealed)
	}
	if err != nil {
		l.problems = append(l.problems, Problem{File: l.dir, Message: err.Error()})
		return sealed
	}
	l.checkExpected(ready)
	return sealed
}

// document sorts what was read, so that equal strategies have equal bytes.
func (l *loader) document() strategy.Document {
	doc := strategy.Document{Zone: l.zone, Sender: l.sender, Contact: l.contact, Lifecycle: l.lifecycle, Retention: l.kept}
	for _, id := range l.computed.ids() {
		doc.Computed = append(doc.Computed, l.computed.at[id].value)
	}
	for _, id := range l.audiences.ids() {
		doc.Audiences = append(doc.Audiences, l.audiences.at[id].value)
	}
	for _, name := range l.preferred.ids() {
		doc.Preferred = append(doc.Preferred, l.preferred.at[name].value)
	}
	for _, id := range l.slots.ids() {
		doc.Slots = append(doc.Slots, l.slots.at[id].value)
	}
	for _, id := range l.blocks.ids() {
		doc.Blocks = append(doc.Blocks, l.blocks.at[id].value)
	}
	for _, id := range l.purposes.ids() {
		doc.Purposes = append(doc.Purposes, l.purposes.at[id].value)
	}
	for _, id := range l.messages.ids() {
		doc.Messages = append(doc.Messages, l.messages.at[id].value)
	}
	for _, id := range l.journeys.ids() {
		doc.Journeys = append(doc.Journeys, l.journeys.at[id].value)
	}
	if doc.CountsDays() {
		doc.Offsets = strategy.Offsets(l.location)
	}
	for _, id := range l.sources.ids() {
		doc.Sources = append(doc.Sources, l.sources.at[id].value)
	}
	for _, id := range l.personas.ids() {
		doc.Personas = append(doc.Personas, l.personas.at[id].value)
	}
	return doc
}

// refused reports whether any problem is more than a warning.
func (l *loader) refused() bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return !p.Warning })
}
