package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"rapport/infra/engines"
)

// TestOnDynamoDB leaves a basket while the table is on a real DynamoDB engine;
// nothing of the customer lies in the data folder.
func TestOnDynamoDB(t *testing.T) {
	if os.Getenv("DYNAMODB_ENGINES") == "" {
		t.Skip("needs an engine: make engines")
	}
	engine, err := engines.Start(t.Context(), "../..", "dynoxide")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	t.Setenv("DYNAMODB_ENDPOINT", engine.Endpoint)

	who := shopper{user: "u1", email: "customer@example.com"}
	url, stop := tool{t, t.TempDir()}.local()
	body := batchOf(who.identify(), who.add(virtual(t, url)))
	if status, answer := call(t, http.MethodPost, url+"/v1/batch", "demo-secret", body); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	call(t, http.MethodPost, url+"/local/clock", "", `{"advance":"59m"}`)
	if early := mailed(t, url); len(early) != 0 {
		t.Errorf("after 59 minutes: %v", early)
	}
	call(t, http.MethodPost, url+"/local/clock", "", `{"advance":"2m"}`)
	if got := mailed(t, url); len(got) != 1 || got[who.email] != 1 {
		t.Errorf("after 61 minutes: %v", got)
	}
	stop()

	// Another data folder: what it knows of the customer comes from the engine.
	url, stop = tool{t, t.TempDir()}.local()
	defer stop()
	if status, person := get(t, url+"/v1/people/userId:u1", "demo-secret"); status != http.StatusOK || !strings.Contains(string(person), who.email) {
		t.Errorf("%d %s", status, person)
	}
	if report := cartReport(t, url); report.Sent != 1 || !report.Balanced {
		t.Errorf("report: %+v", report)
	}
}

// TestNoEngine: whoever names an engine must get it, never the data folder.
func TestNoEngine(t *testing.T) {
	for endpoint, says := range map[string]string{
		"127.0.0.1:8000":     "must be the URL",
		"http://127.0.0.1:1": "see that it runs",
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Setenv("DYNAMODB_ENDPOINT", endpoint)
			code, _, errs := tool{t, t.TempDir()}.run("local", "--port", "0")
			if code == 0 || !strings.Contains(errs, says) {
				t.Errorf("exit code %d: %s", code, errs)
			}
		})
	}
}
