package cloud

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"rapport/shared/fault"
)

// outbox is SES: it takes mail, keeps it where people can read it, and tells the
// default bus what happens to it.
type outbox struct {
	store    *store
	clock    *clock
	meter    *meter
	bus      *bus
	sets     []string // names of the configuration sets
	feedback []feedbackSpec
}

// Mail is one mail to one recipient, as it is handed to SES.
type Mail struct {
	From    string            `json:"from"`
	To      string            `json:"to"`
	ReplyTo string            `json:"replyTo,omitempty"`
	Subject string            `json:"subject"`
	HTML    string            `json:"html"`
	Text    string            `json:"text"`
	Headers map[string]string `json:"headers,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
}

// sentMail is a mail in the outbox.
type sentMail struct {
	Mail

	ID     string    `json:"id"` // SES's message id
	Set    string    `json:"set"`
	SentAt time.Time `json:"sentAt"`
}

// Mailer hands mail to SES on behalf of one function, through one configuration
// set.
type Mailer struct {
	outbox   *outbox
	set      string
	function string
}

// Send accepts a mail: it is on disk, together with the events that SES will
// publish about it, before the id is returned.
//
// Errors: kind Invalid (code mail_refused) for a mail that SES would refuse for
// good, Unavailable when the disk refuses.
func (m *Mailer) Send(ctx context.Context, mail Mail) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fault.New(fault.Unavailable, "gave_up", "the caller gave up before the mail was accepted").Because(err)
	}
	if err := acceptable(mail); err != nil {
		return "", err
	}
	now := m.outbox.clock.Now().UTC()
	accepted := sentMail{Mail: mail, ID: fmt.Sprintf("%016x-%s-000000", now.UnixMilli(), newID()), Set: m.set, SentAt: now.Truncate(time.Millisecond)}
	body, err := json.Marshal(accepted)
	if err != nil {
		return "", fault.New(fault.Internal, "bad_mail", "the mail cannot be written as JSON").Because(err)
	}
	keep := func(tx *bbolt.Tx) error {
		b := tx.Bucket(outboxBucket)
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		return b.Put(binary.BigEndian.AppendUint64(nil, n), body)
	}
	if err := m.outbox.tell(accepted, keep, fate(accepted)...); err != nil {
		return "", err
	}
	m.outbox.meter.Mail(m.function)
	return accepted.ID, nil
}

// tell publishes what happened to a mail, in one transaction with also.
func (o *outbox) tell(about sentMail, also func(*bbolt.Tx) error, what ...incident) error {
	var published [][]byte
	for _, one := range what {
		if !slices.ContainsFunc(o.feedback, func(f feedbackSpec) bool { return f.tells(about.Set, one.kind) }) {
			continue
		}
		entry, err := o.report(about, one)
		if err != nil {
			return err
		}
		event, err := o.bus.envelope(entry)
		if err != nil {
			return err
		}
		published = append(published, event)
	}
	leads, err := o.bus.lead("default", published)
	if err != nil {
		return err
	}
	return o.store.deliverWith(func(tx *bbolt.Tx) error {
		if err := remember(tx.Bucket(busBucket), published); err != nil || also == nil {
			return err
		}
		return also(tx)
	}, leads)
}

// What SES takes of headers and tags.
const (
	mostHeaders      = 15
	longestName      = 126
	longestValue     = 870
	longestTag       = 256
	longestLocalPart = 64
)

var (
	headerName  = regexp.MustCompile(`^[!-9;-~]+$`)
	headerValue = regexp.MustCompile(`^[ -~]*$`)
	tagText     = regexp.MustCompile(`^[A-Za-z0-9_.@-]+$`)
)

// acceptable refuses what SES refuses before it accepts a mail.
func acceptable(m Mail) error {
	refuse := func(field, format string, args ...any) error {
		return fault.New(fault.Invalid, "mail_refused", format, args...).In(field)
	}
	to, err := mail.ParseAddress(m.To)
	if err != nil || strings.LastIndexByte(to.Address, '@') > longestLocalPart {
		return refuse("to", "the recipient is not one e-mail address")
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		return refuse("from", "the sender is not one e-mail address")
	}
	if m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") || m.HTML == "" && m.Text == "" {
		return refuse("subject", "a mail has a subject of one line, and a body")
	}
	if len(m.Headers) > mostHeaders {
		return refuse("headers", "a mail has at most %d own headers", mostHeaders)
	}
	for name, value := range m.Headers {
		if len(name) > longestName || !headerName.MatchString(name) || len(value) > longestValue || !headerValue.MatchString(value) {
			return refuse("headers", "the header %q is longer than SES takes, or not plain ASCII", name)
		}
	}
	for name, value := range m.Tags {
		if len(name) > longestTag || !tagText.MatchString(name) || len(value) > longestTag || !tagText.MatchString(value) {
			return refuse("tags", "the tag %q is longer than SES takes, or has other characters", name)
		}
	}
	return nil
}

// all lists the mail, oldest first.
func (o *outbox) all() ([]sentMail, error) {
	out := []sentMail{}
	err := o.store.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(outboxBucket).ForEach(func(_, v []byte) error {
			var m sentMail
			if err := json.Unmarshal(v, &m); err != nil {
				return err
			}
			out = append(out, m)
			return nil
		})
	})
	if err != nil {
		return nil, notStored(err)
	}
	return out, nil
}

// find returns a mail by its id.
func (o *outbox) find(id string) (sentMail, error) {
	var found sentMail
	err := o.store.db.View(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(outboxBucket).Cursor()
		for k, v := cursor.Last(); k != nil; k, v = cursor.Prev() {
			var m sentMail
			if err := json.Unmarshal(v, &m); err != nil {
				return err
			}
			if m.ID == id {
				found = m
				return nil
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return sentMail{}, notStored(err)
	case found.ID == "":
		return sentMail{}, fault.New(fault.NotFound, "no_mail", "there is no such mail in the outbox: /local/outbox/ lists them")
	}
	return found, nil
}
