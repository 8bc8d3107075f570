// Package smoke runs the real bootstraps of the functions, as they are deployed,
// under a Lambda Runtime API on this machine, without Docker. Its tests feed
// every sample to every function and measure what is deployed.
package smoke

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"time"

	"rapport/shared/fault"
)

// Function is one running bootstrap: a sandbox, which serves one invocation at
// a time.
type Function struct {
	api    *runtimeAPI
	server *http.Server
	cmd    *exec.Cmd
	log    *lines
	ready  time.Duration
	ended  chan struct{} // closed once the process is gone
}

// patience is how long a bootstrap may take until it asks for its first event,
// as long as on AWS.
const patience = 10 * time.Second

// Start runs the bootstrap with that environment ("NAME=value") and nothing
// else, until it asks for its first event. Stop it when done.
//
// Errors: kind Unavailable (code not_ready) with the function's log when it ends
// or hangs before that.
func Start(ctx context.Context, bootstrap string, env ...string) (*Function, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fault.New(fault.Unavailable, "no_port", "no port is free on this machine: close something").Because(err)
	}
	f := &Function{api: newRuntimeAPI(), log: &lines{}, ended: make(chan struct{})}
	f.server = &http.Server{Handler: f.api.handler(), ReadHeaderTimeout: patience}
	go func() { _ = f.server.Serve(listener) }() // it ends with Stop

	f.cmd = exec.CommandContext(ctx, bootstrap)
	f.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}, env...)
	f.cmd.Stdout, f.cmd.Stderr = f.log, f.log
	f.cmd.WaitDelay = time.Second
	began := time.Now()
	if err := f.cmd.Start(); err != nil {
		close(f.ended)
		f.Stop()
		return nil, fault.New(fault.Unavailable, "not_ready", "build the bootstrap for this machine: it cannot be run").Because(err)
	}
	go func() {
		_ = f.cmd.Wait() // how it ended stands in ProcessState
		close(f.ended)
	}()
	select {
	case <-f.api.asked:
		f.ready = time.Since(began)
		return f, nil
	case <-f.ended:
		err = f.gone()
	case <-time.After(patience):
		err = fault.New(fault.Unavailable, "not_ready", "the function was not ready in %s; its log:\n%s", patience, f.Log())
	}
	f.Stop()
	return nil, err
}

// Ready is how long it took from the start of the process until it asked for
// its first event.
func (f *Function) Ready() time.Duration { return f.ready }

// Processor is the processor time that the process took from its start to its
// end, so it is known after Stop only. It depends less than Ready on what else
// the machine does.
func (f *Function) Processor() time.Duration {
	return f.cmd.ProcessState.UserTime() + f.cmd.ProcessState.SystemTime()
}

// Log is what the function has written so far: all of it only once it is gone,
// as after Stop.
func (f *Function) Log() string { return f.log.String() }

// Invoke hands the function an event and returns its answer. The function's
// deadline is that of ctx, or 30 seconds from now.
//
// Errors: kind Internal (code function_failed) with the function's own words
// when it reports an error, Unavailable (codes not_ready, no_answer) when it is
// gone or does not answer in time.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	deadline, _ := ctx.Deadline()
	call := f.api.call(event, deadline)
	select {
	case f.api.calls <- call:
	case <-f.ended:
		return nil, f.gone()
	case <-ctx.Done():
		return nil, f.silent(ctx)
	}
	select {
	case answer := <-call.answer:
		if answer.failed {
			return nil, fault.New(fault.Internal, "function_failed", "the function failed: %s", bytes.TrimSpace(answer.body))
		}
		return answer.body, nil
	case <-f.ended:
		return nil, f.gone()
	case <-ctx.Done():
		return nil, f.silent(ctx)
	}
}

func (f *Function) gone() error {
	return fault.New(fault.Unavailable, "not_ready", "the function ended (%s); its log:\n%s", f.cmd.ProcessState, f.Log())
}

func (f *Function) silent(ctx context.Context) error {
	return fault.New(fault.Unavailable, "no_answer", "the function did not answer in time; its log:\n%s", f.Log()).Because(ctx.Err())
}

// Stop ends the process and waits until it is gone.
func (f *Function) Stop() {
	if f.cmd.Process != nil {
		_ = f.cmd.Process.Kill() // it may have ended by itself
	}
	<-f.ended
	_ = f.server.Close() // nobody is left to be told
}

// lines collects what a process writes.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns all of it.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
