package send

import (
	"context"
	"errors"
	"time"

	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/people"
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
}

// attempts bounds how often one move is tried against others that change the
// same person or the same ledger.
const attempts = 6

// run goes from the claim to the end. What needs time happens under work, which
// ends a moment before ctx; that moment is for writing down what became of it.
func (d *delivery) run(ctx, work context.Context) error {
	if err := d.claim(work); err != nil || d.ledger.Done() {
		return err
	}
	mail, err := d.begin(work)
	if err != nil || d.ledger.Done() {
		return err
	}
	return d.handOver(ctx, work, mail)
}

// claim takes the message, unless it is done or in other hands. A handing over
// that went on for longer than its lease is marked as unknown instead when the
// message may go out at most once.
func (d *delivery) claim(ctx context.Context) error {
	l := message.Open(d.message, d.guarantee())
	for range attempts {
		if l.Done() {
			d.ledger = l
			return nil
		}
		if err := d.take(l); err != nil {
			return err
		}
		err := d.book.Commit(ctx, l)
		if table.AsConflict(err) == nil {
			d.ledger = l
			return err
		}
		if l, err = d.book.Read(ctx, d.message.Node, d.message.ID); err != nil {
			return err
		}
		if l == nil {
			l = message.Open(d.message, d.guarantee())
		}
	}
	return errContended
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
		mail, reason, detail, err := d.judge(ctx, p)
		if err != nil {
			return Mail{}, err
		}
		if reason != "" {
			return Mail{}, d.skip(ctx, reason, detail)
		}
		begun, err := d.charge(ctx, p, mail)
		if err != nil || begun || d.ledger.Done() {
			return mail, err
		}
	}
	return Mail{}, errContended
}

// judge asks the gate, and renders the mail. It returns the reason in a word and
// a sentence when the message must not go out.
func (d *delivery) judge(ctx context.Context, p *person.Person) (mail Mail, reason, detail string, err error) {
	if p == nil {
		reason, err = d.absence(ctx)
		return mail, reason, "", err
	}
	look := message.Look{Void: people.Void(p, d.message), Address: p.Address(), Consent: p.Consents(), Channels: p.Preferences()[person.Channels].Value}
	look.Template, look.Purpose = d.template()
	if reason = message.Gate(d.message, look, d.Now()); reason != "" {
		return mail, reason, "", nil
	}
	mail, err = d.Render.Mail(ctx, d.strategy, d.message, p)
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Invalid {
		return mail, f.Code, f.Message, nil
	}
	mail.To = look.Address
	return mail, "", "", err
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
	items, err := d.Table.Get(ctx, table.LedgerKey(d.message.Node, d.message.ID), suppression)
	if err != nil {
		return false, errors.Join(cause, err)
	}
	l, err := message.DecodeLedger(items[0])
	if err != nil {
		return false, err
	}
	switch {
	case l == nil:
		return false, errBusy
	case l.Done():
		d.ledger = l
		return false, nil
	case !l.Owned(d.owner):
		return false, errBusy
	}
	d.ledger = l
	if l.State == message.Sending {
		return true, nil
	}
	if items[1] != nil {
		return false, d.skip(ctx, message.Suppressed, "")
	}
	return false, nil
}

// skip ends a message that must not go out.
func (d *delivery) skip(ctx context.Context, reason, detail string) error {
	err := d.move(ctx, d.book.Commit, func(l *message.Ledger, now time.Time) error {
		return l.Skip(d.owner, reason, detail, now)
	})
	if err == nil {
		d.Count("MailsSkipped", 1)
	}
	return err
}

func (d *delivery) template() (*message.Template, *message.Purpose) {
	var t *message.Template
	for i := range d.strategy.Messages {
		if d.strategy.Messages[i].ID == d.message.Template {
			t = &d.strategy.Messages[i]
		}
	}
	if t == nil {
		return nil, nil
	}
	for i := range d.strategy.Purposes {
		if d.strategy.Purposes[i].ID == t.Purpose {
			return t, &d.strategy.Purposes[i]
		}
	}
	return t, nil
}

func (d *delivery) guarantee() message.Guarantee {
	if t, _ := d.template(); t != nil && t.Guarantee == message.AtLeastOnce {
		return message.AtLeastOnce
	}
	return message.AtMostOnce
}

func (d *delivery) purpose() string {
	if t, _ := d.template(); t != nil {
		return t.Purpose
	}
	return ""
}
