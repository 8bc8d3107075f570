package cloud

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// errTimedOut is how an invocation ends that took longer than the template allows.
var errTimedOut = errors.New("timed out")

// function runs one Lambda's handler as AWS would: with a deadline, a request
// id, and a bill.
type function struct {
	spec    functionSpec
	handler *sandboxes
	meter   *meter
	log     *slog.Logger
}

// result is how an invocation ended.
type result struct {
	answer []byte
	err    error
}

// Invoke runs the handler on payload. A panic is an error, and so is an
// invocation that does not end in time; its goroutine is then left behind, as
// a frozen sandbox would be. A caller that goes away stops nothing, as on AWS.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	id := newID()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.spec.Timeout)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       id,
		InvokedFunctionArn: fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", region, account, f.spec.ID),
	})
	ctx = table.WithMeter(ctx, func(u table.Usage) { f.meter.Table(f.spec.ID, u) })
	ended := make(chan result, 1)
	go func() { ended <- f.call(ctx, payload) }()
	var r result
	select {
	case r = <-ended:
	case <-ctx.Done():
		r.err = fmt.Errorf("%w after %s", errTimedOut, f.spec.Timeout)
	}
	f.meter.Invocation(f.spec.ID, r.err != nil)
	if r.err != nil {
		f.log.ErrorContext(ctx, "the function failed", "requestId", id, "error", r.err)
	}
	return r.answer, r.err
}

func (f *function) call(ctx context.Context, payload []byte) (r result) {
	defer func() {
		if p := recover(); p != nil {
			f.log.ErrorContext(ctx, "the function panicked", "panic", p, "stack", string(debug.Stack()))
			r.err = fault.New(fault.Internal, "panic", "the function panicked: %v", p)
		}
	}()
	r.answer, r.err = f.handler.Invoke(ctx, payload)
	return r
}

// newID returns a random id in the form of a UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
