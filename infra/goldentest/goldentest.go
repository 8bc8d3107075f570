// Package goldentest compares what tests see with files that are kept beside them,
// and runs the samples of a function: every file under events/ is a test.
package goldentest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Compare holds v, as indented JSON, against testdata/<name>.golden.json in the
// folder of the test, or writes that file under -update.
func Compare(t *testing.T, name string, v any) {
	t.Helper()
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".golden.json")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatalf("%v (run the test with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (run with -update if it is meant):\n%s", file, diff)
	}
}

// Samples runs every events/<function>/*.json through invoke and compares what
// comes out. Call it from the function's own folder.
func Samples(t *testing.T, function string, invoke func(t *testing.T, payload []byte) any) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "events", function, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples in events/%s: %v", function, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			payload, err := os.ReadFile(filepath.Clean(file))
			if err != nil {
				t.Fatal(err)
			}
			Compare(t, name, invoke(t, payload))
		})
	}
}

// Answer unfolds the answer of an HTTP function for people to read.
func Answer(t *testing.T, response []byte) any {
	t.Helper()
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(response, &answer); err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"status": answer.StatusCode, "headers": answer.Headers, "body": json.RawMessage(bytes.TrimSpace([]byte(answer.Body))),
	}
}
