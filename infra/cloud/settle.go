package cloud

import (
	"context"
	"strings"
	"time"

	"rapport/shared/fault"
)

// Settle returns once no message is visible or in flight and no scheduled
// invocation is running. Retries that wait for their time do not count. It
// waits for Run to start, and publishes the strategy first if its files changed.
//
// Errors: kind Unavailable, code not_settled, with what is stuck, when nothing
// finished for Config.Patience; code gave_up when ctx ends.
func (c *Cloud) Settle(ctx context.Context) error {
	c.strategies.look(ctx)
	if err := c.quiet(ctx); err != nil {
		return err
	}
	return c.store.flush()
}

// quiet is Settle without touching files: what Advance does at each step.
func (c *Cloud) quiet(ctx context.Context) error {
	patience := time.NewTimer(c.config.Patience)
	defer patience.Stop()
	select {
	case <-c.started:
	case <-ctx.Done():
		return gaveUp(ctx)
	case <-patience.C:
		return fault.New(fault.Unavailable, "not_settled", "the workers are not running: call Run, or start again")
	}
	for {
		changed := c.whenSettled()
		if c.busy() == "" {
			return nil
		}
		patience.Reset(c.config.Patience)
		select {
		case <-changed:
		case <-ctx.Done():
			return gaveUp(ctx)
		case <-patience.C:
			return fault.New(fault.Unavailable, "not_settled", "nothing finished for %s: %s; see /local/queues", c.config.Patience, c.busy())
		}
	}
}

func gaveUp(ctx context.Context) error {
	return fault.New(fault.Unavailable, "gave_up", "the caller gave up before everything was settled").Because(ctx.Err())
}

// whenSettled is closed when the next delivery has ended.
func (c *Cloud) whenSettled() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.change
}

func (c *Cloud) settled() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.change)
	c.change = make(chan struct{})
}

// busy says what is still to do, or "". Queues that feed no function, such as
// dead letters, never count.
func (c *Cloud) busy() string {
	var parts []string
	c.mu.Lock()
	if c.ticking {
		parts = append(parts, "a scheduled invocation is running")
	}
	c.mu.Unlock()
	for _, s := range c.sources {
		if reason := s.queue.Busy(); reason != "" {
			parts = append(parts, reason)
		}
	}
	return strings.Join(parts, ", ")
}

// nextDelayed is when the earliest delayed message that feeds a function
// becomes visible; zero: never.
func (c *Cloud) nextDelayed() time.Time {
	var next time.Time
	for _, s := range c.sources {
		next = earlier(next, s.queue.NextDue())
	}
	return next
}

func (c *Cloud) timeMoved() {
	for _, q := range c.queues {
		q.TimeMoved()
	}
}
