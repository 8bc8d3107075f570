package event_test

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/event"
	"rapport/shared/person"
)

func decode(t *testing.T, body string, s event.Sender) []event.Result {
	t.Helper()
	q, err := event.Read([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return q.Decode("", s)
}

func TestMerging(t *testing.T) {
	r := decode(t, `{"context":{"library":{"name":"l"},"ip":"1.1.1.1"},"integrations":{"All":true},"sentAt":"2026-11-24T11:00:00Z","batch":[
		{"type":"page","userId":"u1","timestamp":"2026-11-24T10:00:00Z"},
		{"type":"page","userId":"u1","context":{"ip":"2.2.2.2"},"integrations":{"X":1},"sentAt":"2026-11-24T11:30:00Z","timestamp":"2026-11-24T10:00:00Z"},
		{"type":"page","userId":"u1","context":{"proof":"p"}}]}`, server)
	for i, want := range []struct{ context, integrations, at string }{
		{`{"ip":"1.1.1.1","library":{"name":"l"}}`, `{"All":true}`, "11:00"},
		{`{"ip":"2.2.2.2","library":{"name":"l"}}`, `{"All":true,"X":1}`, "10:30"},
		{`{"ip":"1.1.1.1","library":{"name":"l"}}`, `{"All":true}`, "12:00"},
	} {
		e := r[i].Event
		if string(e.Context) != want.context || string(e.Integrations) != want.integrations || e.Timestamp.Format("15:04") != want.at {
			t.Errorf("%d: %s %s %s", i, e.Context, e.Integrations, e.Timestamp)
		}
	}
}

// What the batch says for all its events counts for each, so a large head
// cannot make little events large.
func TestHeavyHead(t *testing.T) {
	body := `{"context":{"x":"` + strings.Repeat("x", 40<<10) + `"},"batch":[{"type":"page","userId":"u1"}]}`
	if r := decode(t, body, server); r[0].Fault == nil || r[0].Fault.Code != "event_too_large" {
		t.Errorf("%+v", r[0])
	}
	half := strings.Repeat("x", 20<<10)
	body = `{"context":{"x":"` + half + `"},"batch":[{"type":"page","userId":"u1","properties":{"y":"` + half + `"}}]}`
	if r := decode(t, body, server); r[0].Fault == nil || r[0].Fault.Code != "event_too_large" {
		t.Errorf("%+v", r[0])
	}
}

// A large head is not copied for each of many events.
func TestHeavyHeadCostsOnce(t *testing.T) {
	q, err := event.Read([]byte(`{"context":{"x":"` + strings.Repeat("x", 1<<20) + `"},"batch":[` +
		strings.TrimSuffix(strings.Repeat(`{"type":"page","userId":"u1"},`, 200), ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	q.Decode("", server)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 30<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}

func TestIntegrations(t *testing.T) {
	for integrations, declined := range map[string]bool{
		`{}`: false, `{"All":true}`: false, `{"All":false}`: true, `{"All":false,"Mixpanel":true}`: true,
		`{"All":false,"Rapport":true}`: false, `{"All":false,"Rapport":{"x":1}}`: false, `{"Rapport":false}`: true,
		`{"All":false,"Rapport":null}`: true, `{"All":"false"}`: false,
	} {
		r := one(t, `{"type":"page","userId":"u1","messageId":"m1","integrations":`+integrations+`}`, server)
		if (r.Declined != nil) != declined || (r.Event != nil) == declined || r.MessageID != "m1" {
			t.Errorf("%s: %+v", integrations, r)
		}
		if declined && r.Declined.Code != "integration_off" {
			t.Error(r.Declined.Code)
		}
	}
}

func TestReservedTraits(t *testing.T) {
	s := server
	s.Reserved = func(name string) bool { return name == "clv" }
	e := accept(t, `{"type":"identify","userId":"u1","traits":{"clv":9,"plan":"pro"}}`, s)
	if string(e.Traits) != `{"plan":"pro"}` || cmp.Diff(e.Verdicts, []string{"reserved_trait"}) != "" {
		t.Errorf("row 48: %s %v", e.Traits, e.Verdicts)
	}
	if e := accept(t, `{"type":"identify","userId":"u1","traits":{"plan":"pro"}}`, s); e.Verdicts != nil {
		t.Errorf("verdicts %v", e.Verdicts)
	}
	if e := accept(t, `{"type":"group","userId":"u1","groupId":"g","traits":{"clv":9}}`, s); string(e.Traits) != `{"clv":9}` {
		t.Errorf("a group's own trait is gone: %s", e.Traits)
	}
}

func TestSenderMarksEvents(t *testing.T) {
	e := accept(t, `{"type":"page","userId":"u1"}`, event.Sender{Trusted: true, Import: true, ReceivedAt: noon})
	if !e.Trusted || !e.Imported || !e.ReceivedAt.Equal(noon) {
		t.Errorf("%+v", e)
	}
	if e := accept(t, `{"type":"page","anonymousId":"`+anon+`"}`, browser); e.Trusted || e.Imported {
		t.Errorf("%+v", e)
	}
}

func TestPathType(t *testing.T) {
	q, err := event.Read([]byte(`{"userId":"u1","event":"E"}`))
	if err != nil {
		t.Fatal(err)
	}
	if r := q.Decode(event.Track, server); r[0].Event == nil || r[0].Event.Type != event.Track {
		t.Errorf("%+v", r[0])
	}
	if r := decode(t, `{"userId":"u1","type":"page","event":"E"}`, server); r[0].Event.Type != event.Page {
		t.Error("the body's own type does not win")
	}
}

func TestProofIsVerifiedOnce(t *testing.T) {
	calls := 0
	s := browser
	s.ProvenUser = func(string) (string, error) { calls++; return "u1", nil }
	events := strings.TrimSuffix(strings.Repeat(`{"type":"page","userId":"u1"},`, 50), ",")
	for _, r := range decode(t, `{"context":{"proof":"p"},"batch":[`+events+`]}`, s) {
		if r.Event == nil || r.Event.UserID != "u1" {
			t.Fatalf("%+v", r)
		}
	}
	if calls != 1 {
		t.Errorf("verified %d times", calls)
	}
}

func TestWriteKey(t *testing.T) {
	for body, want := range map[string]string{
		`{"type":"page","writeKey":"k"}`: "k", `{"batch":[],"writeKey":"k"}`: "k", `{"writeKey":1}`: "", `{}`: "",
		`{"batch":[` + strings.TrimSuffix(strings.Repeat("1,", 2501), ",") + `],"writeKey":"k"}`: "k",
	} {
		if q, _ := event.Read([]byte(body)); q.WriteKey != want {
			t.Errorf("%.40s: %q", body, q.WriteKey)
		}
	}
}

// Packing loses nothing, keeps each node's order and stays within the limit.
func TestPack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []event.Event
		for i := range rapid.IntRange(0, 10).Draw(t, "events") {
			e := event.Event{
				MessageID: fmt.Sprint(i), Type: event.Page, ReceivedAt: noon, Timestamp: noon, Digest: "d",
				AnonymousID: fmt.Sprint("a", rapid.IntRange(0, 5).Draw(t, "node")),
			}
			if size := rapid.SampledFrom([]int{0, 0, 10, 30_000, 64_000}).Draw(t, "size"); size > 0 {
				e.Properties = []byte(`{"x":"` + strings.Repeat("<", size) + `"}`)
			}
			in = append(in, e)
		}
		messages, err := event.Pack(in)
		if err != nil {
			t.Fatal(err)
		}
		byNode := map[person.NodeID][]string{}
		total := 0
		for _, m := range messages {
			if len(m) > event.MaxParcel {
				t.Fatalf("a message of %d bytes", len(m))
			}
			total += len(m)
			out, err := event.Unpack(m)
			if err != nil || len(out) == 0 {
				t.Fatal(out, err)
			}
			for _, e := range out {
				byNode[e.Node()] = append(byNode[e.Node()], e.MessageID+string(e.Properties))
			}
		}
		want := map[person.NodeID][]string{}
		for _, e := range in {
			want[e.Node()] = append(want[e.Node()], e.MessageID+string(e.Properties))
		}
		if !maps.EqualFunc(want, byNode, slices.Equal) {
			t.Fatal("events are lost, altered or out of order")
		}
		// Two neighbours never fit into one message, so at least half is used.
		if most := 2*total/(event.MaxParcel-70_000) + 1; len(messages) > most {
			t.Fatalf("%d messages for %d bytes", len(messages), total)
		}
	})
}

func TestPackGroupsByNode(t *testing.T) {
	in := []event.Event{{MessageID: "1", AnonymousID: "a"}, {MessageID: "2", AnonymousID: "b"}, {MessageID: "3", AnonymousID: "a"}}
	messages, err := event.Pack(in)
	if err != nil || len(messages) != 1 {
		t.Fatal(messages, err)
	}
	out, err := event.Unpack(messages[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := out[0].MessageID + out[1].MessageID + out[2].MessageID; got != "132" {
		t.Errorf("order %s", got)
	}
	if n := strings.Count(messages[0], `"node"`); n != 2 {
		t.Errorf("%d groups", n)
	}
}

func TestUnpackRefuses(t *testing.T) {
	for _, bad := range []string{"", "x", `{"groups":1}`, `{"groups":[{"events":[1]}]}`} {
		if _, err := event.Unpack(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// Whatever strangers send, nothing panics, every event gets one result, and what
// is accepted has a node, an id and a digest, packs, and reads back the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"type":"track","event":"E","userId":"u1","properties":{"products":[{"id":1,"sky":2}]}}`,
		`{"batch":[{"type":"identify","anonymousId":"0123456789abcdef","traits":{"a":1}},3],"context":{"proof":"x"},"sentAt":1}`,
		`{"type":"alias","userId":"a","previousId":"a","anonymousId":"0123456789abcdef"}`, `{"batch":{}}`, `{"timestamp":-1,"type":"page","userId":0.0}`,
		`{"type":"page","name":"\u2028","userId":"\ud83d\ude00","messageId":7,"integrations":{"All":false}}`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, trusted bool) {
		q, err := event.Read(body)
		if err != nil {
			return
		}
		s := browser
		s.Trusted = trusted
		var events []event.Event
		for i, r := range q.Decode(event.Track, s) {
			set := 0
			for _, is := range []bool{r.Event != nil, r.Fault != nil, r.Declined != nil} {
				if is {
					set++
				}
			}
			if set != 1 || r.Index != i {
				t.Fatalf("%+v", r)
			}
			if e := r.Event; e != nil {
				if e.Node().IsZero() || e.MessageID == "" || e.Digest == "" || e.Timestamp.After(e.ReceivedAt) {
					t.Fatalf("%+v", e)
				}
				events = append(events, *e)
			}
		}
		readBack(t, events)
	})
}

func readBack(t *testing.T, events []event.Event) {
	t.Helper()
	messages, err := event.Pack(events)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range messages {
		out, err := event.Unpack(m)
		if err != nil || len(m) > event.MaxParcel {
			t.Fatal(len(m), err)
		}
		n += len(out)
		for _, e := range out {
			if e.Node().IsZero() {
				t.Fatalf("%+v", e)
			}
		}
	}
	if n != len(events) {
		t.Fatalf("%d of %d events came back", n, len(events))
	}
}
