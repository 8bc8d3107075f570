package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"rapport/infra/publish"
	"rapport/shared/fault"
	"rapport/shared/strategy"
)

// validateCommand checks a folder of strategy files.
type validateCommand struct {
	Dir  string `arg:"" optional:"" default:"infra/strategy" help:"Folder of the strategy's YAML files (${default})."`
	JSON bool   `help:"Print the result as JSON."`
}

// Help implements kong.HelpProvider.
func (validateCommand) Help() string {
	return `Every problem is told as file:line:column, so that an editor can jump there. Warnings do not fail.

Examples:
  rapport validate
  rapport validate my/strategy --json`
}

// found is one problem as --json prints it.
type found struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Warning bool   `json:"warning"`
}

// Run implements the command.
func (c validateCommand) Run(t terminal) error {
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return fault.New(fault.Invalid, "no_strategy_folder", "%s is no folder here: run it from the repository, or name the folder", c.Dir)
	}
	document, problems := publish.Load(c.Dir)
	failed := false
	for _, p := range problems {
		failed = failed || !p.Warning
	}
	if c.JSON {
		if err := printJSON(t, document, problems, failed); err != nil {
			return err
		}
	} else {
		printProblems(t, c.Dir, document, problems, failed)
	}
	if failed {
		return errReported
	}
	return nil
}

func printJSON(t terminal, document strategy.Document, problems []publish.Problem, failed bool) error {
	result := struct {
		Valid    bool    `json:"valid"`
		Version  string  `json:"version,omitempty"`
		Problems []found `json:"problems"`
	}{Valid: !failed, Problems: []found{}}
	if !failed {
		result.Version = document.Version
	}
	for _, p := range problems {
		result.Problems = append(result.Problems, found(p))
	}
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(result)
}

func printProblems(t terminal, dir string, document strategy.Document, problems []publish.Problem, failed bool) {
	errors, warnings := 0, 0
	for _, p := range problems {
		label := t.paint(red, "error")
		if p.Warning {
			label = t.paint(yellow, "warning")
			warnings++
		} else {
			errors++
		}
		place := filepath.Join(dir, p.File)
		if p.Line > 0 {
			place = fmt.Sprintf("%s:%d:%d", place, p.Line, p.Column)
		}
		fmt.Fprintf(t.out, "%s: %s: %s\n", t.paint(bold, place), label, p.Message)
	}
	if failed {
		fmt.Fprintf(t.out, "%s: %s, %s\n", dir, plural(errors, "error"), plural(warnings, "warning"))
		return
	}
	fmt.Fprintf(t.out, "%s is valid: version %s with %s, %s, %s, %s, %s, %s; %s\n", dir, document.Version,
		plural(len(document.Audiences), "audience"), plural(len(document.Slots), "slot"), plural(len(document.Blocks), "block"),
		plural(len(document.Journeys), "journey"), plural(len(document.Messages), "message"), plural(len(document.Personas), "persona"), plural(warnings, "warning"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Colours, as terminals take them.
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

// paint colours the text where colours are wanted.
func (t terminal) paint(colour, text string) string {
	if !t.colours {
		return text
	}
	return colour + text + plain
}
