package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"rapport/infra/cloud"
)

// services are the columns of a bill, dearest habit first.
var services = []struct {
	name    string
	dollars func(cloud.Services) float64
}{
	{"HTTP API", func(s cloud.Services) float64 { return s.API }},
	{"Lambda", func(s cloud.Services) float64 { return s.Lambda }},
	{"DynamoDB", func(s cloud.Services) float64 { return s.Table }},
	{"SQS", func(s cloud.Services) float64 { return s.Queues }},
	{"EventBridge", func(s cloud.Services) float64 { return s.Bus }},
	{"SES", func(s cloud.Services) float64 { return s.Mail }},
	{"logs", func(s cloud.Services) float64 { return s.Logs }},
	{"X-Ray", func(s cloud.Services) float64 { return s.Traces }},
}

// printPlayed prints a table for each scenario, in dollars per million.
func (t terminal) printPlayed(p played) error {
	for _, one := range p.Scenarios {
		scale, what := 1e6/float64(one.Count), "a million "+one.Unit
		if one.Unit == "hour" {
			scale, what = 720, "a month of such hours"
		}
		fmt.Fprintf(t.out, "%s (%d %s): %s\n", t.paint(bold, one.Name), one.Count, one.Unit, one.About)
		if err := t.printFunctions(one.Functions, scale); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "  %s: %s", what, t.paint(bold, fmt.Sprintf("$%.2f", one.Dollars*scale)))
		if one.Unit != "hour" {
			fmt.Fprintf(t.out, "; a thousand: $%.5f", one.DollarsPerMillion/1000)
		}
		fmt.Fprint(t.out, "\n\n")
	}
	fmt.Fprintln(t.out, p.Note)
	return nil
}

// printStatement prints what a running cloud counted, in dollars.
func (t terminal) printStatement(s cloud.Statement) error {
	fmt.Fprintf(t.out, "%s since %s, in thousandths of a dollar\n", t.paint(bold, "all that was used"), s.Since.UTC().Format("2006-01-02 15:04"))
	if err := t.printFunctions(s.Functions, 1000); err != nil {
		return err
	}
	for _, unit := range []struct {
		name string
		cost cloud.UnitCost
	}{{"decisions", s.Decisions}, {"events", s.Events}, {"mails", s.Mails}} {
		fmt.Fprintf(t.out, "  %s", plural(int(unit.cost.Count), strings.TrimSuffix(unit.name, "s")))
		if each := unit.cost.DollarsPerMillion; each != nil {
			fmt.Fprintf(t.out, ": a thousand cost $%.5f, a million %s", *each/1000, t.paint(bold, fmt.Sprintf("$%.2f", *each)))
		}
		fmt.Fprintln(t.out)
	}
	fmt.Fprintf(t.out, "\n%s\n", s.Note)
	return nil
}

// printFunctions prints functions by services, leaving out services that cost
// nothing, with the units behind the largest sums at the end of each row.
func (t terminal) printFunctions(functions map[string]cloud.Use, scale float64) error {
	var total cloud.Use
	for _, u := range functions {
		total = total.Plus(u)
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	shown := services[:0:0]
	fmt.Fprint(table, "  \t")
	for _, s := range services {
		if s.dollars(total.Services) > 0 {
			shown = append(shown, s)
			fmt.Fprint(table, s.name, "\t")
		}
	}
	fmt.Fprint(table, "all\t\n")
	row := func(name string, u cloud.Use) {
		fmt.Fprint(table, name, "\t")
		for _, s := range shown {
			fmt.Fprintf(table, "%.3f\t", s.dollars(u.Services)*scale)
		}
		fmt.Fprintf(table, "%.3f\t\n", u.Dollars*scale)
	}
	for _, id := range slices.Sorted(maps.Keys(functions)) {
		row(strings.ToLower(strings.TrimSuffix(id, "Function")), functions[id])
	}
	row("all", total)
	return table.Flush()
}
