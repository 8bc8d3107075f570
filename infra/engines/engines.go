// Package engines starts DynamoDB engines on this machine, for the tests of
// shared/aws/dynamo and for whoever wants to run on one. An engine keeps its
// tables in memory, listens on a free port of 127.0.0.1, and ends with the
// process that started it, however that one ends.
package engines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rapport/shared/fault"
)

// Region is the region that a client of an engine must name: some keep the
// tables of each region apart.
const Region = "eu-central-1"

// kind is an engine that can be started.
type kind struct {
	name    string
	program string                     // below the root of the repository
	args    func(port string) []string // that make it listen there
}

var kinds = []kind{
	{"dynoxide", "infra/engines/node_modules/@dynoxide/linux-x64/dynoxide", func(port string) []string {
		return []string{"serve", "--host", "127.0.0.1", "--port", port}
	}},
	{"moto", ".tools/moto/bin/moto_server", func(port string) []string {
		return []string{"--host", "127.0.0.1", "--port", port}
	}},
}

// Engine is an engine that answers.
type Engine struct {
	Name     string
	Endpoint string // its URL

	command *exec.Cmd
	alive   io.Closer // open as long as the engine is to run
	output  *log
}

// startTime is how long an engine may take until it answers: Dynoxide takes
// milliseconds, moto a second or two.
const startTime = time.Minute

// Start starts the engine "dynoxide" or "moto" of the repository in root and
// returns once it answers.
//
// Errors: kind NotFound (code unknown_engine, engine_not_installed); kind
// Unavailable (code engine_not_started).
func Start(ctx context.Context, root, name string) (*Engine, error) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "unknown_engine", "there is no engine %q: name dynoxide or moto", name)
	}
	program := filepath.Join(root, filepath.FromSlash(kinds[i].program))
	if _, err := os.Stat(program); err != nil {
		return nil, fault.New(fault.NotFound, "engine_not_installed", "%s is not installed: run make tools", name).Because(err)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, notStarted(name, err)
	}
	e := &Engine{Name: name, Endpoint: "http://127.0.0.1:" + port, output: &log{}}
	if err := e.launch(context.WithoutCancel(ctx), program, kinds[i].args(port)); err != nil {
		return nil, notStarted(name, err)
	}
	if err := e.ready(ctx); err != nil {
		_ = e.Close() // the first error says more
		return nil, notStarted(name, fmt.Errorf("%w; it says: %s", err, e.output))
	}
	return e, nil
}

// guard runs a program until its own standard input ends, which it does when
// the process that holds the other end is gone.
const guard = `"$@" </dev/null & read -r _; kill $!; wait`

func (e *Engine) launch(ctx context.Context, program string, args []string) error {
	//nolint:gosec // the programs are those of kinds
	e.command = exec.CommandContext(ctx, "sh", append([]string{"-c", guard, "sh", program}, args...)...)
	e.command.Stdout, e.command.Stderr = e.output, e.output
	alive, err := e.command.StdinPipe()
	if err != nil {
		return err
	}
	e.alive = alive
	return e.command.Start()
}

// ready returns once the engine answers.
func (e *Engine) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := call(ctx, e.Endpoint, "ListTables", map[string]any{})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// Close ends the engine; its tables are gone.
func (e *Engine) Close() error {
	err := e.alive.Close()
	var ended *exec.ExitError // by our own signal
	if waited := e.command.Wait(); !errors.As(waited, &ended) {
		err = errors.Join(err, waited)
	}
	return err
}

func notStarted(name string, err error) error {
	return fault.New(fault.Unavailable, "engine_not_started", "%s did not start: see what it says, and try again", name).Because(err)
}

// freePort asks the system for a port that nobody uses just now.
func freePort(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// log keeps the first of what an engine prints; the reason for not starting is there.
type log struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all.Len() < 16<<10 {
		l.all.Write(p)
	}
	return len(p), nil
}

// String returns what was printed.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(l.all.String())
}
