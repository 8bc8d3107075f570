// Command lambda is unify behind the ingest queue.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/unify"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/aws/eventbridge"
	"rapport/shared/people"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		return lambda.NewHandler(unify.New(unify.Deps{
			People: people.NewStore(table, time.Now, boot.NewID), Strategy: env.Strategy(table),
			Bus: eventbridge.New(env.AWS("EVENTBRIDGE"), env.Variable("BUS_NAME")), Log: env.Log,
		}).Handle)
	})
}
