// Command lambda is collect behind API Gateway.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/collect"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/aws/sqs"
)

func main() {
	boot.Main(func(env *boot.Env) lambda.Handler {
		keys, proofs := env.Access()
		table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), env.Variable("TABLE_NAME"), time.Now)
		strategies := env.EdgeStrategy(table)
		return boot.HTTP(collect.New(collect.Deps{
			Queue: sqs.New(env.AWS("SQS"), env.Variable("INGEST_QUEUE_URL")),
			Keys:  keys, Proofs: proofs, Now: time.Now, Log: env.Log, Count: env.Count, Origins: env.Origins(),
			Reserved: boot.NewReserved(strategies, time.Now).Has, Sources: strategies.Sources,
		}))
	})
}
