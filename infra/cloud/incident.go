package cloud

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"

	"rapport/shared/fault"
)

// happening is a kind of SES event: its eventType and its detail-type.
type happening struct{ event, detail string }

var (
	sent       = happening{"Send", "Email Sent"}
	delivered  = happening{"Delivery", "Email Delivered"}
	bounced    = happening{"Bounce", "Email Bounced"}
	complained = happening{"Complaint", "Email Complaint Received"}
	opened     = happening{"Open", "Email Opened"}
	clicked    = happening{"Click", "Email Clicked"}
)

// incident is one happening of one mail, with the part of the event that only
// its kind has.
type incident struct {
	kind   happening
	part   string // name of that part in the detail
	detail map[string]any
}

// fate is what happens to a mail by itself. Addresses of the mailbox simulator
// behave as AWS documents; any other mailbox takes its mail.
func fate(m sentMail) []incident {
	at := m.SentAt.Format(instant)
	recipient := map[string]any{"emailAddress": address(m.To)}
	all := []incident{{sent, "send", map[string]any{}}}
	bounce := func(kind, subtype string, more map[string]any) incident {
		maps.Copy(recipient, more)
		return incident{bounced, "bounce", map[string]any{
			"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": []any{recipient},
			"timestamp": at, "feedbackId": newID() + "-000000",
		}}
	}
	delivery := incident{delivered, "delivery", map[string]any{
		"timestamp": at, "processingTimeMillis": 1, "recipients": []string{address(m.To)},
		"smtpResponse": "250 2.0.0 OK, it is in the outbox", "reportingMTA": "outbox.local",
	}}
	switch simulated(m.To) {
	case "bounce":
		return append(all, bounce("Permanent", "General", map[string]any{
			"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown",
		}))
	case "suppressionlist":
		return append(all, bounce("Permanent", "Suppressed", map[string]any{
			"action": "failed", "status": "5.1.1", "diagnosticCode": "the address is on the suppression list",
		}))
	case "complaint":
		return append(all, delivery, incident{complained, "complaint", map[string]any{
			"complainedRecipients": []any{recipient}, "complaintFeedbackType": "abuse", "timestamp": at,
			"arrivalDate": at, "feedbackId": newID() + "-000000", "userAgent": "the mailbox simulator",
		}})
	case "ooto":
		// An automatic answer comes back as a bounce that passes.
		return append(all, delivery, bounce("Transient", "General", nil))
	default:
		return append(all, delivery)
	}
}

// simulated names the scenario of an address of SES's mailbox simulator; a label
// after a plus changes nothing. "" for other addresses.
func simulated(to string) string {
	local, domain, _ := strings.Cut(strings.ToLower(address(to)), "@")
	if domain != "simulator.amazonses.com" {
		return ""
	}
	scenario, _, _ := strings.Cut(local, "+")
	return scenario
}

// address is the bare address of "Name <address>".
func address(text string) string {
	parsed, err := mail.ParseAddress(text)
	if err != nil {
		return text
	}
	return parsed.Address
}

// report is the event that SES publishes about an incident.
func (o *outbox) report(m sentMail, what incident) (BusEntry, error) {
	_, domain, _ := strings.Cut(address(m.From), "@")
	tags := map[string][]string{
		"ses:configuration-set": {m.Set}, "ses:source-ip": {"127.0.0.1"},
		"ses:from-domain": {domain}, "ses:caller-identity": {"rapport"},
	}
	for name, value := range m.Tags {
		tags[name] = []string{value}
	}
	detail, err := json.Marshal(map[string]any{
		"eventType": what.kind.event,
		what.part:   what.detail,
		"mail": map[string]any{
			"timestamp": m.SentAt.Format(instant), "source": m.From, "messageId": m.ID, "destination": []string{address(m.To)},
			"sourceArn":        fmt.Sprintf("arn:aws:ses:%s:%s:identity/%s", region, account, domain),
			"sendingAccountId": account, "headersTruncated": false, "headers": m.written(), "tags": tags,
			"commonHeaders": map[string]any{
				"from": []string{m.From}, "to": []string{m.To}, "messageId": m.ID, "subject": m.Subject,
			},
		},
	})
	if err != nil {
		return BusEntry{}, fault.New(fault.Internal, "bad_event", "what happened to a mail cannot be written as JSON").Because(err)
	}
	return BusEntry{
		Source: "aws.ses", DetailType: what.kind.detail, Detail: detail,
		Resources: []string{fmt.Sprintf("arn:aws:ses:%s:%s:configuration-set/%s", region, account, m.Set)},
	}, nil
}

// header is one line of a mail's head.
type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// written lists the headers of the mail as it leaves, in a fixed order.
func (m sentMail) written() []header {
	out := []header{
		{"From", m.From},
		{"To", m.To},
		{"Subject", m.Subject},
		{"Date", m.SentAt.Format(time.RFC1123Z)},
		{"Message-ID", "<" + m.ID + "@email.local>"},
		{"MIME-Version", "1.0"},
	}
	if m.ReplyTo != "" {
		out = append(out, header{"Reply-To", m.ReplyTo})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		out = append(out, header{name, m.Headers[name]})
	}
	return out
}

// open and click are what SES sees when a mail is read.
func open(agent, ip string, at time.Time) incident {
	return incident{opened, "open", map[string]any{"ipAddress": ip, "timestamp": at.Format(instant), "userAgent": agent}}
}

func click(link, agent, ip string, at time.Time) incident {
	return incident{clicked, "click", map[string]any{
		"ipAddress": ip, "timestamp": at.Format(instant), "userAgent": agent, "link": link, "linkTags": nil,
	}}
}
