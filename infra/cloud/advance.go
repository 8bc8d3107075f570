package cloud

import (
	"context"
	"time"

	"go.etcd.io/bbolt"

	"rapport/shared/fault"
)

// Advance moves the virtual clock by d and runs everything that falls due on
// the way, in order: it settles, then steps from one due instant to the next
// and settles after each. It returns the new time.
//
// Errors: kind Invalid for a negative duration, and those of Settle; the clock
// then stands where it got stuck.
func (c *Cloud) Advance(ctx context.Context, d time.Duration) (time.Time, error) {
	if d < 0 {
		return time.Time{}, fault.New(fault.Invalid, "bad_duration", "time only moves forward: give a duration like 90m").In("advance")
	}
	c.schedules.mu.Lock()
	defer c.schedules.mu.Unlock()
	if err := c.Settle(ctx); err != nil {
		return c.clock.Now(), err
	}
	target := c.clock.Now().Add(d)
	// Stored ahead of the steps: after a crash on the way, time must not run
	// backwards. What was due by then fires late, but it fires.
	if err := c.store.do(keepOffset(time.Duration(c.clock.offset.Load()) + d)); err != nil {
		return c.clock.Now(), err
	}
	err := c.stepQuickly(ctx, target, d)
	if err == nil {
		c.clock.reach(target)
		c.timeMoved()
		err = c.Settle(ctx)
	}
	if kept := c.store.do(c.keptTime()); err == nil {
		err = kept
	}
	return c.clock.Now(), err
}

// longAdvance is from when on steps do not wait for the disk: each writes a
// little, and a month has 43,200 minutes.
const longAdvance = 24 * time.Hour

// stepQuickly steps; over a long way the file is synced at the end only. The
// death of the process loses nothing by it; a power cut on the way may cost the
// data folder.
func (c *Cloud) stepQuickly(ctx context.Context, target time.Time, d time.Duration) error {
	if d < longAdvance || c.config.Fleeting {
		return c.step(ctx, target)
	}
	if err := c.store.syncing(false); err != nil {
		return err
	}
	err := c.step(ctx, target)
	if synced := c.store.syncing(true); err == nil {
		err = synced
	}
	return err
}

// step goes from due to due until target.
func (c *Cloud) step(ctx context.Context, target time.Time) error {
	for {
		due := earlier(c.schedules.next(), c.nextDelayed())
		if due.IsZero() || due.After(target) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fault.New(fault.Unavailable, "gave_up", "the caller gave up while time moved").Because(err)
		}
		c.clock.reach(due)
		c.schedules.fire(ctx, c.clock.Now())
		c.timeMoved()
		if err := c.quiet(ctx); err != nil {
			return err
		}
	}
}

// keptTime is the change that stores where time stands. The lock is held.
func (c *Cloud) keptTime() func(*bbolt.Tx) error {
	next := make(map[string]time.Time, len(c.schedules.all))
	for _, one := range c.schedules.all {
		next[one.spec.ID] = one.next
	}
	offset := time.Duration(c.clock.offset.Load())
	return func(tx *bbolt.Tx) error {
		for id, t := range next {
			if err := tx.Bucket(stateBucket).Put(scheduleKey(id), []byte(t.Format(time.RFC3339))); err != nil {
				return err
			}
		}
		return keepOffset(offset)(tx)
	}
}

// earlier is the earlier of two instants; zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
