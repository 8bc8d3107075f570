package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rapport/infra/smoke"
	"rapport/shared/fault"
)

// invokeCommand runs one real bootstrap, as AWS would, on one event.
type invokeCommand struct {
	Function string `arg:"" help:"Which one: the name of a folder in functions/."`
	Event    string `arg:"" optional:"" default:"-" help:"File with the event as AWS delivers it; - reads standard input (${default})."`
	Strategy string `default:"infra/strategy" help:"Folder of the strategy that is published first (${default})."`
	Dynamo   string `name:"dynamodb-endpoint" env:"DYNAMODB_ENDPOINT" help:"URL of a DynamoDB engine on which state is kept."`
}

// Help implements kong.HelpProvider.
func (invokeCommand) Help() string {
	return `Builds functions/<function>/lambda for this machine with the flags of a deployment and runs it under a Lambda Runtime API. No Docker, no AWS account. The answer goes to standard output, log lines and the calls it made of AWS to standard error; the exit code is 1 when the function fails.

State: without DYNAMODB_ENDPOINT each call gets a DynamoDB engine of its own (Dynoxide, which make tools installs) with the strategy and nobody in it; afterwards all is gone. With it, the table "Table" of the engine there is made once and kept, so that one call finds what another stored. Messages, events and mails are taken and go nowhere. The keys are demo-write, demo-secret and demo-identity. To play the whole loop, use rapport local.

Run it at the top of the repository. Examples:
  rapport invoke decide events/decide/anonymous.json
  DYNAMODB_ENDPOINT=http://127.0.0.1:8000 rapport invoke unify events/unify/batch.json
  rapport invoke collect <event.json | jq -r .body`
}

// Run implements the command.
func (c invokeCommand) Run(ctx context.Context, t terminal) error {
	event, err := c.read(t.in)
	if err != nil {
		return err
	}
	out, err := smoke.Invocation{
		Root: ".", Function: c.Function, Event: event, Strategy: c.Strategy, Dynamo: c.Dynamo,
	}.Run(ctx)
	fmt.Fprint(t.err, out.Log)
	for _, call := range slices.SortedFunc(maps.Keys(out.Calls), func(a, b smoke.Call) int { return strings.Compare(a.String(), b.String()) }) {
		fmt.Fprintf(t.err, "%4d × %s\n", out.Calls[call], call)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.err, "%s answered in %.1f ms\n", c.Function, float64(out.Took.Microseconds())/1000)
	var pretty bytes.Buffer
	if json.Indent(&pretty, out.Answer, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(out.Answer)
	}
	fmt.Fprintln(t.out, pretty.String())
	return nil
}

func (c invokeCommand) read(in io.Reader) ([]byte, error) {
	if c.Event == "-" {
		return io.ReadAll(in)
	}
	data, err := os.ReadFile(filepath.Clean(c.Event))
	if err != nil {
		return nil, fault.New(fault.NotFound, "no_event", "there is no event %s: name a file, such as those in events/%s", c.Event, c.Function).Because(err)
	}
	return data, nil
}
