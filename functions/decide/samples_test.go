package decide_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"rapport/functions/decide"
	"rapport/shared/aws/boot"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestSamples invokes the function with each sample as AWS does.
func TestSamples(t *testing.T) {
	files, err := filepath.Glob("../../events/decide/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no samples", err)
	}
	function := boot.HTTP(decide.New(deps(t)))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out, err := function.Invoke(context.Background(), payload)
			if err != nil {
				t.Fatal(err)
			}
			var answer events.APIGatewayV2HTTPResponse
			if err := json.Unmarshal(out, &answer); err != nil {
				t.Fatal(err)
			}
			golden(t, name, map[string]any{
				"status": answer.StatusCode, "headers": answer.Headers, "body": json.RawMessage(answer.Body),
			})
		})
	}
}

// golden compares v with the golden file, or writes it with -update.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden.json")
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}
