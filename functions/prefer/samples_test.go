package prefer_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"rapport/infra/goldentest"
	"rapport/shared/aws/boot"
)

// TestSamples invokes the function with each sample as AWS does, twice: the
// second time nothing more is said.
func TestSamples(t *testing.T) {
	goldentest.Samples(t, "prefer", func(t *testing.T, payload []byte) any {
		w := open(t)
		function := boot.HTTP(w.handler)
		var answer events.APIGatewayV2HTTPResponse
		said := map[string]any{}
		for _, time := range []string{"first", "again"} {
			out, err := function.Invoke(context.Background(), payload)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(out, &answer); err != nil {
				t.Fatal(err)
			}
			said[time] = w.said(user)
		}
		return map[string]any{
			"status": answer.StatusCode, "headers": answer.Headers, "said": said,
			"body": strings.Split(style.ReplaceAllString(answer.Body, "<style>…</style>"), "\n"),
		}
	})
}

// style is not shown: the file page.css is there to be read.
var style = regexp.MustCompile(`(?s)<style>.*</style>`)
