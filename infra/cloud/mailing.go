package cloud

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/hear"
	"rapport/functions/prefer"
	"rapport/functions/send"
	tallying "rapport/functions/tally"
	"rapport/shared/aws/boot"
	"rapport/shared/insight"
	"rapport/shared/link"
)

func buildSend(env Env) (lambda.Handler, error) {
	tallies, err := env.Queue("TALLIES_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	mailer, err := env.Mailer("CONFIGURATION_SET")
	if err != nil {
		return nil, err
	}
	base, err := env.Variable("LINKS_URL")
	if err != nil {
		return nil, err
	}
	links, err := env.links()
	if err != nil {
		return nil, err
	}
	return lambda.NewHandler(send.New(send.Deps{
		Table: env.Table, People: env.people(), Strategy: env.Strategy, Render: send.Writer{Links: links, Base: base, Now: env.Now},
		Mailer: sesMailer{mailer}, Tallies: tallies, Now: env.Now, Owner: newID, Lease: send.Lease, Log: env.Log,
	}).Handle), nil
}

func buildHear(env Env) (lambda.Handler, error) {
	ingest, err := env.Queue("INGEST_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	tallies, err := env.Queue("TALLIES_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	believed, err := env.Variable("ACCOUNT_ID")
	if err != nil {
		return nil, err
	}
	return lambda.NewHandler(hear.New(hear.Deps{
		Table: env.Table, People: env.people(), Strategy: env.Strategy, Queue: ingest, Tallies: tallies,
		Now: env.Now, Owner: newID, Account: believed, Log: env.Log,
	}).Handle), nil
}

func buildPrefer(env Env) (lambda.Handler, error) {
	keys, proofs, err := env.access()
	if err != nil {
		return nil, err
	}
	links, err := env.links()
	if err != nil {
		return nil, err
	}
	origins, err := env.origins()
	if err != nil {
		return nil, err
	}
	return boot.HTTP(prefer.New(prefer.Deps{
		People: env.people(), Strategy: env.Strategy, Keys: keys, Proofs: proofs, Links: links, Now: env.Now, Log: env.Log,
		Origins: origins,
	})), nil
}

func buildTally(env Env) (lambda.Handler, error) {
	return lambda.NewHandler(tallying.New(tallying.Deps{
		Counters: insight.NewCounters(env.Table, env.Now, newID), Log: env.Log,
	}).Handle), nil
}

// links are the keys of the links in mail.
func (e Env) links() (link.Keyring, error) {
	secret, err := e.Variable("IDENTITY_SECRET")
	return link.Keys([]byte(secret)), err
}

// sesMailer is the port of send.
type sesMailer struct{ *Mailer }

// Send implements send.Mailer.
func (m sesMailer) Send(ctx context.Context, mail send.Mail) (string, error) {
	return m.Mailer.Send(ctx, Mail{
		From: mail.From, To: mail.To, ReplyTo: mail.ReplyTo, Subject: mail.Subject, HTML: mail.HTML, Text: mail.Text,
		Headers: mail.Headers, Tags: mail.Tags,
	})
}
