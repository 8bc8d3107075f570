package dynamo

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"rapport/shared/fault"
)

// One call of the table waits at most this often, each time twice as long as
// the time before: three seconds together.
const (
	maxWaits  = 7
	firstWait = 25 * time.Millisecond
)

// patience is how often one call of the table may still wait.
type patience struct {
	sleep func(context.Context, time.Duration) error
	waits int
}

func (t *Table) patience() *patience { return &patience{sleep: t.sleep} }

// wait sleeps before the next attempt. It fails when there is to be none, with
// the reason why another attempt was wanted.
func (p *patience) wait(ctx context.Context, why error) error {
	if p.waits == maxWaits {
		return unavailable(why)
	}
	p.waits++
	if err := p.sleep(ctx, firstWait<<(p.waits-1)); err != nil {
		return cancelled(err)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// send makes one request, and makes it again while DynamoDB is busy, fails, or
// its answer is lost. Its error is a fault, or one that carries what DynamoDB
// says about a write.
func (p *patience) send(ctx context.Context, request func() error) error {
	for {
		err := request()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return cancelled(err)
		case !transient(err):
			return err
		}
		if err := p.wait(ctx, err); err != nil {
			return err
		}
	}
}

// transient reports whether another attempt may go better. An answer that
// cannot be read was cut off: the request itself may have been carried out.
func transient(err error) bool {
	var cut *smithy.DeserializationError
	return errors.As(err, &cut) || errors.Is(err, io.ErrUnexpectedEOF) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// failure returns err as a fault.
func failure(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return fault.New(fault.Internal, "table_refused",
		"DynamoDB refused the call: check the table's name, the region and the permissions").Because(err)
}

func unavailable(err error) error {
	return fault.New(fault.Unavailable, "table_unavailable",
		"DynamoDB did not answer in several attempts: try again, a commit under the same owner").Because(err)
}

func cancelled(err error) error {
	return fault.New(fault.Unavailable, "cancelled",
		"the caller gave up before DynamoDB answered: try again, a commit under the same owner").Because(err)
}
