package message

import (
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/fault"
)

// The moves, and the states that each is legal from:
//
//	claim     nothing yet; claimed, deferred, and sending if at least once: when Until has passed; unknown if at least once
//	begin     claimed, by its owner
//	send      whatever was handed over, by anybody: it is a fact
//	skip      claimed, by its owner
//	put off   claimed, by its owner
//	back off  claimed or sending, by its owner
//	reject    sending, by its owner
//	doubt     sending, by its owner, or by anybody once the lease is over
//	settle    all
//
// Skip and reject end in unknown when an earlier try may have sent the mail.

func illegal(move string, l *Ledger) error {
	return fault.New(fault.Conflict, "ledger_moved", "a message that is %q cannot %s; read its ledger again", l.State, move)
}

// Claim gives the message to the owner until its lease is over. It fails while
// somebody else has it, and when the message is done.
func (l *Ledger) Claim(owner string, now time.Time, lease time.Duration) error {
	if !l.claimable(now) {
		return illegal("be claimed now", l)
	}
	l.enter(Claimed, now)
	l.Owner, l.Until = owner, now.Add(lease).UTC()
	return nil
}

func (l *Ledger) claimable(now time.Time) bool {
	over := !now.Before(l.Until)
	switch l.State {
	case "":
		return true
	case Claimed, Deferred:
		return over
	case Sending:
		return over && l.Guarantee == AtLeastOnce
	case Unknown:
		return l.again()
	}
	return false
}

// Begin marks that the message is about to be handed over. It belongs into one
// commit with all that must hold at that moment.
func (l *Ledger) Begin(owner string, now time.Time, lease time.Duration) error {
	if l.State != Claimed || l.Owner != owner {
		return illegal("be handed over", l)
	}
	l.enter(Sending, now)
	l.Until = now.Add(lease).UTC()
	l.Tries++
	return nil
}

// Send records that the mail service has the message, under that id of its own.
// That is a fact whoever learned it, and however late, so no owner is asked.
func (l *Ledger) Send(mail string, now time.Time) error {
	if l.Tries == 0 {
		return illegal("have been sent", l)
	}
	l.keep(mail)
	l.Settle(Accepted, "", now)
	return nil
}

// Skip ends a message that is not to go out, for a reason in a word and, where
// that says too little, in a sentence. One that an earlier try may have sent
// stays unknown.
func (l *Ledger) Skip(owner, reason, detail string, now time.Time) error {
	if l.State != Claimed || l.Owner != owner {
		return illegal("be skipped", l)
	}
	l.end(Skipped, reason, detail, now)
	return nil
}

// PutOff lets the message wait until the pause is over, and keeps its content until
// then. It belongs into one commit with the timer that ends the pause.
func (l *Ledger) PutOff(owner string, p *Pause, content json.RawMessage, now time.Time) error {
	if l.State != Claimed || l.Owner != owner {
		return illegal("be put off", l)
	}
	l.enter(Deferred, now)
	l.Until, l.Reason, l.Content = p.Until.UTC(), p.Reason, content
	l.explain(p.Detail)
	if l.Waited.IsZero() && l.Doubted.IsZero() {
		l.Waited, l.WaitedFor = l.Since, p.Reason
	}
	return nil
}

// BackOff puts the message off until then, when the mail service refused it for
// now, or it was not handed over after all.
func (l *Ledger) BackOff(owner, reason string, now, until time.Time) error {
	if !l.Owned(owner) {
		return illegal("be deferred", l)
	}
	if l.State == Sending {
		l.Tries--
	}
	l.enter(Deferred, now)
	l.Until, l.Reason = until.UTC(), reason
	return nil
}

// Reject ends a message that the mail service definitely does not take. One
// that an earlier try may have sent stays unknown.
func (l *Ledger) Reject(owner, reason, detail string, now time.Time) error {
	if l.State != Sending || l.Owner != owner {
		return illegal("be rejected", l)
	}
	l.Tries--
	l.end(Rejected, reason, detail, now)
	return nil
}

// Doubt marks that nobody knows whether the message is out: the answer to its
// owner was lost, or its owner was.
func (l *Ledger) Doubt(owner string, now time.Time) error {
	if l.State != Sending || (l.Owner != owner && !l.Lost(now)) {
		return illegal("be doubted", l)
	}
	l.end(Unknown, "", "", now)
	return nil
}

// Settle records a fact that the mail service told, and its id for the mail,
// which may be empty. Every fact proves that it took the message, so one that
// was handed over is sent. Facts may come in any order and any number of times.
func (l *Ledger) Settle(f Fact, mail string, at time.Time) {
	at = at.UTC()
	if first, known := l.Facts[f]; !known || at.Before(first) {
		if l.Facts == nil {
			l.Facts = map[Fact]time.Time{}
		}
		l.Facts[f] = at
	}
	l.keep(mail)
	if l.Tries > 0 && (l.State != Sent || at.Before(l.Since)) {
		l.enter(Sent, at)
	}
}

// end comes to the final state, or to unknown when a mail may be out.
func (l *Ledger) end(s State, reason, detail string, now time.Time) {
	if l.Tries > 0 {
		s = Unknown
		if l.Doubted.IsZero() {
			l.Doubted = now.UTC()
		}
	}
	l.enter(s, now)
	l.Reason = reason
	l.explain(detail)
	l.Erased = l.Erased || reason == Erased
}

// explain keeps the reason in a sentence.
func (l *Ledger) explain(detail string) { l.Detail = detail[:min(len(detail), maxDetail)] }

// maxDetail bounds what others say about a message, in bytes.
const maxDetail = 300

func (l *Ledger) enter(s State, now time.Time) {
	l.State, l.Since = s, now.UTC()
	l.Until, l.Reason, l.Detail = time.Time{}, "", ""
	if s == Sent || s == Skipped || s == Rejected {
		l.Content = nil
	}
}

func (l *Ledger) keep(mail string) {
	if i, known := slices.BinarySearch(l.Mails, mail); !known && mail != "" {
		l.Mails = slices.Insert(l.Mails, i, mail)
	}
}
