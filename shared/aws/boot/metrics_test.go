package boot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/aws/boot"
)

func TestCountsAreToldOnceAMinute(t *testing.T) {
	var env boot.Env
	var out bytes.Buffer
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tell := func(after time.Duration) string {
		out.Reset()
		env.Tell(&out, "shop-decide", at.Add(after))
		return out.String()
	}
	if got := tell(0); got != "" {
		t.Errorf("nothing is told as %s", got)
	}
	env.Count("Decisions", 0)
	if got := tell(0); got != "" {
		t.Errorf("a zero is told as %s", got)
	}
	env.Count("Decisions", 1)
	env.Count("Degraded", 2)
	want := `{"Decisions":1,"Degraded":2,"FunctionName":"shop-decide","_aws":{"CloudWatchMetrics":[{"Dimensions":[["FunctionName"]],` +
		`"Metrics":[{"Name":"Decisions","Unit":"Count"},{"Name":"Degraded","Unit":"Count"}],"Namespace":"Rapport"}],"Timestamp":1795521600000}}` + "\n"
	if diff := cmp.Diff(want, tell(0)); diff != "" {
		t.Error(diff)
	}
	env.Count("Decisions", 3)
	if got := tell(time.Minute - 1); got != "" {
		t.Errorf("too early is told %s", got)
	}
	env.Count("Decisions", 4)
	if got := tell(time.Minute); !strings.HasPrefix(got, `{"Decisions":7,"FunctionName"`) {
		t.Errorf("told is %s", got)
	}
}

func TestCountsAreToldAfterTheInvocation(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "shop-send")
	stdout := captured(t, func() {
		var env boot.Env
		h := env.Telling(echo(func(_ context.Context, payload []byte) ([]byte, error) {
			env.Count("MailsSent", 1)
			return payload, nil
		}))
		for range 2 {
			if out, err := h.Invoke(t.Context(), []byte("x")); string(out) != "x" || err != nil {
				t.Errorf("answer is %q, %v", out, err)
			}
		}
	})
	var line struct {
		MailsSent    int
		FunctionName string
	}
	if err := json.Unmarshal([]byte(stdout), &line); err != nil || line.MailsSent != 1 || line.FunctionName != "shop-send" {
		t.Errorf("standard output is %s, %v", stdout, err)
	}
}
