// Command lambda is forget behind API Gateway.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/forget"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/aws/sqs"
	"rapport/shared/people"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		keys, _ := env.Access()
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		return boot.HTTP(forget.New(forget.Deps{
			People:   people.NewStore(table, time.Now, boot.NewID).Telling(sqs.New(env.AWS("SQS"), env.Variable("TALLIES_QUEUE_URL"))),
			Strategy: env.Strategy(table),
			Keys:     keys, Now: time.Now, Log: env.Log,
		}))
	})
}
