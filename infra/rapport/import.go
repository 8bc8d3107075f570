package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rapport/infra/history"
	"rapport/infra/publish"
	"rapport/shared/fault"
)

// importCommand brings a file of recorded events in.
type importCommand struct {
	place
	File   string `arg:"" help:"Events as JSON lines, plain or gzip; - reads standard input."`
	Source string `placeholder:"ID" help:"The source of the strategy that explains the file: a table (CSV) or JSON lines of another system."`
	URL    string `placeholder:"URL" help:"Send to a running Rapport, instead of working on the data folder."`
	JSON   bool   `help:"Print the summary as JSON."`
}

// Help implements kong.HelpProvider.
func (importCommand) Help() string {
	return `One Segment event a line: {"type":"track","event":"Order Completed","userId":"u1","timestamp":"2026-01-31T09:00:00Z",…}. Events keep their times and count as history, so they start no journey. A run that was cut off goes on where it stopped, and importing a file twice changes nothing.

Files of other systems are explained by a source of the strategy (sources: in its YAML). A table has a heading and is parted by commas, semicolons or tabs.

Without --url, no server may be running on the data folder.

Examples:
  rapport import orders.jsonl.gz
  zcat 2025/*.gz | rapport import -
  rapport import --source courier deliveries.csv
  rapport import orders.jsonl --url http://127.0.0.1:8080`
}

// Run implements the command.
func (c importCommand) Run(ctx context.Context, t terminal) error {
	config := history.Config{URL: c.URL, Key: c.SecretKey, Now: time.Now}
	if err := c.explain(&config); err != nil {
		return err
	}
	show := newProgress(t)
	config.Progress = show.update
	in, closeFile, err := c.source(t, &config)
	if err != nil {
		return err
	}
	defer closeFile()
	closeCloud := func() error { return nil }
	if c.URL == "" {
		if config.Client, closeCloud, err = c.start(ctx, t); err != nil {
			return err
		}
		config.URL = inside
	}
	summary, err := history.Import(ctx, in, config)
	show.done()
	if err != nil && ctx.Err() != nil {
		err = fault.New(fault.Unavailable, "stopped", "stopped after line %d; %s", summary.Lines, again(config.Checkpoint))
	}
	err = errors.Join(err, closeCloud(), c.print(t, summary))
	if err == nil && summary.Unreadable > 0 {
		return errReported
	}
	return err
}

// explain finds the source that --source names.
func (c importCommand) explain(config *history.Config) error {
	if c.Source == "" {
		return nil
	}
	document, problems := publish.Load(c.Strategy)
	for _, p := range problems {
		if !p.Warning {
			return fault.New(fault.Invalid, "bad_strategy", "the strategy in %s has problems: ask rapport validate %s", c.Strategy, c.Strategy)
		}
	}
	var known []string
	for i := range document.Sources {
		if known = append(known, document.Sources[i].ID); document.Sources[i].ID == c.Source {
			config.Source = &document.Sources[i]
			return nil
		}
	}
	return fault.New(fault.NotFound, "no_source", "the strategy in %s has no source %q; it has %s", c.Strategy, c.Source, strings.Join(known, ", ")).In("source")
}

// again says how a stopped import is finished.
func again(checkpoint string) string {
	if checkpoint == "" {
		return "send the same events again, which changes nothing for those that are in"
	}
	return "run the same command again to go on"
}

// source opens the file and gives the run a checkpoint; standard input has none,
// for nobody can say whether it is the same again.
func (c importCommand) source(t terminal, config *history.Config) (in io.Reader, closeFile func(), err error) {
	if c.File == "-" {
		return t.in, func() {}, nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, nil, fault.New(fault.NotFound, "no_file", "%s cannot be read: name a file of events, or - for standard input", c.File).Because(err)
	}
	closeFile = func() { _ = file.Close() } // it was only read
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return file, closeFile, err // a pipe: no checkpoint either
	}
	name, err := history.CheckpointName(file, info.Size(), strings.TrimSpace(c.URL+" "+c.Source))
	if err == nil {
		err = os.MkdirAll(c.Data, 0o700)
	}
	config.Checkpoint = filepath.Join(c.Data, name)
	return file, closeFile, err
}

// start runs a cloud on the data folder without a port, and returns a client
// that talks to it.
func (p place) start(ctx context.Context, t terminal) (*http.Client, func() error, error) {
	log := slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelError}))
	running, err := p.open(log, "")
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Code == "data_in_use" {
		return nil, nil, fault.New(fault.Unavailable, f.Code, "a rapport is running on %s: pass its address, as in --url http://127.0.0.1:8080", p.Data)
	}
	if err != nil {
		return nil, nil, err
	}
	workers, stop := context.WithCancel(context.WithoutCancel(ctx))
	go running.Run(workers)
	client := &http.Client{Transport: direct{running.Handler()}}
	return client, func() error { stop(); return running.Close() }, nil
}

// print tells what became of the file.
func (c importCommand) print(t terminal, s history.Summary) error {
	if c.JSON {
		enc := json.NewEncoder(t.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(s)
	}
	for _, p := range s.Problems {
		fmt.Fprintf(t.err, "%s:%d: %s\n", c.File, p.Line, p.Message)
	}
	if s.Unreadable > len(s.Problems) {
		fmt.Fprintf(t.err, "and %s more\n", plural(s.Unreadable-len(s.Problems), "unreadable line"))
	}
	if s.ResumedAfter > 0 {
		fmt.Fprintf(t.out, "Went on after line %d, where an earlier run stopped.\n", s.ResumedAfter)
	}
	fmt.Fprintf(t.out, "%s: %d accepted (repetitions change nothing), %d unreadable\n", plural(s.Lines, "line"), s.Accepted, s.Unreadable)
	printVerdicts(t, "rejected", s.Rejected)
	printVerdicts(t, "switched off", s.Declined)
	fmt.Fprintf(t.out, "%.0f events/s", s.EventsPerSecond)
	if s.DollarsPerMillion != nil {
		fmt.Fprintf(t.out, "; on AWS a million of them would cost $%.2f", *s.DollarsPerMillion)
	}
	fmt.Fprintln(t.out)
	return nil
}

func printVerdicts(t terminal, word string, verdicts map[string]*history.Verdict) {
	codes := make([]string, 0, len(verdicts))
	for code := range verdicts {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		v := verdicts[code]
		fmt.Fprintf(t.out, "  %d %s: %s: %s (lines %v)\n", v.Count, word, code, v.Message, v.Lines)
	}
}
