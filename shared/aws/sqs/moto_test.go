package sqs_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"

	"rapport/infra/engines"
	"rapport/shared/aws/sqs"
)

// TestOnMoto sends to a queue that others wrote, and receives what was sent.
func TestOnMoto(t *testing.T) {
	if !strings.Contains(os.Getenv("DYNAMODB_ENGINES"), "moto") {
		t.Skip("needs moto: make engines")
	}
	engine, err := engines.Start(t.Context(), "../../..", "moto")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	cfg := config(engine.Endpoint)
	api := client.NewFromConfig(cfg)
	queue, err := api.CreateQueue(t.Context(), &client.CreateQueueInput{QueueName: aws.String("ingest")})
	if err != nil {
		t.Fatal(err)
	}
	want := append(messages(23), `{"text":"Grüße\r\n\u0000 <&>"}`)
	if err := sqs.New(cfg, *queue.QueueUrl).Send(t.Context(), want...); err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		out, err := api.ReceiveMessage(t.Context(), &client.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			break
		}
		for _, m := range out.Messages {
			got = append(got, *m.Body)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("received\n%q\nsent\n%q", got, want)
	}
	if err := sqs.New(cfg, *queue.QueueUrl+"-gone").Send(t.Context(), "{}"); err == nil {
		t.Error("a queue that is not there took a message")
	}
}
