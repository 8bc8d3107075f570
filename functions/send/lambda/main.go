// Command lambda is send behind the queue of messages.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/send"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/aws/ses"
	"rapport/shared/aws/sqs"
	"rapport/shared/link"
	"rapport/shared/people"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		return lambda.NewHandler(send.New(send.Deps{
			Table: table, People: people.NewStore(table, time.Now, boot.NewID), Strategy: env.Strategy(table),
			Render: send.Writer{Links: link.Keys([]byte(env.Variable("IDENTITY_SECRET"))), Base: env.Variable("LINKS_URL"), Now: time.Now},
			Mailer: ses.New(env.AWS("SESV2"), env.Variable("CONFIGURATION_SET")), Tallies: sqs.New(env.AWS("SQS"), env.Variable("TALLIES_QUEUE_URL")),
			Now: time.Now, Owner: boot.NewID, Lease: send.Lease, Log: env.Log, Count: env.Count,
		}).Handle)
	})
}
