// Command lambda is hear behind the queue of SES events.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/hear"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/aws/sqs"
	"rapport/shared/people"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		return lambda.NewHandler(hear.New(hear.Deps{
			Table: table, People: people.NewStore(table, time.Now, boot.NewID), Strategy: env.Strategy(table),
			Queue:   sqs.New(env.AWS("SQS"), env.Variable("INGEST_QUEUE_URL")),
			Tallies: sqs.New(env.AWS("SQS"), env.Variable("TALLIES_QUEUE_URL")),
			Now:     time.Now, Owner: boot.NewID, Account: env.Variable("ACCOUNT_ID"), Log: env.Log,
		}).Handle)
	})
}
