package eventbridge_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"rapport/infra/engines"
	"rapport/shared/aws/eventbridge"
	"rapport/shared/people"
)

// TestOnMoto publishes to a bus that others wrote; a rule brings the effects to
// a queue, as another system would listen.
func TestOnMoto(t *testing.T) {
	if !strings.Contains(os.Getenv("DYNAMODB_ENGINES"), "moto") {
		t.Skip("needs moto: make engines")
	}
	engine, err := engines.Start(t.Context(), "../../..", "moto")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	cfg := aws.Config{
		Region: engines.Region, BaseEndpoint: &engine.Endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	}
	queues := sqs.NewFromConfig(cfg)
	queue := listen(t, cfg, queues)

	sent := effects(12)
	if err := eventbridge.New(cfg, "rapport-bus").Publish(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for range 5 {
		out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			var e struct {
				Source     string        `json:"source"`
				DetailType string        `json:"detail-type"`
				Detail     people.Effect `json:"detail"`
			}
			if err := json.Unmarshal([]byte(*m.Body), &e); err != nil || e.Source != eventbridge.Source {
				t.Fatalf("%v %s", err, *m.Body)
			}
			kinds[e.Detail.ID] = e.DetailType
		}
	}
	if len(kinds) != len(sent) {
		t.Errorf("%d effects arrived of %d", len(kinds), len(sent))
	}
	for _, e := range sent {
		if kinds[e.ID] != string(e.Kind) {
			t.Errorf("%s came as %q, not as %q", e.ID, kinds[e.ID], e.Kind)
		}
	}
}

// listen makes the bus, with a rule that brings our events to a queue.
func listen(t *testing.T, cfg aws.Config, queues *sqs.Client) (queueURL *string) {
	t.Helper()
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("listener")})
	if err != nil {
		t.Fatal(err)
	}
	bus := api.NewFromConfig(cfg)
	name := aws.String("rapport-bus")
	if _, err := bus.CreateEventBus(t.Context(), &api.CreateEventBusInput{Name: name}); err != nil {
		t.Fatal(err)
	}
	rule := &api.PutRuleInput{Name: aws.String("ours"), EventBusName: name, EventPattern: aws.String(`{"source":["` + eventbridge.Source + `"]}`)}
	if _, err := bus.PutRule(t.Context(), rule); err != nil {
		t.Fatal(err)
	}
	_, err = bus.PutTargets(t.Context(), &api.PutTargetsInput{Rule: rule.Name, EventBusName: name, Targets: []types.Target{
		{Id: aws.String("queue"), Arn: aws.String("arn:aws:sqs:" + engines.Region + ":123456789012:listener")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return queue.QueueUrl
}
