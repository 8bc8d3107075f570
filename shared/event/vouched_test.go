package event_test

import (
	"slices"
	"strings"
	"testing"

	"rapport/shared/event"
	"rapport/shared/person"
)

// judged decodes one event of a server or a browser.
func judged(t *testing.T, body string, trusted bool) event.Result {
	t.Helper()
	q, err := event.Read([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return q.Decode(event.Track, event.Sender{Trusted: trusted, ReceivedAt: noon})[0]
}

func TestVouchedIdentities(t *testing.T) {
	const device = `"anonymousId":"2b7e1516-28ae-4d2a-abf7-158809cf4f3c"`
	externals := `"context":{"externalIds":[{"id":"7","type":"order","collection":"users","encoding":"none"},{"id":8,"type":"crm"}]}`
	for name, c := range map[string]struct {
		body   string
		want   string // node, anchor, then what is given to it
		remark string
	}{
		"an address alone":                {`{"event":"E","context":{"traits":{"email":" Customer@EXAMPLE.com "}}}`, "email:Customer@example.com email:Customer@example.com", ""},
		"an external id alone":            {`{"event":"E",` + externals + `}`, "external:crm:8 external:crm:8 external:order:7", ""},
		"an address beside a user":        {`{"type":"identify","userId":"u","traits":{"email":"a@b.example"}}`, "userId:u userId:u email:a@b.example", ""},
		"an address beside a device":      {`{"type":"identify",` + device + `,"traits":{"email":"a@b.example"}}`, "anonymousId:2b7e1516-28ae-4d2a-abf7-158809cf4f3c email:a@b.example anonymousId:2b7e1516-28ae-4d2a-abf7-158809cf4f3c", ""},
		"an order on a device":            {`{"event":"E",` + device + `,"context":{"externalIds":[{"id":"7","type":"order"}]}}`, "anonymousId:2b7e1516-28ae-4d2a-abf7-158809cf4f3c anonymousId:2b7e1516-28ae-4d2a-abf7-158809cf4f3c external:order:7", ""},
		"an address among external ids":   {`{"event":"E","context":{"externalIds":[{"id":"a@b.example","type":"email"}]}}`, "email:a@b.example email:a@b.example", ""},
		"a company's address is no one's": {`{"type":"group","groupId":"g","userId":"u","traits":{"email":"info@b.example"}}`, "userId:u userId:u", ""},
		"no address":                      {`{"type":"identify","userId":"u","traits":{"email":"ask me"}}`, "userId:u userId:u", ""},
		"an address of nobody":            {`{"type":"identify","userId":"u","traits":{"email":"null@b.example"}}`, "userId:u userId:u", ""},
		"a number":                        {`{"type":"identify","userId":"u","traits":{"email":5}}`, "userId:u userId:u", ""},
		"another collection":              {`{"event":"E","userId":"u","context":{"externalIds":[{"id":"7","type":"order","collection":"accounts"}]}}`, "userId:u userId:u", ""},
		"junk among external ids":         {`{"event":"E","userId":"u","context":{"externalIds":[{"id":"null","type":"order"},{"id":"7","type":"a:b"},5]}}`, "userId:u userId:u", event.BlockedID},
	} {
		t.Run(name, func(t *testing.T) {
			r := judged(t, c.body, true)
			if r.Event == nil {
				t.Fatal(r.Fault)
			}
			list := append([]person.NodeID{r.Event.Node(), r.Event.Anchor()}, r.Event.Named()...)
			var got []string
			for _, id := range list {
				got = append(got, id.String())
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
			if (c.remark != "") != slices.Contains(r.Event.Verdicts, event.BlockedID) {
				t.Errorf("verdicts %v", r.Event.Verdicts)
			}
		})
	}
}

// TestBrowsersVouchForNothing: an address or number that a browser states joins
// nothing, and is no identity to count in.
func TestBrowsersVouchForNothing(t *testing.T) {
	const said = `"traits":{"email":"victim@example.com"},"context":{"traits":{"email":"victim@example.com"},"hops":1,"externalIds":[{"id":"7","type":"order"}]}`
	r := judged(t, `{"type":"identify","anonymousId":"2b7e1516-28ae-4d2a-abf7-158809cf4f3c",`+said+`}`, false)
	if r.Event == nil || r.Event.Email != "" || len(r.Event.ExternalIDs) > 0 || len(r.Event.Nodes()) != 1 || r.Event.Hops != 0 {
		t.Errorf("%+v %v", r.Event, r.Fault)
	}
	if r = judged(t, `{"type":"identify",`+said+`}`, false); r.Fault == nil || r.Fault.Code != "no_user_anon_id" {
		t.Errorf("%+v %v", r.Event, r.Fault)
	}
}

func TestVouchedLimits(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat(`{"id":"N","type":"order"},`, 11), ",")
	for i := range 11 {
		many = strings.Replace(many, "N", string(rune('a'+i)), 1)
	}
	for body, code := range map[string]string{
		`{"event":"E","context":{"externalIds":[` + many + `]}}`: "too_many_external_ids",
		`{"event":"E","userId":"u","context":{"hops":6}}`:        "event_loop",
		`{"event":"E","userId":"u","context":{"hops":"x"}}`:      "bad_hops",
		`{"event":"E","userId":"u","context":{"hops":-1}}`:       "bad_hops",
	} {
		if r := judged(t, body, true); r.Fault == nil || r.Fault.Code != code {
			t.Errorf("%s: %v, want %s", body, r.Fault, code)
		}
	}
	if r := judged(t, `{"event":"E","userId":"u","context":{"hops":5}}`, true); r.Event == nil || r.Event.Hops != 5 {
		t.Errorf("five hops: %v", r.Fault)
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"a@B.Example": "a@b.example", " A.b+c@x.example\n": "A.b+c@x.example", "a@b": "", "@b.example": "", "a@.example": "", "a@b.": "",
		"a b@c.example": "", "a@b@c.example": "", "none@x.example": "", "x@y.example>": "", "": "", "a\u202e@b.example": "",
	} {
		if got := person.Address(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
