// Command bench compares what Rapport computes with what others compute for the
// same work, in one process and in turn, and prints the ratios. It stands in a
// module of its own, so that nobody who builds Rapport fetches the others.
package main

import (
	"fmt"
	"os"
	"text/tabwriter"
)

// comparison is the same work done by Rapport and by others.
type comparison struct {
	name     string
	contests []contestant // Rapport first
}

// contestant does a piece of work. Do reports whether the result was right.
type contestant struct {
	name string
	do   func() bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "work\twho\tCPU ns\ttimes Rapport's\tallocations\t")
	for _, build := range []func() (comparison, error){rules, slots, catalogue} {
		c, err := build()
		if err != nil {
			return err
		}
		took, err := measure(c.contests)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		for i, one := range c.contests {
			fmt.Fprintf(table, "%s\t%s\t%.0f\t%.1f\t%.0f\t\n", c.name, one.name, took[i].nanoseconds, took[i].nanoseconds/took[0].nanoseconds, took[i].allocations)
		}
	}
	return table.Flush()
}
