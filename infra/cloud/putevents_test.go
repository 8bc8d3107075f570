package cloud_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/cloud"
)

// TestPutEvents publishes as AWS's own clients do.
func TestPutEvents(t *testing.T) {
	l := &listener{}
	s := play(t, t.TempDir(), station, map[string]cloud.Builder{"SpeakerFunction": speaker, "ListenerFunction": handler(l.handle)})
	entry := `{"EventBusName":"BUS","Source":"shop","DetailType":"Order","Detail":"{\"id\":1}"}`
	ours := strings.Replace(entry, "BUS", "rapport-bus", 1)
	for name, c := range map[string]struct {
		entries string
		status  int
		codes   string // of each entry; "ok" for one that is out
		want    []string
	}{
		"by name":          {ours, 200, "ok", []string{`queue: shop Order {"id":1}`}},
		"by ARN":           {strings.Replace(entry, "BUS", "arn:aws:events:eu-central-1:123456789012:event-bus/rapport-bus", 1), 200, "ok", []string{`queue: shop Order {"id":1}`}},
		"another bus":      {strings.Replace(entry, "BUS", "other", 1), 200, "ResourceNotFoundException", nil},
		"no detail":        {strings.Replace(ours, `{\"id\":1}`, `[]`, 1) + "," + ours, 200, "MalformedDetail ok", []string{`queue: shop Order {"id":1}`}},
		"no source":        {strings.Replace(ours, `"shop"`, `""`, 1), 200, "InvalidArgument", nil},
		"nothing":          {"", 400, "", nil},
		"more than can be": {strings.Repeat(ours+",", 10) + ours, 400, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := post("/", `{"Entries":[`+c.entries+`]}`)
			r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
			response := s.ask(r)
			body, _ := io.ReadAll(response.Body)
			var got struct {
				FailedEntryCount int
				Entries          []struct{ EventID, ErrorCode string }
			}
			_ = json.Unmarshal(body, &got)
			var codes []string
			for _, e := range got.Entries {
				if e.EventID != "" {
					e.ErrorCode = "ok"
				}
				codes = append(codes, e.ErrorCode)
			}
			if response.StatusCode != c.status || strings.Join(codes, " ") != c.codes || got.FailedEntryCount != len(codes)-strings.Count(c.codes, "ok") {
				t.Errorf("%d %s", response.StatusCode, body)
			}
			s.settle()
			if diff := cmp.Diff(c.want, l.taken()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if r := s.ask(post("/", `{"Entries":[`+ours+`]}`)); r.StatusCode != http.StatusNotFound {
		t.Errorf("without the header: %d", r.StatusCode)
	}
}
