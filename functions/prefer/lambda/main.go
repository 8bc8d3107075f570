// Command lambda is prefer behind API Gateway.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/prefer"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/link"
	"rapport/shared/people"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		keys, proofs := env.Access()
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		return boot.HTTP(prefer.New(prefer.Deps{
			People: people.NewStore(table, time.Now, boot.NewID), Strategy: env.Strategy(table), Keys: keys, Proofs: proofs,
			Links: link.Keys([]byte(env.Variable("IDENTITY_SECRET"))), Now: time.Now, Log: env.Log, Origins: env.Origins(),
		}))
	})
}
