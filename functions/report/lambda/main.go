// Command lambda is report behind API Gateway.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/report"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/aws/eventbridge"
	"rapport/shared/aws/sqs"
	"rapport/shared/insight"
	"rapport/shared/people"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		keys, _ := env.Access()
		queue := func(name string) people.Queue { return sqs.New(env.AWS("SQS"), env.Variable(name)) }
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		outlet := people.Outlet{Messages: queue("MESSAGES_QUEUE_URL"), Tallies: queue("TALLIES_QUEUE_URL"), Bus: eventbridge.New(env.AWS("EVENTBRIDGE"), env.Variable("BUS_NAME"))}
		return boot.HTTP(report.New(report.Deps{
			People: people.NewStore(table, time.Now, boot.NewID), Strategy: env.Strategy(table), Outlet: outlet,
			Results: insight.NewCounters(table, time.Now, boot.NewID), Keys: keys, Now: time.Now, Log: env.Log,
		}))
	})
}
