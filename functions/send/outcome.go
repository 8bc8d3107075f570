package send

import (
	"context"
	"errors"
	"time"

	"rapport/shared/fault"
	"rapport/shared/insight"
	"rapport/shared/message"
)

// pause is how long a message is put off when the mail service asks for it.
const pause = 30 * time.Second

// handOver gives the mail to the mail service, once, and writes down what became
// of it. One that is out of time gives nothing: others may have taken over.
func (d *delivery) handOver(ctx, work context.Context, mail Mail) error {
	if work.Err() != nil || !d.Now().Before(d.ledger.Until) {
		return errors.Join(errLate, d.putOff(ctx, "out_of_time", 0))
	}
	if mail.Tags == nil {
		mail.Tags = map[string]string{}
	}
	mail.Tags["message"] = d.message.ID
	id, err := d.Mailer.Send(work, mail)
	var f *fault.Error
	switch known := errors.As(err, &f); {
	case err == nil:
		d.Count("MailsSent", 1)
		return d.move(ctx, d.book.Commit, func(l *message.Ledger, now time.Time) error { return l.Send(id, now) })
	case known && f.Kind == fault.Invalid:
		return d.move(ctx, d.giveBack, func(l *message.Ledger, now time.Time) error {
			return l.Reject(d.owner, f.Code, f.Message, now)
		})
	case known && f.Kind == fault.Unavailable && f.Code == Throttled:
		return errors.Join(errThrottled, d.putOff(ctx, Throttled, pause))
	}
	return d.doubt(ctx, err)
}

// doubt marks that the answer was lost. What may go out at most once ends there;
// what must not get lost comes again.
func (d *delivery) doubt(ctx context.Context, cause error) error {
	d.Count("MailsUnknown", 1)
	d.Log.WarnContext(ctx, "it is not known whether a mail is out", "message", d.message.ID, "error", cause)
	err := d.move(ctx, d.book.Commit, func(l *message.Ledger, now time.Time) error { return l.Doubt(d.owner, now) })
	if err == nil && !d.ledger.Done() {
		return errors.Join(errUnsure, d.count(ctx))
	}
	return err
}

func (d *delivery) putOff(ctx context.Context, reason string, by time.Duration) error {
	return d.move(ctx, d.giveBack, func(l *message.Ledger, now time.Time) error {
		return l.BackOff(d.owner, reason, now, now.Add(by))
	})
}

// move makes one move of the ledger and commits it. When the ledger moved
// meanwhile, or the answer was lost, it is read again and the move tried on what
// it is now. A ledger that others took, or that is done, is left to them.
func (d *delivery) move(
	ctx context.Context, commit func(context.Context, *message.Ledger) error, change func(*message.Ledger, time.Time) error,
) error {
	var lost error
	for range attempts {
		next := d.ledger.Clone()
		if err := change(next, d.Now()); err != nil {
			return d.left(err)
		}
		err := commit(ctx, next)
		if err == nil {
			d.ledger = next
			return nil
		}
		if lost = err; ctx.Err() != nil {
			return err
		}
		l, err := d.book.Read(ctx, d.message.Node, d.message.ID)
		if err != nil || l == nil {
			return errors.Join(lost, err)
		}
		d.ledger = l
	}
	return errors.Join(errContended, lost)
}

// left is the answer of a delivery whose move is not legal any more.
func (d *delivery) left(illegal error) error {
	if d.ledger.Done() {
		return nil
	}
	return errors.Join(errBusy, illegal)
}

// giveBack commits the ledger together with the person, who gets back what was
// charged for a mail that is not out. One that may be out stays charged.
func (d *delivery) giveBack(ctx context.Context, l *message.Ledger) error {
	if l.Tries > 0 {
		return d.book.Commit(ctx, l)
	}
	w, err := l.Write()
	if err != nil {
		return err
	}
	if err := d.People.Refund(ctx, d.message.Node, d.message.ID, w); err != nil {
		return err
	}
	l.Version++
	return nil
}

// count publishes what happened to the message. It is asked for again with each
// delivery, under the same ids.
func (d *delivery) count(ctx context.Context) error {
	tallies := insight.Mail(d.ledger, d.zone)
	if len(tallies) == 0 {
		return nil
	}
	return d.Tallies.Send(ctx, tallies...)
}
