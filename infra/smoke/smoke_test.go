package smoke_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"rapport/infra/policy"
	"rapport/infra/publish"
	"rapport/infra/smoke"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/strategy"
)

const root = "../.."

// onlyWhenAsked skips what builds binaries, so that plain go test stays quick.
func onlyWhenAsked(t *testing.T) {
	t.Helper()
	if os.Getenv("RAPPORT_SMOKE") != "1" {
		t.Skip("builds every Lambda: run it with RAPPORT_SMOKE=1, as make smoke does")
	}
}

func TestFlagsAreThoseOfMake(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(makefile), "\nLAMBDA_FLAGS := "+smoke.Flags+"\n") {
		t.Errorf("LAMBDA_FLAGS of the Makefile are not %s", smoke.Flags)
	}
}

// order is that in which the functions run, so that what one stores the next
// finds. Functions that the template has and this list has not come last.
var order = []string{"collect", "unify", "advance", "send", "hear", "prefer", "tally", "decide", "report", "forget"}

// tableName is what the account's table is called: by its logical id.
const tableName = "Table"

// functions are the names of the functions and the environment variables that
// the template gives each, with their values.
func functions(t *testing.T) (names []string, variables map[string]map[string]string) {
	t.Helper()
	deployment, err := policy.Read(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	variables = map[string]map[string]string{}
	for _, id := range deployment.Functions() {
		name := strings.ToLower(strings.TrimSuffix(id, "Function"))
		variables[name] = smoke.Variables(deployment, id)
		names = append(names, name)
	}
	place := func(name string) int { return (slices.Index(order, name) + len(order) + 1) % (len(order) + 1) }
	slices.SortFunc(names, func(a, b string) int { return place(a) - place(b) })
	return names, variables
}

// world is the AWS account that the functions run in.
type world struct {
	smoke.Endpoints
	real  bool // DynamoDB is an engine, no stand-in
	roads *smoke.Roads
}

// open makes the account and publishes the sample strategy in it.
func open(t *testing.T) world {
	t.Helper()
	w := world{roads: &smoke.Roads{}}
	server := httptest.NewServer(w.roads)
	t.Cleanup(server.Close)
	w.Roads = server.URL
	w.Dynamo, w.real = openDynamo(t)
	doc, problems := publish.Load(filepath.Join(root, "infra", "strategy"))
	for _, p := range problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	for _, pair := range w.Environment(nil) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	var env boot.Env
	table := dynamo.New(dynamo.NewClient(env.AWS("DYNAMODB"), ""), tableName, time.Now)
	if err := strategy.Publish(t.Context(), table, doc, time.Now()); err != nil {
		t.Fatal(err)
	}
	return w
}

// built is where the bootstraps of one architecture are, by function.
type built struct {
	mu    sync.Mutex
	paths map[string]string
}

var bootstraps = built{paths: map[string]string{}}

// bootstrap builds a function once and returns where it is. "bare" is a Lambda
// that does nothing.
func bootstrap(t *testing.T, function, arch string) string {
	t.Helper()
	bootstraps.mu.Lock()
	defer bootstraps.mu.Unlock()
	key := function + " " + arch
	if path := bootstraps.paths[key]; path != "" {
		return path
	}
	dir, err := os.MkdirTemp("", "rapport-smoke-")
	if err != nil {
		t.Fatal(err)
	}
	cleanAtEnd = append(cleanAtEnd, dir)
	main := "./functions/" + function + "/lambda"
	if function == "bare" {
		main = filepath.Join(dir, "main.go")
		if err := os.WriteFile(main, []byte(bare), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "bootstrap")
	if err := smoke.Build(t.Context(), root, main, arch, path); err != nil {
		t.Fatal(err)
	}
	bootstraps.paths[key] = path
	return path
}

const bare = `package main

import "github.com/aws/aws-lambda-go/lambda"

func main() { lambda.Start(func() (string, error) { return "", nil }) }
`

// TestEverySample feeds every sample to the function that it is for.
func TestEverySample(t *testing.T) {
	onlyWhenAsked(t)
	names, variables := functions(t)
	w := open(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			f, err := smoke.Start(t.Context(), bootstrap(t, name, runtime.GOARCH), w.Environment(variables[name])...)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Stop()
			samples, _ := filepath.Glob(filepath.Join(root, "events", name, "*.json"))
			if len(samples) == 0 {
				t.Fatal("there is no sample")
			}
			for _, sample := range samples {
				feed(t, f, name, sample)
			}
			malformed(t, f)
			f.Stop() // so that the log is whole
			logIsJSON(t, f.Log())
			logTellsNobody(t, f.Log())
		})
	}
	w.check(t)
}

// elsewhere are the functions whose golden files tell of people and messages that
// this account does not have. Of them only the form of the answer is asked.
var elsewhere = map[string]bool{"report": true, "send": true, "hear": true, "prefer": true, "tally": true, "forget": true}

// documented asks for an answer as a batch, an HTTP request or one event has it.
func documented(t *testing.T, sample string, out []byte) {
	t.Helper()
	var answer struct {
		StatusCode        int
		BatchItemFailures []any
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Errorf("%s: answer %s is not JSON: %v", sample, out, err)
	}
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 500, answer.BatchItemFailures != nil, string(out) == "null":
	default:
		t.Errorf("%s: answer %s has no form that is documented", sample, out)
	}
}

// feed compares the answer with what the function's own golden file says.
func feed(t *testing.T, f *smoke.Function, function, sample string) {
	t.Helper()
	payload, err := os.ReadFile(filepath.Clean(sample))
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Invoke(t.Context(), payload)
	if err != nil {
		t.Errorf("%s: %v", sample, err)
		return
	}
	if elsewhere[function] {
		documented(t, sample, out)
		return
	}
	got, want := shape(t, out), golden(t, function, sample)
	if expired[filepath.ToSlash(strings.TrimPrefix(sample, filepath.Join(root, "events")+string(filepath.Separator)))] && got == `401 bad_proof` {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s\nanswer: %s\nlog: %s", sample, diff, out, f.Log())
	}
}

// expired are samples whose proof holds only at the time of the golden files.
var expired = map[string]bool{"decide/proven.json": true}

// shape is what counts of an answer: status and error code of an HTTP answer,
// which is also checked to be well formed, or the whole of any other.
func shape(t *testing.T, out []byte) string {
	t.Helper()
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Errorf("answer %s is not JSON: %v", out, err)
	}
	if answer.StatusCode == 0 {
		return compact(t, out)
	}
	return httpShape(t, answer.StatusCode, []byte(answer.Body))
}

func httpShape(t *testing.T, status int, body []byte) string {
	t.Helper()
	var content struct {
		Error                   struct{ Code, Message string }
		ErrorCode, ErrorDetails string // as OFREP says it
	}
	if err := json.Unmarshal(body, &content); err != nil {
		t.Errorf("body %s is not JSON: %v", body, err)
	}
	text, _ := json.Marshal(status)
	if status < 400 {
		return string(text)
	}
	code, message := content.Error.Code+content.ErrorCode, content.Error.Message+content.ErrorDetails
	if code == "" || message == "" {
		t.Errorf("status %d with body %s", status, body)
	}
	return string(text) + " " + code
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Error(err)
	}
	return b.String()
}

// golden is the shape that the golden file of the function's own test has. A
// queue's function is run twice there, and the answer is called response.
func golden(t *testing.T, function, sample string) string {
	t.Helper()
	name := strings.TrimSuffix(filepath.Base(sample), ".json") + ".golden.json"
	text, err := os.ReadFile(filepath.Join(root, "functions", function, "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var runs []struct{ Response json.RawMessage }
	if json.Unmarshal(text, &runs) == nil && len(runs) > 0 {
		return compact(t, runs[0].Response)
	}
	var whole struct{ Answer json.RawMessage }
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	if whole.Answer == nil {
		whole.Answer = text
	}
	var answer struct {
		Status int
		Body   json.RawMessage
	}
	if err := json.Unmarshal(whole.Answer, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Status == 0 {
		return compact(t, whole.Answer)
	}
	return httpShape(t, answer.Status, answer.Body)
}

// malformed feeds what is no event at all: the function may refuse it, as an
// answer or as an error, but must be there for the next one.
func malformed(t *testing.T, f *smoke.Function) {
	t.Helper()
	for _, event := range []string{`[]`, `{}`, `{"Records":[{"body":"{"}]}`, `{"requestContext":{"http":{"method":"GET X"}}}`} {
		_, err := f.Invoke(t.Context(), []byte(event))
		if err != nil && !strings.Contains(err.Error(), "the function failed") {
			t.Fatalf("%s: %v", event, err)
		}
	}
}

// logIsJSON holds that whoever searches the logs can.
func logIsJSON(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) {
			t.Errorf("log line is not JSON: %s", line)
		}
	}
}

// personal finds addresses, ids of visitors and keys, as the samples have them.
var personal = regexp.MustCompile(`@example\.(com|org|net)|recipient@|2b7e1516-28ae-4d2a-abf7-158809cf4f3c|demo-(write|secret|identity)`)

// logTellsNobody, row 105: logs say nothing of the people in the samples.
func logTellsNobody(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if what := personal.FindString(line); what != "" {
			t.Errorf("the log tells %s: %s", what, line)
		}
	}
}

// check looks at what came out by queue and bus.
func (w world) check(t *testing.T) {
	t.Helper()
	_, variables := functions(t)
	if len(w.roads.Sent(variables["collect"]["INGEST_QUEUE_URL"])) == 0 {
		t.Error("collect queued nothing")
	}
	published := w.roads.Published()
	if len(published) == 0 {
		t.Error("unify published nothing")
	}
	for _, e := range published {
		var effect struct{ ID, Kind string }
		if err := json.Unmarshal([]byte(e.Detail), &effect); err != nil || effect.ID == "" {
			t.Errorf("detail is %s, %v", e.Detail, err)
		}
		if e.Source != "rapport" || e.DetailType != effect.Kind || e.EventBusName != variables["unify"]["BUS_NAME"] {
			t.Errorf("event is %+v", e)
		}
	}
}

// TestAMissingVariableEndsTheStart leaves out each variable in turn.
func TestAMissingVariableEndsTheStart(t *testing.T) {
	onlyWhenAsked(t)
	names, variables := functions(t)
	nowhere := smoke.Endpoints{Dynamo: "http://127.0.0.1:1", Roads: "http://127.0.0.1:1"}
	for _, name := range names {
		for variable, value := range variables[name] {
			if value == "" || variable == "PROOF_ALGORITHM" || variable == "GOMAXPROCS" {
				continue // these may be left out
			}
			without := maps.Clone(variables[name])
			delete(without, variable)
			f, err := smoke.Start(t.Context(), bootstrap(t, name, runtime.GOARCH), nowhere.Environment(without)...)
			if err == nil {
				f.Stop()
				t.Errorf("%s starts without %s", name, variable)
			} else if !strings.Contains(err.Error(), "exit status 1") || !strings.Contains(err.Error(), "set the environment variable "+variable) {
				t.Errorf("%s without %s ends with %v", name, variable, err)
			}
		}
	}
}
