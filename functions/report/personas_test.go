package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"rapport/shared/event"
	"rapport/shared/persona"
)

// personas are those of the tests, whatever the sample strategy has.
var personas = []persona.Persona{
	{ID: "visitor", Name: "The visitor", Fields: []persona.Field{
		{Path: "computed.orders", Value: json.RawMessage("0"), Weight: 2},
		{Path: persona.Known, Value: json.RawMessage("false"), Weight: 2},
	}},
	{ID: "regular", Name: "The regular", Fields: []persona.Field{
		{Path: "computed.last_order_at", Timed: true, Ago: 86_400_000, Weight: 1},
		{Path: "computed.orders", Value: json.RawMessage("4"), Weight: 2},
		{Path: persona.Known, Value: json.RawMessage("true"), Weight: 2},
		{Path: "traits.city", Value: json.RawMessage(`"Lviv"`), Weight: 1},
		{Path: "traits.country", Value: json.RawMessage(`"UA"`), Weight: 1},
	}},
}

// likest returns whom the node's person is most like.
func likest(t *testing.T, body string) (name string, score float64) {
	t.Helper()
	var got struct {
		Personas []struct {
			Persona string
			Score   float64
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Personas) != len(personas) {
		t.Fatalf("%v: %s", err, body)
	}
	return got.Personas[0].Persona, got.Personas[0].Score
}

func TestPersonas(t *testing.T) {
	h, fold := serveWith(t, &heard{})
	fold(event.Event{MessageID: "n1", Type: event.Page, AnonymousID: "device-of-a-stranger", Timestamp: noon, ReceivedAt: noon, Digest: "n1"})
	for node, want := range map[string]string{"anonymousId:device-of-a-stranger": "visitor", "userId:u1": "regular"} {
		_, body := get(h, "/v1/people/"+node+"/personas", "demo-secret")
		if who, score := likest(t, body); who != want || score <= 0 || score > 1 {
			t.Errorf("%s is like %s by %v: %s", node, who, score, body)
		}
	}
}

func TestMembersAreLines(t *testing.T) {
	h, fold := serveWith(t, &heard{})
	fold(
		event.Event{MessageID: "n1", Type: event.Identify, UserID: "u2", Traits: json.RawMessage(`{"email":"customer@example.com"}`), Timestamp: noon, ReceivedAt: noon, Digest: "n1"},
		event.Event{MessageID: "n2", Type: event.Track, Name: "Order Completed", UserID: "u2", Properties: json.RawMessage(`{"revenue":900}`), Timestamp: noon, ReceivedAt: noon, Digest: "n2"},
	)
	for query, want := range map[string]struct {
		has   string
		lines int
	}{
		"":                   {`"userId":"u2"}`, 3},
		"?purpose=":          {`"userId":"u2"}`, 3},
		"?purpose=marketing": {`"userId":"u2","email":"customer@example.com"}`, 3},
	} {
		_, body := get(h, "/v1/audiences/vip/people"+query, "demo-secret")
		lines := strings.Split(body, "\n")
		for _, line := range lines {
			if !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %s", line)
			}
		}
		if len(lines) != want.lines || !strings.Contains(body, want.has) || !strings.HasPrefix(lines[len(lines)-1], `{"page":{"audience":"vip",`) {
			t.Errorf("%s answers %s, want %s", query, body, want.has)
		}
	}
}
