package smoke_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// forms are the fields that an event of each kind has on AWS. Handlers here look
// at fewer, but sam local and whoever reads a sample may look at any.
var forms = map[string][]string{
	"request":  {"version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded"},
	"messages": {"Records"},
	"event":    {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"},
}

var recordFields = []string{"messageId", "receiptHandle", "body", "attributes", "messageAttributes", "eventSource", "eventSourceARN", "awsRegion"}

// TestSamplesAreWhole holds that each file under events/ has the form in which
// AWS delivers, so that sam local invoke -e and make invoke take it.
func TestSamplesAreWhole(t *testing.T) {
	names, _ := filepath.Glob(filepath.Join(root, "events", "*"))
	if len(names) == 0 {
		t.Fatal("there is no sample")
	}
	for _, dir := range names {
		for i, sample := range samples(t, filepath.Base(dir)) {
			var event map[string]json.RawMessage
			if err := json.Unmarshal(sample, &event); err != nil {
				t.Errorf("%s, sample %d: %v", dir, i, err)
				continue
			}
			if !slices.ContainsFunc(slices.Collect(maps.Values(forms)), func(fields []string) bool { return has(event, fields) }) {
				t.Errorf("%s, sample %d is neither a request, nor messages, nor an event: it has %v", dir, i, slices.Sorted(maps.Keys(event)))
			}
			var records []map[string]json.RawMessage
			_ = json.Unmarshal(event["Records"], &records) // there are none in the other forms
			for _, r := range records {
				if !has(r, recordFields) {
					t.Errorf("%s, sample %d: a record has %v, want %v", dir, i, slices.Sorted(maps.Keys(r)), recordFields)
				}
			}
		}
	}
}

func has(object map[string]json.RawMessage, fields []string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool { return object[f] == nil })
}
