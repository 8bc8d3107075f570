package smoke

import (
	"maps"
	"slices"

	"rapport/infra/engines"
	"rapport/infra/policy"
)

// What the stack would put into the functions' environment, in an account that
// exists on this machine only. The keys are those of rapport local.
const queueURL = "https://sqs." + engines.Region + ".amazonaws.com/123456789012/"

var known = map[string]string{
	"WriteKey": "demo-write", "SecretKey": "demo-secret", "IdentitySecret": "demo-identity",
	"Api": "https://api.example.com", "AWS::AccountId": "123456789012", "IdsPerMinute": "1000",
	"AllowedOrigins": "", "ProofAlgorithm": "HS256", "ProofPublicKey": "", "ProofKeyIds": "", "ProofAudience": "", "ProofIssuer": "",
}

// Variables are the environment variables that the template gives a function, by
// its logical id, filled in for this machine: a queue's URL ends with the queue's
// logical id, and everything else is called by its own.
func Variables(d *policy.Deployment, functionID string) map[string]string {
	out := map[string]string{}
	for name, id := range d.Variables(functionID) {
		switch value, given := known[id]; {
		case given:
			out[name] = value
		case d.Kind(id) == "AWS::SQS::Queue":
			out[name] = queueURL + id
		default:
			out[name] = id
		}
	}
	return out
}

// Endpoints are the addresses at which a function finds AWS.
type Endpoints struct {
	Dynamo string // URL of DynamoDB
	Roads  string // URL of SQS, EventBridge and SES
}

// Environment is what Lambda and the template set for a function, as
// "NAME=value" in order.
func (e Endpoints) Environment(variables map[string]string) []string {
	out := []string{
		"AWS_REGION=" + engines.Region, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_SESSION_TOKEN=session", "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_FUNCTION_NAME=rapport",
		"AWS_ENDPOINT_URL_DYNAMODB=" + e.Dynamo, "AWS_ENDPOINT_URL_SQS=" + e.Roads,
		"AWS_ENDPOINT_URL_EVENTBRIDGE=" + e.Roads, "AWS_ENDPOINT_URL_SESV2=" + e.Roads,
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		out = append(out, name+"="+variables[name])
	}
	return out
}
