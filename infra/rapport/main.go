// Command rapport is the one tool of this repository: it runs everything on a
// laptop, checks the strategy, and brings history in.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// Exit codes. Scripts may rely on them.
const (
	exitFine     = 0
	exitProblems = 1 // it ran, and found or met problems
	exitUsage    = 2 // the command line says nothing that can be done
)

// commands is the command line.
type commands struct {
	Local    localCommand    `cmd:"" help:"Run everything on this machine, with the sample shop."`
	Validate validateCommand `cmd:"" help:"Check a strategy, and say what is wrong at which line."`
	Publish  publishCommand  `cmd:"" help:"Put a strategy into the table of a deployment."`
	Invoke   invokeCommand   `cmd:"" help:"Run one real Lambda on one event, without Docker."`
	Import   importCommand   `cmd:"" help:"Bring recorded events in as history."`
	Export   exportCommand   `cmd:"" help:"Hand out the people of an audience."`
	Cost     costCommand     `cmd:"" help:"Say what AWS would bill, by playing a small shop or from a running one."`
	Version  versionCommand  `cmd:"" help:"Say which version this is."`
}

const about = `Serverless personalization functions you own.

Start with: rapport local`

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	live     bool // err is a terminal that shows progress
	colours  bool // out is a terminal that wants them
}

// errReported ends a command that has told its problems already.
var errReported = errors.New("problems were found")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(realMain(ctx, os.Args[1:], terminal{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		live:    isTerminal(os.Stderr),
		colours: isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "",
	}))
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// realMain runs the command that args name and returns the exit code.
func realMain(ctx context.Context, args []string, t terminal) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	exited := -1
	parser, err := kong.New(&commands{}, kong.Name("rapport"), kong.Description(about), kong.Writers(t.out, t.err),
		kong.Exit(func(code int) { exited = code }), kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true}))
	if err != nil {
		fmt.Fprintln(t.err, "rapport:", err)
		return exitUsage
	}
	parsed, err := parser.Parse(args)
	switch {
	case exited >= 0: // --help printed what was asked for
		return exited
	case err != nil:
		fmt.Fprintf(t.err, "rapport: %v\nAsk rapport --help, or rapport <command> --help.\n", err)
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(t)
	switch {
	case err == nil:
		return exitFine
	case !errors.Is(err, errReported):
		fmt.Fprintln(t.err, "rapport:", err)
	}
	return exitProblems
}
