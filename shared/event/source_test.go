package event_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"rapport/shared/event"
	"rapport/shared/fault"
)

// bridged takes an event of the bus.
func bridged(t *testing.T, sources []event.Source, source, kind, detail string) event.Result {
	t.Helper()
	in, err := event.Bridge([]byte(`{"id":"1","source":"` + source + `","detail-type":"` + kind + `","account":"1","time":"2026-11-24T11:00:00Z","detail":` + detail + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return event.Take(sources, in, event.Sender{Trusted: true, ReceivedAt: noon, Account: "1"})
}

func TestChoiceOfSource(t *testing.T) {
	sources := []event.Source{
		{ID: "a-any", From: "com.example.*", Event: "Any", UserID: "u"},
		{ID: "b-exact", From: "com.example.till", Event: "Exact", UserID: "u"},
		{ID: "c-typed", From: "com.example.till", Details: []string{"Sale", "Refund"}, Event: "Typed", UserID: "u"},
		{ID: "d-same", From: "com.example.till", Details: []string{"Sale"}, Event: "Same", UserID: "u"},
		{ID: "e-file", Event: "File", UserID: "u"},
	}
	for at, want := range map[string]string{
		"com.example.till Sale": "Typed", "com.example.till Refund": "Typed", "com.example.till Other": "Exact",
		"com.example.x Sale": "Any", "com.example. Sale": "Any", "org.example Sale": "Sale",
	} {
		source, kind, _ := strings.Cut(at, " ")
		r := bridged(t, sources, source, kind, `{"u":"u1","userId":"u2"}`)
		if r.Event == nil || r.Event.Name != want {
			t.Errorf("%s: %+v %v", at, r.Event, r.Fault)
		}
	}
}

func TestTranslation(t *testing.T) {
	till := event.Source{
		ID: "till", From: "till", EventAt: "kind", Events: map[string]string{"S": "Order Completed"}, MessageID: "sale.no", Timestamp: "sale.at",
		UserID: "who", Email: "mail.to", External: map[string]string{"order": "sale.no", "card": "card"},
		Properties: map[string]string{"revenue": "sale.sum", "shop": "shop.name", "gone": "gone"}, Numbers: []string{"revenue"},
	}
	const detail = `{"kind":"S","sale":{"no":7,"at":"2026-11-20 09:30","sum":" 1234,50"},"who":"u1","mail":{"to":"a@B.example"},"shop.name":"Podil","gone":null,"x":1}`
	r := bridged(t, []event.Source{till}, "till", "Sold", detail)
	if r.Event == nil {
		t.Fatal(r.Fault)
	}
	e := *r.Event
	if e.Name != "Order Completed" || e.UserID != "u1" || e.Email != "a@b.example" || len(e.ExternalIDs) != 1 || e.ExternalIDs[0] != "order:7" ||
		!e.Timestamp.Equal(time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)) || string(e.Properties) != `{"revenue":1234.50,"shop":"Podil"}` ||
		!strings.HasPrefix(e.MessageID, "till-") {
		t.Errorf("%+v %s", e, e.Properties)
	}
	same := bridged(t, []event.Source{till}, "till", "Sold", strings.Replace(detail, `"x":1`, `"x":2`, 1))
	other := bridged(t, []event.Source{till}, "till", "Sold", strings.Replace(detail, `"kind":"S"`, `"kind":"T"`, 1))
	if same.Event.MessageID != e.MessageID || other.Event.MessageID == e.MessageID {
		t.Errorf("ids %s, %s, %s", e.MessageID, same.Event.MessageID, other.Event.MessageID)
	}
}

func TestTranslationOfFiles(t *testing.T) {
	in := func(detail map[string]any) event.Envelope { return event.Envelope{Detail: detail} }
	people := event.Source{ID: "people", Type: event.Identify, UserID: "id", Email: "email", Traits: map[string]string{"firstName": "name"}}
	call, f := people.Translate(in(map[string]any{"id": "u1", "email": "a@b.example", "name": "Ada"}))
	if f != nil || !strings.Contains(string(call), `"traits":{"email":"a@b.example","firstName":"Ada"}`) || strings.Contains(string(call), "properties") {
		t.Errorf("%s %v", call, f)
	}
	nameless := event.Source{ID: "x", EventAt: "what", UserID: "id"}
	if _, f := nameless.Translate(in(map[string]any{"id": "u1"})); f == nil || f.Code != "event_required" {
		t.Errorf("%v", f)
	}
	// The same row is the same event, from whichever file; another row is another.
	row := event.Source{ID: "x", Event: "E", UserID: "id"}
	ids := map[string]bool{}
	for _, detail := range []map[string]any{{"id": "u1", "n": "1"}, {"n": "1", "id": "u1"}, {"id": "u1", "n": "2"}} {
		call, _ := row.Translate(in(detail))
		var got struct{ MessageID string }
		if err := json.Unmarshal(call, &got); err != nil {
			t.Fatal(err)
		}
		ids[got.MessageID] = true
	}
	if len(ids) != 2 {
		t.Errorf("ids %v", ids)
	}
}

func TestCallsPassAsTheyAre(t *testing.T) {
	for detail, want := range map[string]string{
		`{"type":"track","event":"E","userId":"u","messageId":"m","properties":{"a":1}}`: "m E",
		`{"type":"identify","userId":"u","messageId":"m","traits":{"a":1}}`:              "m ",
		`{"type":"track","userId":"u"}`:                                                  " Told",
		`{"type":"invoice","userId":"u"}`:                                                " Told",
		`{"type":"track","event":"E","userId":"u","batch":[1],"messageId":"m"}`:          "m E",
	} {
		r := bridged(t, nil, "x", "Told", detail)
		id, name, _ := strings.Cut(want, " ")
		if r.Event == nil || r.Event.Name != name || id != "" && r.Event.MessageID != id || !r.Event.Timestamp.Equal(noon.Add(-time.Hour)) {
			t.Errorf("%s: %+v %v", detail, r.Event, r.Fault)
		}
	}
	again := bridged(t, nil, "x", "Told", `{"type":"track","event":"E","userId":"u","context":{"a":1},"hops":2}`)
	if again.Event == nil || !strings.HasPrefix(again.Event.MessageID, "bus-") || again.Event.Hops != 2 || !strings.Contains(string(again.Event.Context), `"a":1`) {
		t.Errorf("%+v %v", again.Event, again.Fault)
	}
}

func TestAdmission(t *testing.T) {
	sources := []event.Source{{ID: "p", From: "partner", Accounts: []string{"2"}, UserID: "userId"}}
	for _, c := range []struct{ source, account, code string }{
		{"rapport", "1", "wrong_source"},
		{"rapport.send", "1", "wrong_source"},
		{"aws.ses", "1", "wrong_source"},
		{"shop", "2", "wrong_account"},
		{"partner", "3", "wrong_account"},
		{"partner", "", "wrong_account"},
		{"partner", "2", ""},
		{"partner", "1", ""},
		{"shop", "1", ""},
	} {
		in := event.Envelope{ID: "1", Source: c.source, Account: c.account, DetailType: "E", Detail: map[string]any{"userId": "u"}}
		r := event.Take(sources, in, event.Sender{Trusted: true, ReceivedAt: noon, Account: "1"})
		if (r.Fault == nil) != (c.code == "") || r.Fault != nil && r.Fault.Code != c.code {
			t.Errorf("%+v: %v", c, r.Fault)
		}
	}
}

func TestEnvelopesThatAreNone(t *testing.T) {
	for body, code := range map[string]string{
		`{`: "bad_json", `[]`: "", `{"id":"1","source":"s","type":"t"}`: "bad_envelope", `{"source":"s","type":"t","data":{}}`: "bad_envelope",
		`{"id":"1","source":5.5,"type":true,"data":{}}`: "not_a_string", `{"id":"1","source":"s","type":"t","data":[]}`: "bad_envelope",
	} {
		_, err := event.Cloud([]byte(body))
		var f *fault.Error
		if !errors.As(err, &f) || code != "" && f.Code != code {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestVocabulary(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range event.Vocabulary() {
		if got, ok := event.Spec(p.Event); !ok || got != p || seen[p.Event] || p.Channel == "" || p.Stage == "" {
			t.Errorf("%+v", p)
		}
		seen[p.Event] = true
	}
	for _, name := range []string{"Order Completed", "Email Opened", "Live Chat Conversation Started", "Product Reviewed", "Mention"} {
		if !seen[name] {
			t.Errorf("%s is not known", name)
		}
	}
	if _, ok := event.Spec("Order Complete"); ok {
		t.Error("a misspelt name is known")
	}
}
