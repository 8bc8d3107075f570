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
		queue := func(variable string) *sqs.Queue { return sqs.New(env.AWS("SQS"), env.Variable(variable)) }
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		store := people.NewStore(table, time.Now, boot.NewID).Counting(decision.Keys([]byte(env.Variable("IDENTITY_SECRET"))))
		outlet := people.Outlet{Messages: queue("MESSAGES_QUEUE_URL"), Tallies: queue("TALLIES_QUEUE_URL")}
		outlet.Bus = eventbridge.New(env.AWS("EVENTBRIDGE"), env.Variable("BUS_NAME"))
		return lambda.NewHandler(unify.New(unify.Deps{
			People: store, Strategy: env.Strategy(table), Outlet: outlet, Parked: queue("PARKED_QUEUE_URL"), Account: env.Variable("ACCOUNT_ID"), Log: env.Log,
		}).Handle)
	})
}
