package report_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"rapport/infra/goldentest"
	"rapport/shared/aws/boot"
)

// TestSamples invokes the function with each sample as AWS does.
func TestSamples(t *testing.T) {
	goldentest.Samples(t, "report", func(t *testing.T, payload []byte) any {
		out, err := boot.HTTP(serve(t)).Invoke(context.Background(), payload)
		if err != nil {
			t.Fatal(err)
		}
		return unfolded(t, out)
	})
}

// unfolded is an answer for people to read: JSON as it is, a page by its lines.
func unfolded(t *testing.T, response []byte) any {
	t.Helper()
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(response, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Headers["Content-Type"] == "application/json" {
		return goldentest.Answer(t, response)
	}
	return map[string]any{
		"status": answer.StatusCode, "headers": answer.Headers, "body": strings.Split(strings.TrimSpace(answer.Body), "\n"),
	}
}
