package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"rapport/infra/cloud"
	"rapport/shared/fault"
)

// costCommand says what AWS would bill.
type costCommand struct {
	Template string `default:"template.yaml" help:"SAM template that says which functions run."`
	Strategy string `default:"infra/strategy" help:"Folder of the strategy to play."`
	URL      string `placeholder:"URL" help:"Read the meter of a running Rapport, instead of playing."`
	JSON     bool   `help:"Print the result as JSON."`
}

// Help implements kong.HelpProvider.
func (costCommand) Help() string {
	return `Without --url it plays a small shop in this process: decisions, events one by one and in tens, carts that are left. Every function of the template runs, and each item, request, mail and log line is counted as AWS bills it. Nothing is sent anywhere, and nothing is kept.

Read a row as: a million of these would cost so many dollars, for that function and that service.

How long a Lambda runs for is assumed from the calls that it makes, and --json says with which figures. Storage, transfer and the free tier are left out.

Examples:
  rapport cost
  rapport cost --strategy my/strategy
  rapport cost --url http://127.0.0.1:8080
  rapport cost --json | jq '.scenarios[] | {name, dollarsPerMillion}'`
}

// Run implements the command.
func (c costCommand) Run(ctx context.Context, t terminal) error {
	if c.URL != "" {
		s, err := readMeter(ctx, http.DefaultClient, strings.TrimRight(c.URL, "/"))
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(t.out, s)
		}
		return t.printStatement(s)
	}
	p, err := c.play(ctx, t, crowd)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(t.out, p)
	}
	return t.printPlayed(p)
}

func writeJSON(to io.Writer, value any) error {
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// readMeter asks a local cloud for its bill.
func readMeter(ctx context.Context, client *http.Client, url string) (cloud.Statement, error) {
	var s cloud.Statement
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/local/meter", http.NoBody)
	if err != nil {
		return s, fault.New(fault.Invalid, "bad_url", "give an address like http://127.0.0.1:8080").In("url").Because(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return s, fault.New(fault.Unavailable, "no_answer", "nothing answers at %s: start rapport local, or leave --url out", url).In("url").Because(err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode != http.StatusOK || json.NewDecoder(response.Body).Decode(&s) != nil {
		return s, fault.New(fault.Invalid, "no_meter", "%s has no meter: only rapport local has one", url).In("url")
	}
	return s, nil
}

// openingTime is when a play begins: a Monday morning, so that two plays are alike.
var openingTime = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// crowd is how many customers a play has.
const crowd = 100

// play runs every scenario, in a cloud of their own.
func (c costCommand) play(ctx context.Context, t terminal, crowd int) (played, error) {
	for _, need := range []string{c.Template, c.Strategy} {
		if _, err := os.Stat(need); err != nil {
			return played{}, fault.New(fault.Invalid, "not_here", "%s is not there: run it from the repository, or pass --template and --strategy", need)
		}
	}
	data, err := os.MkdirTemp("", "rapport-cost-")
	if err != nil {
		return played{}, fault.New(fault.Unavailable, "no_data_folder", "there is no room for temporary files: set TMPDIR").Because(err)
	}
	defer func() { _ = os.RemoveAll(data) }() // the system tidies what stays
	running, err := cloud.Open(cloud.Config{
		Template: c.Template, Data: data, Strategy: c.Strategy, Now: func() time.Time { return openingTime }, Fleeting: true,
		WriteKey: playWriteKey, SecretKey: playSecretKey, IdentitySecret: "play-identity",
		Log: slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return played{}, fmt.Errorf("cannot play: %w", err)
	}
	workers, stop := context.WithCancel(context.WithoutCancel(ctx))
	go running.Run(workers)
	s := stage{cloud: running, client: &http.Client{Transport: direct{running.Handler()}}, crowd: crowd}
	p, err := s.playAll(ctx, scenarios)
	stop()
	if closed := running.Close(); err == nil {
		err = closed
	}
	return p, err
}
