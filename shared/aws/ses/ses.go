// Package ses hands mail to Amazon SES. SES has no way to recognise a mail that
// it took before, so a mail is one request, which nothing here repeats.
package ses

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"rapport/shared/fault"
	"rapport/shared/letter"
)

// Throttled is the code of the fault that says "not now": SES took nothing.
const Throttled = "throttled"

// Mailer sends through one configuration set, whose events tell what became of
// the mail. It is safe for concurrent use.
type Mailer struct {
	// The one call that is used. Held as that and not as the client, it lets the
	// linker leave the other calls out, which reflection might reach otherwise.
	send func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
	set  string
}

// New returns a mailer for the configuration set.
func New(cfg aws.Config, configurationSet string) *Mailer {
	client := sesv2.NewFromConfig(cfg, func(o *sesv2.Options) { o.Retryer = aws.NopRetryer{} })
	return &Mailer{send: client.SendEmail, set: configurationSet}
}

// Send hands over the mail and returns the id that SES gave it. Errors: kind
// Invalid (code mail_refused) when SES does not take this mail; kind Unavailable
// (code throttled) when it does not take it now. After any other the mail may be
// out.
func (m *Mailer) Send(ctx context.Context, mail letter.Letter) (string, error) {
	out, err := m.send(ctx, m.input(mail))
	if err != nil {
		return "", classify(err)
	}
	return aws.ToString(out.MessageId), nil
}

func (m *Mailer) input(mail letter.Letter) *sesv2.SendEmailInput {
	in := &sesv2.SendEmailInput{
		ConfigurationSetName: aws.String(m.set),
		FromEmailAddress:     aws.String(mail.From),
		Destination:          &types.Destination{ToAddresses: []string{mail.To}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: utf8(mail.Subject),
			Body:    &types.Body{Html: utf8(mail.HTML), Text: utf8(mail.Text)},
		}},
	}
	if mail.ReplyTo != "" {
		in.ReplyToAddresses = []string{mail.ReplyTo}
	}
	for _, name := range slices.Sorted(maps.Keys(mail.Headers)) {
		in.Content.Simple.Headers = append(in.Content.Simple.Headers, types.MessageHeader{
			Name: aws.String(name), Value: aws.String(mail.Headers[name]),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(mail.Tags)) {
		in.EmailTags = append(in.EmailTags, types.MessageTag{Name: aws.String(name), Value: aws.String(mail.Tags[name])})
	}
	return in
}

func utf8(text string) *types.Content {
	return &types.Content{Data: aws.String(text), Charset: aws.String("UTF-8")}
}

// classify tells what SES certainly did not take from what it may have taken:
// only an answer in the 400s is certain.
func classify(err error) error {
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) {
		return fault.New(fault.Internal, "mail_unknown", "it is not known whether SES took the mail").Because(err)
	}
	switch status := answer.HTTPStatusCode(); {
	case status == http.StatusTooManyRequests:
		return fault.New(fault.Unavailable, Throttled, "SES takes no more mail at this moment").Because(err)
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		return fault.New(fault.Invalid, "mail_refused", "SES does not take this mail").Because(err)
	}
	return fault.New(fault.Internal, "mail_unknown", "it is not known whether SES took the mail").Because(err)
}
