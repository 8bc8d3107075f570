// Package history sends recorded events to collect: a file of Segment events,
// one a line, or another system's file that a source of the strategy explains,
// goes in as history, with the times that the events carry. It may be sent twice, for events are recognised; a run that was cut off goes on where
// it stopped.
package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"rapport/shared/event"
)

// Limits of one request to collect.
const (
	BatchEvents = 500
	BatchBytes  = 2 << 20
)

// settleEvery is after how many events the queue is let run empty, so that a
// long history does not pile up there.
const settleEvery = 10_000

// Config says where history goes.
type Config struct {
	URL        string        // of the API, without a path
	Key        string        // a secret key
	Client     *http.Client  // nil: http.DefaultClient
	Source     *event.Source // explains another system's file; nil: events in Segment's terms
	Checkpoint string        // file that remembers how far the run got; "": none
	Now        func() time.Time
	Wait       func(ctx context.Context, d time.Duration) error // before a repetition; nil: really wait
	Progress   func(Summary)                                    // called after each batch; may be nil
}

// run is one import on its way.
type run struct {
	Config
	lines   rows
	summary Summary
	batch   []item
	size    int
	pending int // events sent since the queue was last seen empty
	bare    bool
}

// item is one event and the line that it stands on.
type item struct {
	line int
	text []byte
}

// Import reads events, one a line, plain or gzip, and sends them in order. A table
// is read by rows, and its lines are those that rows end on. The
// summary is right also when an error is returned: an unreadable line or a
// rejected event is no error but counted, and the run goes on.
//
// Errors: what reading or the checkpoint's file failed with; kind
// Unauthenticated or Forbidden when the key does not reach; Unavailable when
// collect did not answer after several tries. After any of them the same call
// continues where this one stopped, given a checkpoint.
func Import(ctx context.Context, in io.Reader, c Config) (Summary, error) {
	if c.Client == nil {
		c.Client = http.DefaultClient
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	r := &run{Config: c}
	var err error
	if c.Source != nil {
		r.lines, err = openForeign(in, c.Source)
	} else {
		r.lines, err = open(in)
	}
	if err != nil {
		return Summary{}, err
	}
	if err := r.resume(); err != nil {
		return r.summary, err
	}
	started, before := c.Now(), r.meter(ctx)
	err = r.all(ctx)
	r.summary.finish(c.Now().Sub(started), before, r.meter(context.WithoutCancel(ctx)))
	return r.summary, err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// all sends everything, then waits until it has been taken in.
func (r *run) all(ctx context.Context) error {
	for {
		text, problem, err := r.lines.next()
		line, _ := r.lines.place()
		switch {
		case errors.Is(err, io.EOF):
			if err := r.flush(ctx); err != nil {
				return err
			}
			if err := r.settle(ctx); err != nil {
				return err
			}
			return r.forget()
		case err != nil:
			return errors.Join(fmt.Errorf("line %d cannot be read: %w", line+1, err), r.flush(ctx))
		case problem != nil:
			r.summary.unreadable(line, problem)
		case text != nil:
			if err := r.add(ctx, item{line: line, text: text}); err != nil {
				return err
			}
		}
	}
}

// add puts an event into the batch, which goes out as soon as another line might
// not fit.
func (r *run) add(ctx context.Context, i item) error {
	r.batch = append(r.batch, i)
	r.size += len(i.text) + 1
	r.summary.Events++
	if len(r.batch) < BatchEvents && r.size < BatchBytes-maxLine {
		return nil
	}
	return r.flush(ctx)
}

// flush sends the batch and remembers that it is done.
func (r *run) flush(ctx context.Context) error {
	if err := r.send(ctx, r.batch); err != nil {
		return err
	}
	r.pending += len(r.batch)
	r.summary.sent += len(r.batch)
	r.batch, r.size = nil, 0
	r.summary.Lines, _ = r.lines.place()
	if err := r.remember(); err != nil {
		return err
	}
	if r.Progress != nil {
		r.Progress(r.summary)
	}
	if r.pending < settleEvery {
		return nil
	}
	r.pending = 0
	return r.settle(ctx)
}
