package send

import (
	"context"
	"errors"

	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
)

// verdict is what becomes of a message by what is known at the last moment: it is
// skipped for a reason, or waits, or goes out.
type verdict struct {
	mail           Mail
	reason, detail string         // in a word and a sentence, "" while the message may go out
	pause          *message.Pause // nil unless it waits
	wait           person.Wait    // what the person remembers of a pause
}

// judge asks the gate and what else there is between now and the mail, and renders
// it.
func (d *delivery) judge(ctx context.Context, p *person.Person) (v verdict, err error) {
	if p == nil {
		v.reason, err = d.absence(ctx)
		return v, err
	}
	look := message.Look{Void: people.Void(p, d.message), Address: p.Address(), Consent: p.Consents(), Channels: p.Preferences()[person.Channels].Value}
	look.Template, look.Purpose = d.template()
	waiting := p.Waiting()
	d.waits = false
	for _, w := range waiting {
		d.waits = d.waits || w.ID == d.message.ID
	}
	if v.reason = message.Gate(d.message, look, d.Now()); v.reason != "" {
		return v, nil
	}
	if v.pause = d.pause(p, look); v.pause != nil {
		if v.pause.Over(d.Now()) || len(waiting) >= message.MaxWaits && !d.waits {
			v.reason, v.detail = v.pause.Reason, v.pause.Detail
		}
		v.wait = v.pause.Wait(d.message, look)
		return v, nil
	}
	v.mail, err = d.Render.Mail(ctx, d.strategy, d.message, p)
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Invalid {
		v.reason, v.detail = f.Code, f.Message
		return v, nil
	}
	v.mail.To = look.Address
	return v, err
}

func (d *delivery) pause(p *person.Person, look message.Look) *message.Pause {
	return message.Pauses(d.message, look, message.Crowd{
		Person: p, Contact: d.strategy.Contact, Purposes: d.strategy.Purposes, Home: d.zone,
	}, d.Now())
}

// postpone makes the commit that lets the message wait: the ledger, and the person
// with the timer that brings the message back. Without an error and without a
// ledger that waits, something moved, and all is asked again.
func (d *delivery) postpone(ctx context.Context, p *person.Person, v verdict) error {
	next := d.ledger.Clone()
	if err := next.PutOff(d.owner, v.pause, d.message.Content, d.Now()); err != nil {
		return err
	}
	put, err := next.Write()
	if err != nil {
		return err
	}
	if err = d.People.Defer(ctx, p, d.message.Node, v.wait, put); err == nil {
		next.Version++
		d.ledger = next
		return nil
	}
	_, err = d.reread(ctx, err)
	return err
}

// waiting is for a delivery of a message that waits. It is done when the person
// remembers the message, for then its timer brings it back. One that is brought
// back a moment too early comes again.
func (d *delivery) waiting(ctx context.Context) error {
	p, err := d.People.Holder(ctx, d.message.Node)
	if err != nil {
		return err
	}
	if p != nil {
		for _, w := range p.Waiting() {
			if w.ID == d.message.ID && !w.Released {
				return nil
			}
		}
	}
	return errBusy
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
