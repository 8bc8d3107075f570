// Command lambda is advance behind the clock and its own queue.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/advance"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/aws/eventbridge"
	"rapport/shared/aws/sqs"
	"rapport/shared/people"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		return lambda.NewHandler(advance.New(advance.Deps{
			Timers: people.NewStore(table, time.Now, boot.NewID), Strategy: env.Strategy(table),
			Queue: sqs.New(env.AWS("SQS"), env.Variable("ADVANCE_QUEUE_URL")), Log: env.Log, Outlet: people.Outlet{
				Bus:      eventbridge.New(env.AWS("EVENTBRIDGE"), env.Variable("BUS_NAME")),
				Messages: sqs.New(env.AWS("SQS"), env.Variable("MESSAGES_QUEUE_URL")),
				Tallies:  sqs.New(env.AWS("SQS"), env.Variable("TALLIES_QUEUE_URL")),
			},
		}).Handle)
	})
}
