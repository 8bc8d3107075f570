// Command lambda is unify behind the ingest queue.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/unify"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/aws/eventbridge"
	"rapport/shared/aws/sqs"
	"rapport/shared/decision"
	"rapport/shared/people"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		store := people.NewStore(table, time.Now, boot.NewID).Counting(decision.Keys([]byte(env.Variable("IDENTITY_SECRET"))))
		return lambda.NewHandler(unify.New(unify.Deps{
			People: store, Strategy: env.Strategy(table), Log: env.Log, Account: env.Variable("ACCOUNT_ID"),
			Parked: sqs.New(env.AWS("SQS"), env.Variable("PARKED_QUEUE_URL")), Outlet: people.Outlet{
				Bus:      eventbridge.New(env.AWS("EVENTBRIDGE"), env.Variable("BUS_NAME")),
				Messages: sqs.New(env.AWS("SQS"), env.Variable("MESSAGES_QUEUE_URL")), Tallies: sqs.New(env.AWS("SQS"), env.Variable("TALLIES_QUEUE_URL")),
			},
		}).Handle)
	})
}
