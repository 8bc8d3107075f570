package message

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// State is how far a message has come.
type State string

// The states. Claimed and sending belong to an owner for as long as its lease
// runs; sent, skipped and rejected are final, and unknown is for whoever
// promised at most once.
const (
	Claimed  State = "claimed"  // somebody looks whether it may go out
	Sending  State = "sending"  // somebody hands it over: from here on it may be out
	Sent     State = "sent"     // the mail service has it, it said so
	Skipped  State = "skipped"  // it was not to go out, see Reason; never handed over
	Deferred State = "deferred" // not before Until; never handed over, or refused for now; see Waits
	Unknown  State = "unknown"  // handed over, and the answer was lost
	Rejected State = "rejected" // the mail service does not take it, see Reason
)

// Fact is what the mail service told of a mail that it has.
type Fact string

// The facts.
const (
	Accepted     Fact = "accepted"
	Delivered    Fact = "delivered"
	Delayed      Fact = "delayed"
	Opened       Fact = "opened"
	Clicked      Fact = "clicked"
	Bounced      Fact = "bounced"
	Complained   Fact = "complained"
	Refused      Fact = "refused" // after it had been accepted, as for a virus
	Unsubscribed Fact = "unsubscribed"
)

// Life is how long a ledger is kept from when its message was due: as long as
// the events that led to it, and far beyond every redelivery.
const Life = 395 * 24 * time.Hour

// briefLife is how long the ledger of an erased person is kept from its last
// move, and that of any other at least: as long as queues keep messages, and a day. Until then it proves that the
// message was sent or skipped, so that it is neither again, nor counted twice.
const briefLife = 15 * 24 * time.Hour

// Ledger is the record of one message: how far it came, and what is known of
// its mail. Its methods are the only moves there are; each says whether it is
// legal and changes nothing when it is not. A move counts once the ledger is
// committed in place of the version that it was read at (Write).
type Ledger struct {
	ID        string    `json:"id"`
	Node      string    `json:"node"` // hash
	Journey   string    `json:"journey"`
	Step      int       `json:"step"`
	Template  string    `json:"template"`
	Guarantee Guarantee `json:"guarantee"`
	Due       time.Time `json:"due"`

	State  State     `json:"state"`
	Since  time.Time `json:"since"`            // when it came into the state
	Owner  string    `json:"owner,omitempty"`  // who claimed it last
	Until  time.Time `json:"until,omitzero"`   // end of the lease; when deferred, not before
	Reason string    `json:"reason,omitempty"` // a word, see Gate and Pauses; of a rejection, the fault's code
	Detail string    `json:"detail,omitempty"` // the reason in a sentence, when there is one

	// Tries is how often the message was handed over, not counting those that
	// the mail service refused. While it is 0, no mail can be out.
	Tries int `json:"tries,omitempty"`
	// Doubted is when the message was first unknown.
	Doubted time.Time `json:"doubted,omitzero"`

	// Waited is when the message was first put off, and WaitedFor why; of one that
	// was unknown before that, nothing, for it is counted as that.
	Waited    time.Time `json:"waited,omitzero"`
	WaitedFor string    `json:"waitedFor,omitempty"`

	// Content is that of the message while it may still be asked for again.
	Content json.RawMessage `json:"content,omitempty"`

	Mails []string           `json:"mails,omitempty"` // ids that the mail service gave, sorted
	Facts map[Fact]time.Time `json:"facts,omitempty"` // when each was first true

	// Erased says that the person was: the ledger is kept only for as long as a
	// queue may deliver the message again.
	Erased bool `json:"erased,omitempty"`

	// Leaves is when the visitor is forgotten whom the message is for; zero when
	// we know who it is for. The ledger does not stay beyond that.
	Leaves time.Time `json:"leaves,omitzero"`

	Version int64 `json:"-"` // of the stored item; 0: not stored yet
}

// Open returns the ledger of a message that nobody has claimed yet.
func Open(m *Message, g Guarantee) *Ledger {
	return &Ledger{
		ID: m.ID, Node: m.Node, Journey: m.Journey, Step: m.Step, Template: m.Template,
		Guarantee: g, Due: m.Due.UTC(),
	}
}

// DecodeLedger reads a stored ledger, nil when there is none.
func DecodeLedger(item *table.Item) (*Ledger, error) {
	if item == nil {
		return nil, nil
	}
	l := &Ledger{Version: item.Version}
	if err := json.Unmarshal(item.Body, l); err != nil {
		return nil, fault.New(fault.Internal, "decode_ledger", "a stored ledger cannot be read").Because(err)
	}
	return l, nil
}

// Write puts the ledger in place of the version that it was read at, or where
// none was.
func (l *Ledger) Write() (table.Write, error) {
	body, err := json.Marshal(l)
	if err != nil {
		return table.Write{}, fault.New(fault.Internal, "encode_ledger", "a ledger could not be encoded").Because(err)
	}
	cond := table.Absent()
	if l.Version > 0 {
		cond = table.VersionIs(l.Version)
	}
	return table.Put(table.LedgerKey(l.Node, l.ID), body, l.Expires(), cond), nil
}

// Expires is when the ledger goes.
func (l *Ledger) Expires() time.Time {
	brief, whole := l.Since.Add(briefLife), l.Due.Add(Life)
	switch {
	case l.Erased:
		return brief
	case !l.Leaves.IsZero() && l.Leaves.Before(whole):
		return latest(brief, l.Leaves)
	}
	return whole
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Forget strips the ledger of what may be about its person, who was erased. It
// reports whether the ledger is of no use any more and may be deleted.
//
// One that waits ends here, for nothing brings it back.
func (l *Ledger) Forget(now time.Time) (useless bool) {
	if l.Waits() {
		l.end(Skipped, Erased, "", now)
	}
	l.Erased, l.Detail, l.Content = true, "", nil
	return l.Done() && now.After(l.Expires())
}

// Clone returns a ledger that shares nothing changeable with l.
func (l *Ledger) Clone() *Ledger {
	c := *l
	c.Mails = slices.Clone(l.Mails)
	c.Facts = maps.Clone(l.Facts)
	return &c
}

// Done reports whether nothing is left to do: the message is acknowledged.
func (l *Ledger) Done() bool {
	switch l.State {
	case Sent, Skipped, Rejected:
		return true
	case Unknown:
		return !l.again()
	}
	return false
}

// Waits reports whether the message was put off by what Pauses says. The person's
// timer brings such a message back; whoever delivered it is done.
func (l *Ledger) Waits() bool {
	return l.State == Deferred && (l.Reason == QuietHours || l.Reason == Capped || l.Reason == Cadence)
}

// again reports whether a message of which nobody knows what became of it is
// handed over once more: one that must not get lost, unless a later try found
// that it must not, or cannot, go out.
func (l *Ledger) again() bool { return l.Guarantee == AtLeastOnce && l.Reason == "" }

// Owned reports whether the ledger is in the owner's hands: claimed or being
// sent by it, and by nobody since. A lease that is over ends nothing by itself;
// it only lets others take the message.
func (l *Ledger) Owned(owner string) bool {
	return l.Owner == owner && (l.State == Claimed || l.State == Sending)
}

// Lost reports whether a handing over has gone on for longer than its lease, so
// that nobody can tell what became of it.
func (l *Ledger) Lost(now time.Time) bool { return l.State == Sending && !now.Before(l.Until) }

func (l *Ledger) same(o *Ledger) bool {
	return l.State == o.State && l.Since.Equal(o.Since) && slices.Equal(l.Mails, o.Mails) && maps.Equal(l.Facts, o.Facts)
}
