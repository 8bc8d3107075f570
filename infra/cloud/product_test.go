package cloud_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/cloud"
)

const ours = "../../template.yaml"

var ourParameters = map[string]string{"WriteKey": "demo-write", "SecretKey": "demo-secret", "IdentitySecret": "demo-identity", "MailIdentity": "example.com"}

func TestOurRoutes(t *testing.T) {
	got, err := cloud.Routes(ours, ourParameters)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ANY /v1/decide DecideFunction", "GET /v1/people/{node} ReportFunction", "GET /v1/people/{node}/timeline ReportFunction",
		"GET /v1/people/{node}/export ForgetFunction", "DELETE /v1/people/{node} ForgetFunction", "POST /v1/people/{node}/reopen ForgetFunction",
		"GET /v1/people/{node}/personas ReportFunction", "GET /v1/audiences/{id}/people ReportFunction",
		"GET /v1/people/{node}/why ReportFunction", "POST /v1/people/{node}/split ReportFunction", "DELETE /v1/people/{node}/split ReportFunction",
		"ANY /ofrep/v1/evaluate/flags DecideFunction", "ANY /ofrep/v1/evaluate/flags/{key} DecideFunction",
		"GET /v1/people/{node}/brief ReportFunction",
		"GET /v1/reports/{report} ReportFunction", "GET /console/ ReportFunction", "GET /console/{proxy+} ReportFunction",
		"ANY /v1/unsubscribe PreferFunction", "ANY /v1/preferences PreferFunction", "ANY /.well-known/gpc.json PreferFunction",
		"ANY /k/{key}/v1/{call} CollectFunction", "ANY /api/s/{call} CollectFunction", "ANY /beacon/v1/{call} CollectFunction",
		"ANY /api/s/s2s/{call} CollectFunction", "ANY /sourceConfig/ CollectFunction", "ANY /v1/events CollectFunction",
		"ANY /v1/projects/{key}/settings CollectFunction", "ANY /k/{key}/v1/projects/{project}/settings CollectFunction",
	}
	for _, call := range []string{"t", "track", "i", "identify", "p", "page", "s", "screen", "g", "group", "a", "alias", "b", "batch", "import"} {
		want = append(want, "ANY /v1/"+call+" CollectFunction")
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOurQueuesLoseNothing(t *testing.T) {
	roads, err := cloud.Roads(ours, ourParameters)
	if err != nil {
		t.Fatal(err)
	}
	if len(roads) != 5 {
		t.Errorf("%d queues feed functions", len(roads))
	}
	for _, r := range roads {
		receives := 5
		if r.Function == "SendFunction" {
			receives = 100 // throttling is no failure
		}
		if r.Dead == "" || r.MaxReceives != receives || !r.Partial || r.Batch != 10 {
			t.Errorf("%s: dead letters after %d receives, partial answers, batches of ten: %+v", r.Queue, receives, r)
		}
		if r.Visibility < 6*r.Timeout || r.Timeout < time.Second {
			t.Errorf("%s hides messages for %s, which is not six times %s of %s", r.Queue, r.Visibility, r.Timeout, r.Function)
		}
	}
}
