package send

import (
	"context"
	"errors"
	"time"

	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// delivery is one attempt at one message. Others may be at work on the same one:
// a second delivery by the queue, or one that was thought dead. Only the ledger
// says whose turn it is, and every move of it is a conditional commit.
type delivery struct {
	*Function
	strategy *strategy.Strategy
	zone     *time.Location // that days are counted in
	message  *message.Message
	owner    string          // of the claim: new for each delivery
	ledger   *message.Ledger // as it was last read or committed
	waits    bool            // the person remembers it as one that waits
}

// attempts bounds how often one move is tried against others that change the
// same person or the same ledger.
const attempts = 6

// run goes from the claim to the end. What needs time happens under work, which
// ends a moment before ctx; that moment is for writing down what became of it.
func (d *delivery) run(ctx, work context.Context) error {
	if err := d.claim(work); err != nil || d.over() {
		return err
	}
	mail, err := d.begin(work)
	if err != nil || d.over() {
		return err
	}
	return d.handOver(ctx, work, mail)
}

// over reports whether nothing is left to this delivery: the message is done, or
// the person's timer brings it back.
func (d *delivery) over() bool { return d.ledger.Done() || d.ledger.Waits() }

// claim takes the message, unless it is done, waits, or is in other hands. A
// handing over that went on for longer than its lease is marked as unknown instead
// when the message may go out at most once.
func (d *delivery) claim(ctx context.Context) error {
	l := message.Open(d.message, d.guarantee())
	for range attempts {
		if l.Done() {
			d.ledger = l
			return nil
		}
		if l.Waits() && d.Now().Before(l.Until) {
			d.ledger = l
			return d.waiting(ctx)
		}
		if err := d.take(l); err != nil {
			return err
		}
		err := d.book.Commit(ctx, l)
		if table.AsConflict(err) == nil {
			d.ledger = l
			return err
		}
		if l, err = d.read(ctx); err != nil {
			return err
		}
	}
	return errContended
}

// read returns the ledger, a new one when there is none. What it keeps of the
// message is missing in one that a timer brings back.
func (d *delivery) read(ctx context.Context) (*message.Ledger, error) {
	l, err := d.book.Read(ctx, d.message.Node, d.message.ID)
	if err != nil || l == nil {
		return message.Open(d.message, d.guarantee()), err
	}
	if l.Content != nil {
		d.message.Content = l.Content
	}
	return l, nil
}

// take moves the ledger to this invocation, or to unknown.
func (d *delivery) take(l *message.Ledger) error {
	now := d.Now()
	if l.Lost(now) && l.Guarantee != message.AtLeastOnce {
		return l.Doubt(d.owner, now)
	}
	if l.Claim(d.owner, now, d.Lease) != nil {
		return errBusy
	}
	return nil
}

// begin asks at the last moment whether the message may go out, and marks it as
// being sent in one commit with the person as it was asked about, and with the
// absence of a suppression. Whoever said no before that commit gets no mail. When
// anything moved meanwhile, all is asked anew.
func (d *delivery) begin(ctx context.Context) (Mail, error) {
	for range attempts {
		p, err := d.People.Holder(ctx, d.message.Node)
		if err != nil {
			return Mail{}, err
		}
		if p != nil {
			d.ledger.Leaves = p.Expires
		}
		v, err := d.judge(ctx, p)
		if err != nil {
			return Mail{}, err
		}
		if v.reason != "" {
			return Mail{}, d.skip(ctx, v.reason, v.detail)
		}
		begun := false
		if v.pause != nil {
			err = d.postpone(ctx, p, v)
		} else {
			begun, err = d.charge(ctx, p, v.mail)
		}
		if err != nil || begun || d.over() {
			return v.mail, err
		}
	}
	return Mail{}, errContended
}

// absence is the reason why a message has nobody to go to.
func (d *delivery) absence(ctx context.Context) (reason string, err error) {
	erased, err := d.People.Erased(ctx, d.message.Node)
	if erased {
		return message.Erased, err
	}
	return message.Gone, err
}

// charge makes the commit that begins the sending. False, without an error,
// means that something moved: the message is skipped, or all is asked again.
func (d *delivery) charge(ctx context.Context, p *person.Person, mail Mail) (begun bool, err error) {
	now, next := d.Now(), d.ledger.Clone()
	if err := next.Begin(d.owner, now, d.Lease); err != nil {
		return false, err
	}
	begin, err := next.Write()
	if err != nil {
		return false, err
	}
	suppression := table.SuppressionKey(message.AddressHash(mail.To))
	send := person.Send{ID: d.message.ID, Purpose: d.purpose(), At: now}
	err = d.People.Charge(ctx, p, d.message.Node, send, begin, table.Check(suppression, table.Absent()))
	if err == nil {
		next.Version++
		d.ledger = next
		return true, nil
	}
	return d.after(ctx, suppression, err)
}

// after finds out what became of the commit that was refused or whose answer was
// lost. The owner in the ledger is only this delivery's, so a ledger that says
// "sending" under it tells that our own commit came through.
func (d *delivery) after(ctx context.Context, suppression table.Key, cause error) (begun bool, err error) {
	more, err := d.reread(ctx, cause, suppression)
	switch {
	case err != nil || d.over():
		return false, err
	case d.ledger.State == message.Sending:
		return true, nil
	case more[0] != nil:
		return false, d.skip(ctx, message.Suppressed, "")
	}
	return false, nil
}

// reread reads the ledger, and more, after a commit for the given cause did not
// answer well. It fails when the message is not this delivery's any more.
func (d *delivery) reread(ctx context.Context, cause error, more ...table.Key) ([]*table.Item, error) {
	items, err := d.Table.Get(ctx, append([]table.Key{table.LedgerKey(d.message.Node, d.message.ID)}, more...)...)
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	l, err := message.DecodeLedger(items[0])
	switch {
	case err != nil:
		return nil, err
	case l == nil || !l.Done() && !l.Owned(d.owner) && !(l.Waits() && l.Owner == d.owner):
		return nil, errBusy
	}
	d.ledger = l
	return items[1:], nil
}

// skip ends a message that must not go out.
func (d *delivery) skip(ctx context.Context, reason, detail string) error {
	commit := d.book.Commit
	if d.waits {
		commit = d.giveBack
	}
	err := d.move(ctx, commit, func(l *message.Ledger, now time.Time) error {
		return l.Skip(d.owner, reason, detail, now)
	})
	if err == nil {
		d.Count("MailsSkipped", 1)
	}
	return err
}
