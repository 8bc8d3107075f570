package main

import (
	"os"
	"strings"
	"testing"

	"rapport/infra/engines"
)

// TestPublish puts the sample strategy into a table on a real DynamoDB engine,
// twice; the second time changes nothing.
func TestPublish(t *testing.T) {
	if os.Getenv("DYNAMODB_ENGINES") == "" {
		t.Skip("needs an engine: make engines")
	}
	engine, err := engines.Start(t.Context(), "../..", "dynoxide")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	schema, err := engines.ReadSchema("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Create(t.Context(), engine.Endpoint, "rapport"); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL_DYNAMODB": engine.Endpoint,
	} {
		t.Setenv(name, value)
	}
	for range 2 {
		var out, errs strings.Builder
		code := realMain(t.Context(), []string{"publish", "--table", "rapport", "../strategy"}, terminal{in: strings.NewReader(""), out: &out, err: &errs})
		if code != 0 || !strings.Contains(out.String(), "published version ") {
			t.Fatalf("exit code %d: %s%s", code, out.String(), errs.String())
		}
	}
	t.Setenv("AWS_REGION", "")
	var errs strings.Builder
	if code := realMain(t.Context(), []string{"publish", "--table", "rapport", "../strategy"}, terminal{in: strings.NewReader(""), out: &errs, err: &errs}); code == 0 || !strings.Contains(errs.String(), "AWS_REGION") {
		t.Errorf("without a region: exit code %d, %s", code, errs.String())
	}
}
