package brief

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/content"
	"rapport/shared/event"
	"rapport/shared/insight"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Mail is one that went out: ours, or another system's that told of it by the
// events of the Segment e-mail spec.
type Mail struct {
	ID      string // message id of ours; of another system's its email_id
	Name    string // of ours its template, of another system's its subject
	Journey string // "" unless ours
	At      time.Time
	Fate    message.Fact // the last that is known: Accepted when nothing is
	FateAt  time.Time
	event   string // the event that told of it, of another system's
	because string // and its message id
}

// fates rank what can become of a mail: the later in the list, the more it says.
var fates = []message.Fact{
	message.Accepted, message.Delivered, message.Opened, message.Clicked, message.Unsubscribed, message.Bounced, message.Complained,
}

// told are the events of the Segment e-mail spec, by what they say.
var told = map[string]message.Fact{
	"Email Delivered": message.Delivered, "Email Opened": message.Opened,
	"Email Link Clicked": message.Clicked, "Email Bounced": message.Bounced,
	"Email Marked as Spam": message.Complained, "Unsubscribed": message.Unsubscribed,
}

// settle keeps the fate that says most.
func (m *Mail) settle(fate message.Fact, at time.Time) {
	if slices.Index(fates, fate) > slices.Index(fates, m.Fate) {
		m.Fate, m.FateAt = fate, at
	}
}

// lastMail returns the mail that went out last; events are sorted.
func lastMail(ledgers []*message.Ledger, events []event.Event) *Mail {
	var all []*Mail
	ours := map[string]bool{}
	for _, l := range ledgers {
		ours[l.ID] = true
		if l.State == message.Sent {
			all = append(all, fromLedger(l))
		}
	}
	all = append(all, fromEvents(events, ours)...)
	if len(all) == 0 {
		return nil
	}
	return slices.MaxFunc(all, func(a, b *Mail) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
}

func fromLedger(l *message.Ledger) *Mail {
	m := &Mail{ID: l.ID, Name: l.Template, Journey: l.Journey, At: l.Since, Fate: message.Accepted, FateAt: l.Since}
	for fact, at := range l.Facts {
		m.settle(fact, at)
	}
	return m
}

// fromEvents puts the mails of other systems together by their email_id, from
// events that are sorted.
func fromEvents(events []event.Event, ours map[string]bool) []*Mail {
	mails := map[string]*Mail{}
	var out []*Mail
	for i := range events {
		e := &events[i]
		fate, ok := told[e.Name]
		p := propertiesOf(e)
		id := p.text("email_id")
		if !ok || e.Type != event.Track || id == "" || ours[id] {
			continue
		}
		m := mails[id]
		if m == nil {
			m = &Mail{ID: id, At: e.Timestamp, Fate: message.Accepted, FateAt: e.Timestamp, event: e.Name, because: e.MessageID}
			mails[id], out = m, append(out, m)
		}
		m.Name = cmp.Or(m.Name, p.text("email_subject"))
		m.settle(fate, e.Timestamp)
	}
	return out
}

// became puts fates into words.
var became = map[message.Fact]string{
	message.Accepted: "nothing is known of it since", message.Delivered: "delivered, not opened", message.Opened: "opened",
	message.Clicked: "a link in it was clicked", message.Unsubscribed: "answered by an unsubscription",
	message.Bounced: "it bounced", message.Complained: "it was marked as spam",
}

// Became says what became of the mail, in words.
func (m *Mail) Became() string { return became[m.Fate] }

func (m *Mail) reason() (Reason, bool) {
	if m == nil {
		return Reason{}, false
	}
	kind := MailSent
	switch m.Fate {
	case message.Clicked:
		kind = MailClicked
	case message.Bounced, message.Complained, message.Unsubscribed:
		kind = MailTrouble
	}
	name := "A mail"
	if m.Name != "" {
		name = "The mail “" + m.Name + "”"
	}
	return Reason{
		Kind: kind, Because: cmp.Or(m.because, m.ID), Event: m.event, At: m.At, Text: name + " went out: " + m.Became() + ".",
	}, true
}

// Offer is a block that was shown, as a receipt proves.
type Offer struct {
	Slot, Block string
	Title       string // of its content; "" when it has none, or the strategy has the block no more
	At          time.Time
}

// lastOffer returns the block that the person saw last. A slot's fallback is no
// offer, for everybody sees it.
func lastOffer(s *strategy.Strategy, p *person.Person) *Offer {
	var last *Offer
	for _, n := range p.Nodes {
		for name, seen := range n.Shown {
			if o := offer(s, name, seen.At); o != nil && (last == nil || o.compare(last) > 0) {
				last = o
			}
		}
	}
	if last != nil {
		if b, ok := s.Block(last.Block); ok {
			last.Title = title(b)
		}
	}
	return last
}

// offer reads what a node remembers of an exposure; nil for a fallback.
func offer(s *strategy.Strategy, name string, at time.Time) *Offer {
	part := insight.Segments(name)
	if len(part) != 2 {
		return nil
	}
	if declared, known := s.Slot(part[0]); known && declared.Fallback == part[1] {
		return nil
	}
	return &Offer{Slot: part[0], Block: part[1], At: at}
}

func (o *Offer) compare(other *Offer) int {
	return cmp.Or(o.At.Compare(other.At), cmp.Compare(o.Slot, other.Slot), cmp.Compare(o.Block, other.Block))
}

func title(b content.Block) string {
	var c struct{ Title json.RawMessage }
	_ = json.Unmarshal(b.Content, &c) // content of any other form has no title
	return text(c.Title)
}

func (o *Offer) reason() (Reason, bool) {
	if o == nil {
		return Reason{}, false
	}
	return Reason{Kind: OfferSeen, At: o.At, Text: "They saw the offer “" + cmp.Or(o.Title, o.Block) + "”."}, true
}
