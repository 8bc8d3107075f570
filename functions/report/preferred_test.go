package report_test

import (
	"encoding/json"
	"html"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
)

// A person says what counts for each preferred field; with provenance also where
// that is from, since when, and what lost to it. The console says the same.
func TestPreferredFieldsAndWhatLost(t *testing.T) {
	h, fold := serveWith(t, &heard{})
	fold(
		event.Event{MessageID: "m5", Type: event.Identify, UserID: "u1", Trusted: true, Traits: json.RawMessage(`{"theme":7}`), Timestamp: noon.Add(time.Minute), ReceivedAt: noon, Digest: "5"},
		event.Event{MessageID: "m6", Type: event.Track, Name: "Product Viewed", UserID: "u1", Properties: json.RawMessage(`{"category":"oolong"}`), Timestamp: noon, ReceivedAt: noon, Digest: "6"},
	)
	for path, want := range map[string]string{
		"/v1/people/userId:u1": `"preferred":{"tea":"oolong","theme":"dark"}`,
		"/v1/people/userId:u1?provenance=1": `"preferred":{"tea":{"value":"oolong","source":"inferred","of":"computed.likes","others":[{"value":"herbal","source":"default"}]},` +
			`"theme":{"value":"dark","source":"explicit","of":"theme","at":"2026-11-24T12:00:00Z","by":"write key",` +
			`"others":[{"value":7,"source":"declared","of":"traits.theme","at":"2026-11-24T12:01:00Z","by":"m5","misfit":true},{"value":"light","source":"default"}]}}`,
	} {
		if status, body := get(h, path, "demo-secret"); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s\nwant %s", path, status, body, want)
		}
	}
	body := html.UnescapeString(look(t, h, page))
	for _, want := range []string{
		"What they prefer", "<td>dark", "chosen by the person (theme)", "<td>oolong", "inferred (computed.likes)",
		"<s>7</s>", ">told us (traits.theme), of another type than the default</a>", "<s>light</s> <span class=\"source\">the default</span>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}
