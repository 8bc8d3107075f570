// Command lambda is decide behind API Gateway.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/decide"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/people"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		keys, proofs := env.Access()
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		return boot.HTTP(decide.New(decide.Deps{
			People: people.NewStore(table, time.Now, boot.NewID), Strategy: env.EdgeStrategy(table),
			Keys: keys, Proofs: proofs, Quota: env.Quota(), Secret: []byte(env.Variable("IDENTITY_SECRET")),
			Now: time.Now, Log: env.Log, Count: env.Count, Origins: env.Origins(),
		}))
	})
}
