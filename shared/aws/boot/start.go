package boot

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// firstRead is how long the strategy is waited for before the first request.
// INIT may take ten seconds; a table that needs longer than this will not be
// better off by being waited for.
const firstRead = 3 * time.Second

// spare is what is kept of each invocation's time for the answer: what still
// runs by then is given up in order, rather than cut off anywhere.
const spare = 500 * time.Millisecond

// Main is the main of every function: it builds the handler, reads the strategy
// and serves until Lambda ends the process. When the environment lacks
// something, it logs all that is missing and ends the process with status 1,
// before any request is lost on a function that cannot work.
func Main(build func(*Env) lambda.Handler) {
	env := &Env{Log: newLog()}
	slog.SetDefault(env.Log)
	handler := build(env)
	if len(env.problems) > 0 {
		env.Log.Error("the function cannot start", "problems", env.problems)
		os.Exit(1)
	}
	env.warm()
	lambda.Start(env.telling(Punctual(handler)))
}

// warm reads the strategy. When it cannot be read now, the first request tries
// again: a function that is up can still say what is wrong.
func (e *Env) warm() {
	if e.strategies == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), firstRead)
	defer cancel()
	if _, err := e.strategies.Current(ctx); err != nil {
		e.Log.Warn("the strategy cannot be read yet; the first request tries again", "error", err)
	}
}

// Punctual returns a handler that lets h work until half a second before
// Lambda's deadline, so that a call that hangs ends in an answer that names the
// messages that failed. It serves one invocation at a time, as a sandbox does.
func Punctual(h lambda.Handler) lambda.Handler { return punctual{h} }

type punctual struct{ next lambda.Handler }

// Invoke implements lambda.Handler.
func (p punctual) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return p.next.Invoke(ctx, payload)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(-spare))
	defer cancel()
	return p.next.Invoke(ctx, payload)
}

// NewID returns a random id in the form of a UUID.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
