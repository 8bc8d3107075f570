package smoke_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/smoke"
)

// TestRecorder says of each request of AWS which permissions it takes.
func TestRecorder(t *testing.T) {
	for name, c := range map[string]struct {
		target, path, body string
		want               []string
	}{
		"get":      {"DynamoDB_20120810.GetItem", "/", `{"TableName":"T"}`, []string{"dynamodb:GetItem T"}},
		"batch":    {"DynamoDB_20120810.BatchGetItem", "/", `{"RequestItems":{"T":{},"U":{}}}`, []string{"dynamodb:BatchGetItem T", "dynamodb:BatchGetItem U"}},
		"transact": {"DynamoDB_20120810.TransactWriteItems", "/", `{"TransactItems":[{"Put":{"TableName":"T"}},{"Update":{"TableName":"T"}},{"Delete":{"TableName":"T"}},{"ConditionCheck":{"TableName":"U"}}]}`, []string{"dynamodb:ConditionCheckItem U", "dynamodb:DeleteItem T", "dynamodb:PutItem T", "dynamodb:UpdateItem T"}},
		"read all": {"DynamoDB_20120810.TransactGetItems", "/", `{"TransactItems":[{"Get":{"TableName":"T"}}]}`, []string{"dynamodb:GetItem T"}},
		"queue":    {"AmazonSQS.SendMessageBatch", "/", `{"QueueUrl":"https://sqs.example.com/1/Q","Entries":[{"Id":"0"}]}`, []string{"sqs:SendMessage Q"}},
		"bus":      {"AWSEvents.PutEvents", "/", `{"Entries":[{"EventBusName":"B"},{"EventBusName":"B"}]}`, []string{"events:PutEvents B"}},
		"mail":     {"", "/v2/email/outbound-emails", `{"ConfigurationSetName":"S"}`, []string{"ses:SendEmail S"}},
		"other":    {"Kinesis_20131202.PutRecord", "/x", `{}`, []string{"unknown:POST/x Kinesis_20131202PutRecord"}},
	} {
		t.Run(name, func(t *testing.T) {
			passed := ""
			r := smoke.NewRecorder(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
				body, _ := io.ReadAll(req.Body)
				passed = string(body)
			}))
			req := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
			req.Header.Set("X-Amz-Target", c.target)
			r.ServeHTTP(httptest.NewRecorder(), req)
			var got []string
			for call := range maps.Keys(r.Calls()) {
				got = append(got, call.String())
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, got); diff != "" || passed != c.body {
				t.Errorf("%s, passed on %q", diff, passed)
			}
		})
	}
}
