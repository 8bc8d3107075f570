package event_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/infra/goldentest"
	"rapport/shared/event"
	"rapport/shared/fault"
)

// request is one entry of a capture; the last one of a browser has no method.
type request struct {
	Method string          `json:"method"`
	URL    string          `json:"url"`
	Body   json.RawMessage `json:"body"`
}

var byPath = map[string]event.Type{
	"t": event.Track, "i": event.Identify, "p": event.Page, "g": event.Group, "a": event.Alias, "s": event.Screen,
	"track": event.Track, "identify": event.Identify, "page": event.Page, "group": event.Group, "batch": "", "b": "",
}

// outcome is a result as golden files show it.
type outcome struct {
	Event    *event.Event `json:"event,omitempty"`
	Again    string       `json:"again,omitempty"` // the message id of an event that came before with the same content
	Rejected string       `json:"rejected,omitempty"`
	Declined string       `json:"declined,omitempty"`
}

// TestCaptures decodes what unchanged clients sent. A retry must give the same
// message id and digest as the first try.
func TestCaptures(t *testing.T) {
	for _, client := range []string{"segment-node", "segment-browser", "segment-go", "rudder-node", "jitsu-node"} {
		t.Run(client, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("testdata", "captures", client, "*.json"))
			if err != nil || len(files) == 0 {
				t.Fatal("no captures", err)
			}
			got := map[string][][]outcome{}
			for _, file := range files {
				name := strings.TrimSuffix(filepath.Base(file), ".json")
				if out := replay(t, file, client != "segment-browser"); out != nil {
					got[name] = out
				}
			}
			goldentest.Compare(t, client, got)
		})
	}
}

func replay(t *testing.T, file string, trusted bool) [][]outcome {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var requests []request
	if err := json.Unmarshal(data, &requests); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	var out [][]outcome
	for _, r := range requests {
		path, listens := byPath[r.URL[strings.LastIndex(r.URL, "/")+1:]]
		if r.Method != "POST" || !listens {
			continue
		}
		q, err := event.Read(r.Body)
		if err != nil {
			t.Fatalf("%s %s: %v", file, r.URL, err)
		}
		s := event.Sender{Trusted: trusted, ReceivedAt: time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)}
		var list []outcome
		for _, res := range q.Decode(path, s) {
			list = append(list, outcomeOf(t, res, seen))
		}
		out = append(out, list)
	}
	return out
}

func outcomeOf(t *testing.T, r event.Result, seen map[string]string) outcome {
	t.Helper()
	switch {
	case r.Fault != nil:
		return outcome{Rejected: r.Fault.Code}
	case r.Declined != nil:
		return outcome{Declined: r.Declined.Code}
	}
	first, again := seen[r.MessageID]
	if !again {
		seen[r.MessageID] = r.Event.Digest
		return outcome{Event: r.Event}
	}
	if first != r.Event.Digest {
		t.Errorf("a retry of %s has another digest", r.MessageID)
	}
	return outcome{Again: r.MessageID}
}

// Row 53: without a message id, the content names the event, so that a retry of the
// same content is still one event, and other content is another.
func TestContentNamesEvents(t *testing.T) {
	decode := func(body string) *event.Event {
		t.Helper()
		return accept(t, body, event.Sender{Trusted: true, ReceivedAt: noon})
	}
	first := decode(`{"type":"track","event":"E","userId":"u1","properties":{"a":1,"b":2},"sentAt":"2026-11-24T11:59:00Z","_metadata":{"n":1}}`)
	retry := decode(`{"type":"track","event":"E","userId":"u1","properties":{"b":2,"a":1},"sentAt":"2026-11-24T12:00:00Z","_metadata":{"n":2},"context":{}}`)
	other := decode(`{"type":"track","event":"E","userId":"u1","properties":{"a":1,"b":3}}`)
	if first.MessageID != retry.MessageID || first.Digest != retry.Digest {
		t.Error("a retry has another id")
	}
	if first.MessageID == other.MessageID {
		t.Error("other content has the same id")
	}
}

// Row 54 rests on this: every part of the content counts in the digest; what transports it does not.
func TestDigest(t *testing.T) {
	base := map[string]any{
		"type": "track", "event": "E", "userId": "u1", "anonymousId": "a1", "messageId": "m", "timestamp": "2026-11-24T11:00:00Z",
		"properties": map[string]any{"p": 1}, "context": map[string]any{"ip": "1.2.3.4"},
	}
	digest := func(change map[string]any) string {
		t.Helper()
		body := map[string]any{}
		for k, v := range base {
			body[k] = v
		}
		for k, v := range change {
			body[k] = v
		}
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return accept(t, string(data), event.Sender{Trusted: true, ReceivedAt: noon}).Digest
	}
	type change = map[string]any
	for name, c := range map[string]change{
		"sentAt": {"sentAt": "2026-11-24T11:30:00Z"}, "metadata": {"_metadata": change{"retryCount": 1}},
		"message id": {"messageId": "other"}, "proof": {"context": change{"ip": "1.2.3.4", "proof": "x"}},
		"write key": {"writeKey": "w"}, "zone": {"timestamp": "2026-11-24T12:00:00+01:00"},
	} {
		if digest(c) != digest(nil) {
			t.Errorf("%s changes the digest", name)
		}
	}
	for name, c := range map[string]change{
		"type": {"type": "page"}, "event": {"event": "F"}, "user": {"userId": "u2"}, "anonymous": {"anonymousId": "a2"},
		"time": {"timestamp": "2026-11-24T11:00:01Z"}, "properties": {"properties": change{"p": 2}},
		"context": {"context": change{"ip": "1.2.3.5"}}, "traits": {"traits": change{"t": 1}},
	} {
		if digest(c) == digest(nil) {
			t.Errorf("%s does not change the digest", name)
		}
	}
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// one decodes a body that holds one event.
func one(t *testing.T, body string, s event.Sender) event.Result {
	t.Helper()
	q, err := event.Read([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	results := q.Decode("", s)
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0]
}

func accept(t *testing.T, body string, s event.Sender) *event.Event {
	t.Helper()
	r := one(t, body, s)
	if r.Event == nil {
		t.Fatalf("%.200s: %v %v", body, r.Fault, r.Declined)
	}
	return r.Event
}

func reject(t *testing.T, body, code string, s event.Sender) *fault.Error {
	t.Helper()
	r := one(t, body, s)
	if r.Fault == nil || r.Fault.Code != code {
		t.Fatalf("%.200s: got %v, want %s", body, r.Fault, code)
	}
	return r.Fault
}
