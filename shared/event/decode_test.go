package event_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/event"
	"rapport/shared/fault"
)

const anon = "e3e04642-ddee-4fd4-b59d-7756239d9960" // as browsers make them

var (
	server  = event.Sender{Trusted: true, ReceivedAt: noon}
	browser = event.Sender{ReceivedAt: noon, ProvenUser: func(proof string) (string, error) {
		if user, ok := strings.CutPrefix(proof, "proof-of-"); ok {
			return user, nil
		}
		return "", fault.New(fault.Unauthenticated, "bad_proof", "no good")
	}}
)

func TestIdentity(t *testing.T) {
	type who struct {
		User, Anonymous, Previous, Group, Claim string
		Verdicts                                []string
	}
	blocked := []string{"blocked_id"}
	cases := []struct {
		name   string
		sender event.Sender
		body   string
		want   who
		code   string
	}{
		{name: "server user", sender: server, body: `"userId":"u1"`, want: who{User: "u1"}},
		{name: "number id", sender: server, body: `"userId":42`, want: who{User: "42"}},
		{name: "empty is absent", sender: server, body: `"userId":"","anonymousId":"a1"`, want: who{Anonymous: "a1"}},
		{name: "null is absent", sender: server, body: `"userId":null,"anonymousId":"a1"`, want: who{Anonymous: "a1"}},
		{name: "nobody", sender: server, body: `"userId":""`, code: "no_user_anon_id"},
		{name: "id of another type", sender: server, body: `"userId":true`, code: "not_a_string"},
		{name: "row 12 browser claim", sender: browser, body: `"userId":"u1","anonymousId":"` + anon + `"`, want: who{Claim: "u1", Anonymous: anon}},
		{name: "row 21 claim alone", sender: browser, body: `"userId":"u1"`, code: "proof_required"},
		{name: "proof", sender: browser, body: `"userId":"u1","context":{"proof":"proof-of-u1"}`, want: who{User: "u1"}},
		{name: "row 16 proof of another", sender: browser, body: `"userId":"bob","context":{"proof":"proof-of-alice"}`, code: "proof_mismatch"},
		{name: "row 13 bad proof", sender: browser, body: `"userId":"u1","anonymousId":"` + anon + `","context":{"proof":"forged"}`, code: "bad_proof"},
		{name: "proof that is no text", sender: browser, body: `"userId":"u1","context":{"proof":1}`, code: "bad_proof"},
		{name: "proofs not set up", sender: event.Sender{ReceivedAt: noon}, body: `"userId":"u1","context":{"proof":"x"}`, code: "bad_proof"},
		{name: "row 23 under the anonymous id", sender: browser, body: `"userId":"null","anonymousId":"` + anon + `"`, want: who{Anonymous: anon, Verdicts: blocked}},
		{name: "row 23 junk alone", sender: server, body: `"userId":"undefined"`, code: "blocked_id"},
		{name: "row 23 junk anonymous id", sender: server, body: `"userId":"u1","anonymousId":"0000-00"`, want: who{User: "u1", Verdicts: blocked}},
		{name: "row 25 alias to itself", sender: browser, body: `"type":"alias","userId":"u1","previousId":"u1","anonymousId":"` + anon + `"`, want: who{Claim: "u1", Anonymous: anon}},
		{name: "row 22 alias unproven", sender: browser, body: `"type":"alias","userId":"u1","previousId":"` + anon + `","anonymousId":"` + anon + `"`, want: who{Claim: "u1", Anonymous: anon, Previous: anon}},
		{name: "alias by a server", sender: server, body: `"type":"alias","userId":"u1","previousId":"old"`, want: who{User: "u1", Previous: "old"}},
		{name: "previousId elsewhere", sender: server, body: `"userId":"u1","previousId":"old"`, want: who{User: "u1"}},
		{name: "group", sender: server, body: `"type":"group","userId":"u1","groupId":"g1"`, want: who{User: "u1", Group: "g1"}},
		{name: "row 27 short anonymous id", sender: browser, body: `"anonymousId":"fifteen-bytes-x"`, code: "short_id"},
		{name: "row 27 just long enough", sender: browser, body: `"anonymousId":"sixteen-bytes-xx"`, want: who{Anonymous: "sixteen-bytes-xx"}},
		{name: "row 27 short with a secret key", sender: server, body: `"anonymousId":"an1"`, want: who{Anonymous: "an1"}},
		{name: "row 22 short previous id is kept for the person to judge", sender: browser, body: `"type":"alias","userId":"u1","previousId":"old","anonymousId":"` + anon + `"`, want: who{Anonymous: anon, Previous: "old", Claim: "u1"}},
		{name: "row 28 NUL", sender: server, body: `"userId":"a\u0000b"`, code: "bad_id"},
		{name: "row 28 control", sender: server, body: `"userId":"a\u0085b"`, code: "bad_id"},
		{name: "row 28 RTL override", sender: server, body: `"userId":"a\u202eb"`, code: "bad_id"},
		{name: "row 28 isolate", sender: server, body: `"anonymousId":"a\u2066b"`, code: "bad_id"},
		{name: "row 28 2 KB", sender: server, body: `"userId":"` + strings.Repeat("x", 2048) + `"`, code: "bad_id"},
		{name: "row 28 512 bytes", sender: server, body: `"userId":"` + strings.Repeat("x", 512) + `"`, want: who{User: strings.Repeat("x", 512)}},
		{name: "row 29 case", sender: server, body: `"userId":"Alice"`, want: who{User: "Alice"}},
		{name: "row 29 NFD", sender: server, body: `"userId":"e\u0301"`, want: who{User: "e\u0301"}},
		{name: "row 29 space at the end", sender: server, body: `"userId":"alice "`, want: who{User: "alice "}},
		{name: "row 30 separators", sender: server, body: `"userId":"USER#a#CONSENT"`, want: who{User: "USER#a#CONSENT"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := `{"event":"E",` + c.body + `}`
			if !strings.Contains(body, `"type"`) {
				body = `{"type":"track",` + body[1:]
			}
			if c.code != "" {
				_ = reject(t, body, c.code, c.sender)
				return
			}
			e := accept(t, body, c.sender)
			got := who{e.UserID, e.AnonymousID, e.PreviousID, e.GroupID, e.Claim, e.Verdicts}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(string(e.Context), "proof") {
				t.Errorf("the proof is kept: %s", e.Context)
			}
		})
	}
}

func TestJunkIDs(t *testing.T) {
	for _, id := range []string{
		"null", "NULL", "undefined", "Undefined", "anonymous", "0", "-1", "none", "nil", "NaN", "guest", "true",
		"[object Object]", "00000000-0000-0000-0000-000000000000", "---", " ", " null ",
	} {
		t.Run("row 23 "+id, func(t *testing.T) {
			_ = reject(t, fmt.Sprintf(`{"type":"page","userId":%q}`, id), "blocked_id", server)
		})
	}
	for _, id := range []string{"10", "0a", "nully", "anonymous1", "-12"} {
		if e := accept(t, fmt.Sprintf(`{"type":"page","userId":%q}`, id), server); e.UserID != id {
			t.Errorf("%q became %q", id, e.UserID)
		}
	}
}

// An exported event says when it was sent long ago; that corrects nothing now.
func TestTimesOfHistory(t *testing.T) {
	history := server
	history.Import = true
	for body, want := range map[string]string{
		`,"timestamp":"2024-01-31T09:00:00Z","sentAt":"2024-01-31T09:00:01Z"`:                                            "2024-01-31T09:00:00Z",
		`,"timestamp":"2024-01-31T09:00:00Z","originalTimestamp":"2024-01-31T10:00:00Z","sentAt":"2024-01-31T10:00:01Z"`: "2024-01-31T09:00:00Z",
		`,"originalTimestamp":"2024-01-31T10:00:00Z"`:                                                                    "2024-01-31T10:00:00Z",
		`,"timestamp":"1997-01-18T00:00:00Z"`:                                                                            "1997-01-18T00:00:00Z",
		`,"timestamp":"1970-01-01T00:00:00Z"`:                                                                            "2026-11-24T12:00:00Z",
		`,"timestamp":"2027-01-01T00:00:00Z"`:                                                                            "2026-11-24T12:00:00Z",
	} {
		e := accept(t, `{"type":"track","event":"E","userId":"u1"`+body+`}`, history)
		if got := e.Timestamp.Format(time.RFC3339Nano); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	cases := []struct {
		name, body, want string // want is the canonical time
		corrected        bool
	}{
		{"none", ``, "2026-11-24T12:00:00Z", false},
		{"as sent", `,"timestamp":"2026-11-24T11:00:00.123Z"`, "2026-11-24T11:00:00.123Z", false},
		{"offset", `,"timestamp":"2026-11-24T13:00:00+02:00"`, "2026-11-24T11:00:00Z", false},
		{"offset without colon", `,"timestamp":"2026-11-24T13:00:00+0200"`, "2026-11-24T11:00:00Z", false},
		{"nanoseconds", `,"timestamp":"2026-11-24T11:00:00.123999971Z"`, "2026-11-24T11:00:00.123Z", false},
		{"milliseconds", `,"timestamp":1795518000123`, "2026-11-24T11:00:00.123Z", false},
		{"empty", `,"timestamp":""`, "2026-11-24T12:00:00Z", false},
		{"originalTimestamp wins", `,"timestamp":"2026-11-24T09:00:00Z","originalTimestamp":"2026-11-24T10:00:00Z"`, "2026-11-24T10:00:00Z", false},
		{"RudderStack's caller wins, as it said", `,"channel":"server","timestamp":"2026-11-24T09:00:00Z","originalTimestamp":"2026-11-24T10:00:00Z","sentAt":"2026-11-24T11:00:00Z"`, "2026-11-24T09:00:00Z", false},
		{"RudderStack's own stamp is corrected", `,"channel":"server","originalTimestamp":"2026-11-24T10:00:00Z","sentAt":"2026-11-24T11:00:00Z"`, "2026-11-24T11:00:00Z", true},
		{"RudderStack's caller does not know the future", `,"channel":"server","timestamp":"2027-11-24T09:00:00Z"`, "2026-11-24T12:00:00Z", true},
		{"transit is no skew", `,"timestamp":"2026-11-24T11:59:50Z","sentAt":"2026-11-24T11:59:50.001Z"`, "2026-11-24T11:59:50Z", false},
		{"ten seconds are skew", `,"timestamp":"2026-11-24T11:59:49Z","sentAt":"2026-11-24T11:59:50Z"`, "2026-11-24T11:59:59Z", true},
		{"clock an hour ahead", `,"timestamp":"2026-11-24T12:59:00Z","sentAt":"2026-11-24T13:00:00Z"`, "2026-11-24T11:59:00Z", true},
		{"history sent now", `,"timestamp":"2020-01-01T00:00:00Z","sentAt":"2026-11-24T12:00:00Z"`, "2020-01-01T00:00:00Z", false},
		{"bad sentAt is left out", `,"timestamp":"2026-11-24T11:00:00Z","sentAt":"25:61"`, "2026-11-24T11:00:00Z", false},
		{"row 50 year 9999", `,"timestamp":"9999-12-31T23:59:59Z"`, "2026-11-24T12:00:00Z", true},
		{"row 50 1970", `,"timestamp":"1970-01-01T00:00:00Z"`, "2026-11-24T12:00:00Z", true},
		{"row 50 minus one", `,"timestamp":-1`, "2026-11-24T12:00:00Z", true},
		{"row 51 late", `,"timestamp":"2026-10-24T12:00:00Z"`, "2026-10-24T12:00:00Z", false},
		{"row 52 a year ahead", `,"timestamp":"2027-11-24T12:00:00Z"`, "2026-11-24T12:00:00Z", true},
		{"reset clock that also sent", `,"timestamp":"1970-01-01T00:00:10Z","sentAt":"1970-01-01T00:00:40Z"`, "2026-11-24T11:59:30Z", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := accept(t, `{"type":"page","userId":"u1"`+c.body+`}`, server)
			if got := e.Timestamp.Format(time.RFC3339Nano); got != c.want || e.TimeCorrected != c.corrected {
				t.Errorf("got %s corrected %v, want %s %v", got, e.TimeCorrected, c.want, c.corrected)
			}
			if _, err := json.Marshal(e); err != nil {
				t.Error(err)
			}
		})
	}
	for name, v := range map[string]string{
		"row 50 25:61": `"25:61"`, "row 50 minus one as text": `"-1"`, "row 50 a word": `"yesterday"`,
		"row 50 a list": `[]`, "row 50 after the calendar": `99999999999999999`, "year 10000 in UTC": `"9999-12-31T23:59:59-12:00"`,
	} {
		t.Run(name, func(t *testing.T) {
			_ = reject(t, `{"type":"page","userId":"u1","timestamp":`+v+`}`, "bad_timestamp", server)
		})
	}
}

func TestFourTimesAreKept(t *testing.T) {
	r := decode(t, `{"sentAt":"2026-11-24T11:00:00Z","batch":[{"type":"page","userId":"u1","timestamp":"2026-11-24T10:00:00.5Z"}]}`, server)
	e := r[0].Event
	want := map[string]string{
		"timestamp": "2026-11-24T11:00:00.5Z", "originalTimestamp": "2026-11-24T10:00:00.5Z", "sentAt": "2026-11-24T11:00:00Z", "receivedAt": "2026-11-24T12:00:00Z",
	}
	got := map[string]string{}
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	for name := range want {
		got[name], _ = fields[name].(string)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestContent(t *testing.T) {
	cases := []struct{ name, body, field, want string }{
		{"identify traits", `"type":"identify","traits":{"b":1,"a":2}`, "traits", `{"a":2,"b":1}`},
		{"identify traits from the context", `"type":"identify","context":{"traits":{"a":1}}`, "traits", `{"a":1}`},
		{"identify with empty traits", `"type":"identify","traits":{},"context":{"traits":{"a":1}}`, "traits", `{}`},
		{"group traits are the group's", `"type":"group","context":{"traits":{"a":1}}`, "traits", ``},
		{"a track declares no traits", `"type":"track","event":"E","traits":{"a":1}`, "traits", ``},
		{"sky in products", `"type":"track","event":"E","properties":{"products":[{"sky":"S","id":"P"},7]}`, "properties", `{"products":[{"product_id":"P","sku":"S"},7]}`},
		{"id of a product event", `"type":"track","event":"Product Added","properties":{"id":"P","sky":"S"}`, "properties", `{"product_id":"P","sku":"S"}`},
		{"id of another event", `"type":"track","event":"Read","properties":{"id":"P"}`, "properties", `{"id":"P"}`},
		{"both names", `"type":"track","event":"E","properties":{"products":[{"id":"1","product_id":"2"}]}`, "properties", `{"products":[{"id":"1","product_id":"2"}]}`},
		{"PHP's empty object", `"type":"track","event":"E","properties":[]`, "properties", ``},
		{"page name", `"type":"page","name":"Home"`, "event", `"Home"`},
		{"page name in the properties", `"type":"page","properties":{"name":"Home"}`, "event", `"Home"`},
		{"row 44 odd names", `"type":"identify","traits":{"__proto__":{"x":1},"$where":"1","a.b":2}`, "traits", `{"$where":"1","__proto__":{"x":1},"a.b":2}`},
		{"row 45 digits stay", `"type":"track","event":"E","properties":{"n":9007199254740993,"z":-0,"f":1.50}`, "properties", `{"f":1.50,"n":9007199254740993,"z":-0}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := accept(t, `{"userId":"u1",`+c.body+`}`, server)
			data, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(data, &fields); err != nil {
				t.Fatal(err)
			}
			if got := string(fields[c.field]); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestRejects(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"t%d":1`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	identify := func(traits string) string { return `{"type":"identify","userId":"u1","traits":` + traits + `}` }
	cases := []struct{ name, body, code, field string }{
		{"no type", `{"userId":"u1"}`, "unknown_type", "type"},
		{"unknown type", `{"userId":"u1","type":"Track"}`, "unknown_type", "type"},
		{"no event", `{"userId":"u1","type":"track"}`, "event_required", "event"},
		{"properties are no object", `{"userId":"u1","type":"page","properties":"x"}`, "not_an_object", "properties"},
		{"message id of 100", `{"userId":"u1","type":"page","messageId":"` + strings.Repeat("é", 100) + `"}`, "bad_message_id", "messageId"},
		{"message id with NUL", `{"userId":"u1","type":"page","messageId":"a\u0000"}`, "bad_message_id", "messageId"},
		{"over 32 KB", `{"userId":"u1","type":"page","properties":{"x":"` + strings.Repeat("x", 32<<10) + `"}}`, "event_too_large", ""},
		{"row 43 101 traits", identify(many(101)), "too_many_traits", "traits"},
		{"row 44 empty trait name", identify(`{"":1}`), "bad_trait_name", "traits"},
		{"row 44 256 characters", identify(`{"` + strings.Repeat("é", 256) + `":1}`), "bad_trait_name", "traits"},
		{"trait over 4 KB", identify(`{"t":"` + strings.Repeat("x", 4<<10) + `"}`), "trait_too_large", "traits.t"},
		{"row 45 1e400", `{"userId":"u1","type":"page","properties":{"n":1e400}}`, "number_out_of_range", "properties.n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if f := reject(t, c.body, c.code, server); f.Field != c.field {
				t.Errorf("field %q, want %q", f.Field, c.field)
			}
		})
	}
	for _, good := range []string{
		identify(many(100)), identify(`{"` + strings.Repeat("é", 255) + `":1}`),
		`{"userId":"u1","type":"page","messageId":"` + strings.Repeat("é", 99) + `"}`,
	} {
		accept(t, good, server)
	}
}

func TestReadRefuses(t *testing.T) {
	batch := func(n int) string {
		return `{"batch":[` + strings.TrimSuffix(strings.Repeat(`{},`, n), ",") + `]}`
	}
	cases := []struct {
		name, body, code string
		kind             fault.Kind
	}{
		{"row 32 2,501 events", batch(2501), "too_many_events", fault.TooLarge},
		{"row 38 truncated", `{"type":"track"`, "bad_json", fault.Malformed},
		{"row 38 truncated batch", `{"batch":[{"type":"track"},{"ty`, "bad_json", fault.Malformed},
		{"row 39 trailing", `{} []`, "bad_json", fault.Malformed},
		{"row 40 duplicate in the only event", `{"userId":"a","userId":"b"}`, "duplicate_or_unknown_field", fault.Malformed},
		{"row 40 folded alone", `{"uſerId":"victim"}`, "duplicate_or_unknown_field", fault.Malformed},
		{"row 40 beside the batch", `{"batch":[],"WriteKey":"x"}`, "duplicate_or_unknown_field", fault.Malformed},
		{"row 41 invalid UTF-8", "{\"userId\":\"\xff\"}", "invalid_utf8", fault.Malformed},
		{"row 42 depth", `{"properties":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, "too_deep", fault.Malformed},
		{"row 46 NaN", `{"properties":{"n":NaN}}`, "bad_json", fault.Malformed},
		{"a list", `[{"type":"track"}]`, "not_an_object", fault.Malformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := event.Read([]byte(c.body))
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != c.code || f.Kind != c.kind {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
	t.Run("row 32 2,500 events", func(t *testing.T) {
		if _, err := event.Read([]byte(batch(2500))); err != nil {
			t.Error(err)
		}
	})
}

// One bad event never spoils the others of its batch, whatever is wrong with it.
func TestBatchJudgesEachEvent(t *testing.T) {
	bad := map[string]string{
		"row 33 no event name":  `{"type":"track","userId":"u1"}`,
		"row 40 duplicate":      `{"type":"page","userId":"u1","userId":"u2"}`,
		"row 40 folded":         `{"type":"page","userId":"u1","USERID":"u2"}`,
		"row 40 folded alone":   `{"type":"page","userId":"u1","TYPE":"x"}`,
		"row 41 invalid UTF-8":  "{\"type\":\"page\",\"userId\":\"\xff\"}",
		"row 28 lone surrogate": `{"type":"page","userId":"\ud800"}`,
		"row 42 depth 9,000":    `{"type":"page","userId":"u1","properties":{"a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}}`,
		"row 43 30,000 keys":    `{"type":"page","userId":"u1","properties":{` + strings.TrimSuffix(strings.Repeat(`"a":1,`, 30_000), ",") + `}}`,
		"row 45 1e400":          `{"type":"page","userId":"u1","properties":{"a":1e400}}`,
		"a string":              `"+30 more"`,
		"null":                  `null`,
	}
	for name, b := range bad {
		t.Run(name, func(t *testing.T) {
			good := `{"type":"page","userId":"u1","messageId":"m%d"}`
			q, err := event.Read([]byte(`{"batch":[` + fmt.Sprintf(good, 1) + `,` + b + `,` + fmt.Sprintf(good, 2) + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			r := q.Decode("", server)
			if r[0].Event == nil || r[1].Fault == nil || r[2].Event == nil || r[2].Index != 2 || r[2].MessageID != "m2" {
				t.Errorf("%+v", r)
			}
		})
	}
}
