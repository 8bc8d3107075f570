package report_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/functions/report"
	"rapport/shared/access"
	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

const (
	tablet = "/v1/people/anonymousId:device-1234567890"
	u1     = "/v1/people/userId:u1"
)

// heard is a bus that remembers what it took; while down it takes nothing.
type heard struct {
	effects []people.Effect
	down    bool
}

func (h *heard) Publish(_ context.Context, effects []people.Effect) error {
	if h.down {
		return fault.New(fault.Unavailable, "bus_down", "try again")
	}
	h.effects = append(h.effects, effects...)
	return nil
}

func (h *heard) list() []string {
	var out []string
	for _, e := range h.effects {
		out = append(out, e.Node+" "+string(e.Kind)+" "+e.Audience+string(e.Stage))
	}
	slices.Sort(out)
	return out
}

func TestSplitStatus(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, key, body string
		status                  int
		has                     string
	}{
		"why without a key":          {"GET", u1 + "/why", "", "", 401, "no_key"},
		"row 3 why, write key":       {"GET", u1 + "/why", "demo-write", "", 403, "secret_key_required"},
		"why of nobody":              {"GET", "/v1/people/userId:u9/why", "demo-secret", "", 404, "no_person"},
		"why of no node":             {"GET", "/v1/people/u1/why", "demo-secret", "", 422, `"field":"node"`},
		"row 3 split, write key":     {"POST", u1 + "/split", "demo-write", "", 403, "secret_key_required"},
		"split of nobody":            {"POST", "/v1/people/userId:u9/split", "demo-secret", "", 404, "no_person"},
		"split with a word too many": {"POST", u1 + "/split", "demo-secret", `{"lift":true}`, 400, `"field":"lift"`},
		"split by GET":               {"GET", u1 + "/split", "demo-secret", "", 405, "method_not_allowed"},
		"row 3 lift, write key":      {"DELETE", u1 + "/split", "demo-write", "", 403, "secret_key_required"},
		"lift of nobody":             {"DELETE", "/v1/people/userId:u9/split", "demo-secret", "", 404, "no_person"},
		"lift of what is whole":      {"DELETE", u1 + "/split", "demo-secret", "", 200, `"refused":[]`},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := call(serve(t), c.method, c.path, c.key, c.body)
			if status != c.status || !strings.Contains(body, c.has) {
				t.Errorf("%d %s, want %d with %s", status, body, c.status, c.has)
			}
		})
	}
}

// The story of a wrong merge: seen, split, named together again by the server's
// own events, and lifted.
func TestUndoAMerge(t *testing.T) {
	bus := &heard{}
	h, fold := serveWith(t, bus)
	const edge = `{"from":"anonymousId:device-1234567890","to":"userId:u1","rule":"identify","messageId":"m2","at":"2026-11-24T12:00:00Z"`
	if _, body := get(h, tablet+"/why", "demo-secret"); !strings.Contains(body, `"edges":[`+edge+`}],"refused":[],"path":[`+edge+`}]`) {
		t.Errorf("why = %s", body)
	}
	if _, body := get(h, u1+"/why", "demo-secret"); !strings.Contains(body, `"edges":[`+edge+`}],"refused":[],"path":[]`) {
		t.Errorf("why = %s", body)
	}
	_, before := get(h, u1, "demo-secret")

	bus.down = true
	if status, body := call(h, "POST", tablet+"/split", "demo-secret", "{}"); status != 503 {
		t.Errorf("split while the bus is down: %d %s", status, body)
	}
	bus.down = false
	_, first := call(h, "POST", tablet+"/split", "demo-secret", "")
	_, again := call(h, "POST", tablet+"/split", "demo-secret", "")
	if first != again || !strings.Contains(first, `"edges":[],"refused":[`+edge+`,"reason":"split"}],"path":[]`) {
		t.Errorf("split = %s\n%s", first, again)
	}
	if _, body := get(h, u1+"/why", "demo-secret"); !strings.Contains(body, `"edges":[],"refused":[`+edge+`,"reason":"split"}],"path":[]`) {
		t.Errorf("why of the other side = %s", body)
	}
	if _, body := get(h, tablet, "demo-secret"); !strings.Contains(body, `"pages":1`) || strings.Contains(body, "UA") {
		t.Errorf("the device = %s", body)
	}
	if _, body := get(h, u1, "demo-secret"); !strings.Contains(body, `"pages":0`) || !strings.Contains(body, "vip") {
		t.Errorf("the user = %s", body)
	}

	fold(event.Event{
		MessageID: "m4", Type: event.Identify, AnonymousID: "device-1234567890", UserID: "u1", Trusted: true,
		Timestamp: noon, ReceivedAt: noon, Digest: "4",
	})
	if _, body := get(h, u1+"/timeline", "demo-secret"); !strings.Contains(body, `"verdict":"merge_refused"`) {
		t.Errorf("timeline = %s", body)
	}
	if _, body := get(h, tablet, "demo-secret"); strings.Contains(body, "userId:u1") {
		t.Errorf("an event of the server joined again: %s", body)
	}
	for range 2 {
		if _, body := call(h, "DELETE", tablet+"/split", "demo-secret", ""); !strings.Contains(body, `"refused":[],"path":[`+edge+`}]`) {
			t.Errorf("lifted = %s", body)
		}
	}
	if _, after := get(h, u1, "demo-secret"); after != before {
		t.Errorf("lifted:\n%s\nwant\n%s", after, before)
	}
}

// What a split changes of audiences goes out, under the same ids when it is
// repeated because the first answer was lost.
func TestASplitIsHeard(t *testing.T) {
	bus := &heard{}
	h, _ := serveWith(t, bus)
	split := func() {
		if status, body := call(h, http.MethodPost, tablet+"/split", "demo-secret", ""); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	split()
	want := []string{
		"anonymousId:device-1234567890 Audience Entered new-visitor",
		"anonymousId:device-1234567890 Audience Left from-ukraine", "anonymousId:device-1234567890 Audience Left vip",
		"anonymousId:device-1234567890 Stage Entered visitor",
	}
	if got := bus.list(); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	once := slices.Clone(bus.effects)
	bus.effects = nil
	split()
	if a, b := asText(t, once), asText(t, bus.effects); a != b {
		t.Errorf("repeated:\n%s\nwant\n%s", b, a)
	}
}

func asText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A device of two customers: what the second was refused is seen from there, in
// whichever order the two came.
func TestWhyShowsWhatWasRefused(t *testing.T) {
	h, fold := serveWith(t, &heard{})
	fold(event.Event{
		MessageID: "m5", Type: event.Identify, AnonymousID: "device-1234567890", UserID: "u2",
		Timestamp: noon.Add(1), ReceivedAt: noon, Digest: "5",
	})
	_, body := get(h, "/v1/people/userId:u2/why", "demo-secret")
	const want = `"edges":[],"refused":[{"from":"anonymousId:device-1234567890","to":"userId:u2","rule":"identify",` +
		`"messageId":"m5","at":"2026-11-24T12:00:00.000000001Z","reason":"merge_refused"}],"path":[]}`
	if !strings.HasSuffix(body, want) {
		t.Errorf("why = %s", body)
	}
}

// slow is a store whose splits take three commits.
type slow struct {
	report.People
	bus   *heard
	steps int
	t     *testing.T
}

func (s *slow) Split(context.Context, *strategy.Strategy, person.NodeID) ([]people.Effect, bool, error) {
	if len(s.bus.effects) != s.steps {
		s.t.Errorf("step %d began while %d were out", s.steps, len(s.bus.effects))
	}
	s.steps++
	return []people.Effect{{Kind: people.AudienceLeft}}, s.steps < 3, nil
}

func (s *slow) Find(context.Context, person.NodeID) (*person.Person, error) {
	return person.New(person.NodeID{Kind: person.UserID, Value: "u1"}, noon), nil
}

func (s *slow) Why(context.Context, *strategy.Strategy, *person.Person, person.NodeID) (*people.Evidence, error) {
	return &people.Evidence{}, nil
}

func TestEachStepIsOutBeforeTheNext(t *testing.T) {
	bus := &heard{}
	store := &slow{bus: bus, t: t}
	keys, err := access.NewKeys([]string{"demo-write"}, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	h := report.New(report.Deps{People: store, Strategy: fixed{}, Keys: keys, Outlet: people.Outlet{Bus: bus}, Now: func() time.Time { return noon }})
	if status, body := call(h, http.MethodPost, u1+"/split", "demo-secret", ""); status != 200 || len(bus.effects) != 3 {
		t.Errorf("%d %s after %d effects", status, body, len(bus.effects))
	}
}
