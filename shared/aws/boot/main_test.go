package boot_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"rapport/shared/aws/boot"
)

// asLambda makes this test binary a function; see TestMain.
const asLambda = "BOOT_TEST_AS_LAMBDA"

// TestMain runs the tests, or boot.Main when the tests started this process.
func TestMain(m *testing.M) {
	if os.Getenv(asLambda) == "" {
		os.Exit(m.Run())
	}
	boot.Main(func(env *boot.Env) lambda.Handler {
		table := env.Variable("TABLE_NAME")
		env.Strategy(&counting{fail: 1})
		return lambda.NewHandler(func(ctx context.Context, _ json.RawMessage) (map[string]string, error) {
			slog.InfoContext(ctx, "working")
			deadline, _ := ctx.Deadline()
			return map[string]string{"table": table, "deadline": strconv.FormatInt(deadline.UnixMilli(), 10)}, nil
		})
	})
}

// function runs this binary as a Lambda until it ends and returns its lines of
// log and its exit code.
func function(t *testing.T, env ...string) (lines []map[string]any, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append([]string{asLambda + "=1", "AWS_LAMBDA_LOG_FORMAT=JSON"}, env...)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	for scan := bufio.NewScanner(&out); scan.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			t.Errorf("log line %q is not JSON", scan.Text())
		}
		lines = append(lines, line)
	}
	return lines, cmd.ProcessState.ExitCode()
}

func TestAFunctionThatLacksSomethingSaysSoAndEnds(t *testing.T) {
	lines, code := function(t, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1")
	if code != 1 || len(lines) != 1 || lines[0]["level"] != "ERROR" {
		t.Fatalf("exit code %d, log %v", code, lines)
	}
	problems, _ := lines[0]["problems"].([]any)
	if len(problems) != 1 || !strings.Contains(problems[0].(string), "TABLE_NAME") {
		t.Errorf("problems are %v", problems)
	}
}

func TestAFunctionServesWithIdsInItsLog(t *testing.T) {
	deadline := time.Now().Add(time.Minute).Truncate(time.Millisecond)
	var answer map[string]string
	invoked := false
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, _ *http.Request) {
		if invoked { // the sandbox is over
			w.WriteHeader(http.StatusGone)
			return
		}
		invoked = true
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request-1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-67-abc;Parent=def;Sampled=1")
		_, _ = io.WriteString(w, `{}`)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/request-1/response", func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	lines, _ := function(t, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"), "TABLE_NAME=people")
	if answer["table"] != "people" || answer["deadline"] != strconv.FormatInt(deadline.UnixMilli()-500, 10) {
		t.Errorf("answer is %v, deadline %d", answer, deadline.UnixMilli())
	}
	if len(lines) < 2 || lines[0]["level"] != "WARN" || lines[0]["error"] != errAway.Error() {
		t.Fatalf("the strategy is not read before the first request: log is %v", lines)
	}
	if line := lines[1]; line["message"] != "working" || line["requestId"] != "request-1" || line["traceId"] != "1-67-abc" {
		t.Errorf("log is %v", lines)
	}
}

// TestTheTraceSurvivesAttributes logs through a derived logger.
func TestTheTraceSurvivesAttributes(t *testing.T) {
	out := captured(t, func() {
		log := boot.NewLog().With("a", 1).WithGroup("g")
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
		for _, trace := range []string{"Parent=x; Root=1-67-abc", "Parent=x"} {
			log.InfoContext(context.WithValue(ctx, boot.TraceKey, trace), "working") //nolint:staticcheck // the runtime's own key is a string
		}
		log.Info("alone")
	})
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 {
		t.Fatalf("log is %q", out)
	}
	if !strings.Contains(lines[0], "1-67-abc") || !strings.Contains(lines[0], "request-1") {
		t.Errorf("line is %s", lines[0])
	}
	for _, line := range lines[1:] {
		if strings.Contains(line, "traceId") {
			t.Errorf("line is %s", line)
		}
	}
}
