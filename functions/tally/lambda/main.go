// Command lambda is tally behind the queue of tallies.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/tally"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/insight"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		return lambda.NewHandler(tally.New(tally.Deps{
			Counters: insight.NewCounters(table, time.Now, boot.NewID), Log: env.Log,
		}).Handle)
	})
}
