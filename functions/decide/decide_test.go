package decide_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/functions/decide"
	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

func device(id string) string {
	return person.NodeID{Kind: person.AnonymousID, Value: id}.Hash()
}

// Who is served, by which unit, at what price.
func TestWhoIsServed(t *testing.T) {
	h := decide.New(deps(t))
	u1 := proof(t, "u1")
	stranger := proof(t, "u9")
	cases := []struct {
		name, key, body string
		hero, unit      string
		reads           int
	}{
		{"no ids", "demo-write", `{}`, "hero-any", "", 0},
		{"empty body", "demo-write", ``, "hero-any", "", 0},
		{"never seen", "demo-write", `{"anonymousId":"` + nobody + `"}`, "hero-any", device(nobody), 1},
		{"a device", "demo-write", `{"anonymousId":"` + phone + `"}`, "hero-ua", device(phone), 1},
		{"a device that joined a user", "demo-write", `{"anonymousId":"` + laptop + `"}`, "hero-buyer", device(laptop), 1},
		{"proven", "demo-write", `{"userId":"u1","proof":"` + u1 + `"}`, "hero-buyer", device(laptop), 2},
		{"proven by the proof alone", "demo-write", `{"proof":"` + u1 + `"}`, "hero-buyer", device(laptop), 2},
		{"proven, on somebody else's device", "demo-write", `{"anonymousId":"` + phone + `","proof":"` + u1 + `"}`, "hero-buyer", device(laptop), 2},
		{"proven, but new, on a known device", "demo-write", `{"anonymousId":"` + phone + `","proof":"` + stranger + `"}`, "hero-any", device(phone), 1},
		{"proven, but new", "demo-write", `{"proof":"` + stranger + `"}`, "hero-any", person.NodeID{Kind: person.UserID, Value: "u9"}.Hash(), 1},
		{"user id of a server", "demo-secret", `{"userId":"u1","anonymousId":"` + phone + `"}`, "hero-buyer", device(laptop), 2},
		{"anonymous id of a server", "demo-secret", `{"anonymousId":"` + phone + `"}`, "hero-ua", device(phone), 1},
		{"row 27 short id of a server", "demo-secret", `{"anonymousId":"a1"}`, "hero-any", device("a1"), 1},
		{"row 27 short id", "demo-write", `{"anonymousId":"a1"}`, "hero-any", "", 0},
		{"row 27 fifteen bytes", "demo-write", `{"anonymousId":"123456789012345"}`, "hero-any", "", 0},
		{"row 27 sixteen bytes", "demo-write", `{"anonymousId":"1234567890123456"}`, "hero-any", device("1234567890123456"), 1},
		{"row 27 filled up with spaces", "demo-write", `{"anonymousId":"null            "}`, "hero-any", "", 0},
		{"row 23 zero UUID", "demo-write", `{"anonymousId":"00000000-0000-0000-0000-000000000000"}`, "hero-any", "", 0},
		{"row 28 control character", "demo-write", `{"anonymousId":"2b7e1516-28ae-4d2a\u0000"}`, "hero-any", "", 0},
		{"row 28 direction character", "demo-write", `{"anonymousId":"2b7e1516-28ae-4d2a\u202e"}`, "hero-any", "", 0},
		{"row 28 isolating character", "demo-write", `{"anonymousId":"2b7e1516-28ae-4d2a\u2066"}`, "hero-any", "", 0},
		{"row 28 513 bytes", "demo-write", `{"anonymousId":"` + strings.Repeat("a1", 256) + `b"}`, "hero-any", "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := post(h, c.key, c.body)
			a := got.read(t)
			d := a.Decisions[1]
			if d.Slot != "hero" || d.Block != c.hero {
				t.Errorf("%s shows %s, want %s", d.Slot, d.Block, c.hero)
			}
			receipt, err := decision.Verify(decision.Keys(secret), d.Receipt)
			if want := decision.Keys(secret).Holder(c.unit); err != nil || receipt.Holder != want {
				t.Errorf("receipt %+v (%v) is not held by %q", receipt, err, c.unit)
			}
			if got.reads != c.reads || got.writes != 0 {
				t.Errorf("%d reads and %d writes, want %d and 0", got.reads, got.writes, c.reads)
			}
			if explained := a.Person != nil || d.Explain != nil || d.Policy != ""; explained != (c.key == "demo-secret") {
				t.Errorf("explained: %v", got.body)
			}
		})
	}
}

// Whatever user id a stranger sends without a proof, the answer is byte for byte
// the one without it, and so is the work done.
func TestUnprovenUserIDChangesNothing(t *testing.T) {
	h := decide.New(deps(t))
	for _, id := range []string{"", phone, laptop, nobody, "a1", "00000000-0000-0000-0000-000000000000"} {
		want := post(h, "demo-write", `{"anonymousId":"`+id+`"}`)
		if want.status != http.StatusOK {
			t.Fatal(want.body)
		}
		for _, user := range []string{"u1", "u9", "", "null", "\\u0000", strings.Repeat("u", 5000), phone} {
			got := post(h, "demo-write", `{"anonymousId":"`+id+`","userId":"`+user+`"}`)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(reply{})); diff != "" {
				t.Errorf("row 12: %q as %.20q: %s", id, user, diff)
			}
		}
	}
}

func TestSlots(t *testing.T) {
	h := decide.New(deps(t))
	for name, c := range map[string]struct{ slots, want string }{
		"all, by id":         {``, "banner-red hero-ua"},
		"null is all":        {`,"slots":null`, "banner-red hero-ua"},
		"in the order asked": {`,"slots":["hero","banner"]`, "hero-ua banner-red"},
		"twice":              {`,"slots":["hero","banner","hero"]`, "hero-ua banner-red"},
		"none":               {`,"slots":[]`, ""},
		"by context":         {`,"context":{"page":"checkout"}`, "banner-help hero-ua"},
		"by other context":   {`,"context":{"page":"home"}`, "banner-red hero-ua"},
		"null context":       {`,"context":null`, "banner-red hero-ua"},
	} {
		t.Run(name, func(t *testing.T) {
			got := post(h, "demo-write", `{"anonymousId":"`+phone+`"`+c.slots+`}`)
			if blocks := got.blocks(t); blocks != c.want {
				t.Errorf("got %s, want %s", blocks, c.want)
			}
		})
	}
	if got := post(h, "demo-write", `{"slots":[]}`); !strings.HasPrefix(got.body, `{"decisions":[],`) {
		t.Errorf("no slots: %s", got.body)
	}
}

func TestAnswer(t *testing.T) {
	got := post(decide.New(deps(t)), "demo-write", `{"anonymousId":"`+phone+`","slots":["hero"]}`)
	a := got.read(t)
	receipt, err := decision.Verify(decision.Keys(secret), a.Decisions[0].Receipt)
	want := decision.Receipt{
		Slot: "hero", Block: "hero-ua", Policy: decision.Rule, Probability: 1,
		Strategy: "0123456789ab", Minute: noon, Holder: decision.Keys(secret).Holder(device(phone)),
	}
	if diff := cmp.Diff(want, receipt); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if body := `{"decisions":[{"slot":"hero","block":"hero-ua","content":{"title":"hero-ua & <more>"},"receipt":"` +
		a.Decisions[0].Receipt + `"}],"strategy":"0123456789ab"}` + "\n"; got.body != body {
		t.Errorf("answer is %s, want %s", got.body, body)
	}
	for name, want := range map[string]string{
		"Cache-Control": "private, no-store", "Content-Type": "application/json", "Rapport-Degraded": "",
		"Server-Timing": "prepare;dur=0.0, people;dur=0.0, decide;dur=0.0",
	} {
		if got := got.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestExplain(t *testing.T) {
	a := post(decide.New(deps(t)), "demo-secret", `{"userId":"u1","slots":["hero"]}`).read(t)
	d := a.Decisions[0]
	if d.Policy != "rule" || d.Probability != 1 || len(d.Explain) != 3 {
		t.Errorf("decision %+v", d)
	}
	var told []string
	for _, c := range d.Explain {
		told = append(told, c.Block+" "+c.Reason+" "+c.Audience)
	}
	if diff := cmp.Diff([]string{"hero-buyer chosen buyer", "hero-ua audience ukraine", "hero-any unneeded "}, told); diff != "" {
		t.Error(diff)
	}
	if d.Explain[1].Why == "" {
		t.Error("does not say why hero-ua was removed")
	}
	p := a.Person
	if p == nil || p.Node != "userId:u1" || p.Unit != device(laptop) || !p.Known || p.Reads != 2 || !cmp.Equal(p.Audiences, []string{"buyer"}) {
		t.Errorf("person %+v", p)
	}
}

// A visitor who signs in keeps what was drawn for the device.
func TestSplitStays(t *testing.T) {
	h := decide.New(deps(t))
	before := post(h, "demo-write", `{"anonymousId":"`+laptop+`","slots":["banner"]}`).blocks(t)
	after := post(h, "demo-write", `{"anonymousId":"`+phone+`","proof":"`+proof(t, "u1")+`","slots":["banner"]}`).blocks(t)
	if before != after {
		t.Errorf("%s became %s", before, after)
	}
}

// While people cannot be read, everybody gets the default content, and nobody
// holds the receipts.
func TestPeopleCannotBeRead(t *testing.T) {
	hang := func(ctx context.Context, _ person.NodeID) (*person.Person, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	fail := func(context.Context, person.NodeID) (*person.Person, error) { return nil, errors.New("down") }
	d := deps(t)
	for name, find := range map[string]findFunc{"hanging": hang, "failing": fail} {
		synctest.Test(t, func(t *testing.T) {
			d := d
			d.People = find
			began := time.Now()
			got := post(decide.New(d), "demo-secret", `{"anonymousId":"`+phone+`","context":{"page":"checkout"}}`)
			if waited := time.Since(began); waited > 400*time.Millisecond {
				t.Errorf("%s: waited %v", name, waited)
			}
			if blocks := got.blocks(t); blocks != "banner-any hero-any" || got.header.Get("Rapport-Degraded") != "people" {
				t.Errorf("%s: %s %v", name, blocks, got.header)
			}
			if !strings.Contains(got.body, `"audiences":[]`) {
				t.Errorf("%s: %s", name, got.body)
			}
			for _, one := range got.read(t).Decisions {
				receipt, err := decision.Verify(decision.Keys(secret), one.Receipt)
				if err != nil || receipt.Holder != "" || receipt.Policy != decision.Fallback {
					t.Errorf("%s: receipt %+v, %v", name, receipt, err)
				}
			}
		})
	}
}

func TestStrategyCannotBeRead(t *testing.T) {
	for code, err := range map[string]error{
		"no_strategy":         fault.New(fault.Unavailable, "no_strategy", "publish one"),
		"strategy_unreadable": errors.New("down"),
	} {
		d := deps(t)
		d.Strategy = current(func() (*strategy.Strategy, error) { return nil, err })
		got := post(decide.New(d), "demo-write", `{"anonymousId":"`+phone+`"}`)
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, code) || got.reads != 0 {
			t.Errorf("%d %s after %d reads, want %s", got.status, got.body, got.reads, code)
		}
	}
}

// A strategy that is published while decide runs is used from then on.
func TestNewStrategy(t *testing.T) {
	d := deps(t)
	s := published(t, "first")
	d.Strategy = current(func() (*strategy.Strategy, error) { return s, nil })
	h := decide.New(d)
	for _, version := range []string{"first", "second", "third"} {
		s = published(t, version)
		if got := post(h, "demo-write", `{}`).read(t).Strategy; got != version {
			t.Errorf("decided by %s, want %s", got, version)
		}
	}
}

func TestServerTiming(t *testing.T) {
	d := deps(t)
	at := noon
	d.Now = func() time.Time { at = at.Add(1500 * time.Microsecond); return at }
	if got := post(decide.New(d), "demo-write", `{}`).header.Get("Server-Timing"); !strings.HasPrefix(got, "prepare;dur=1.5, people;dur=1.5, decide;dur=") {
		t.Errorf("Server-Timing: %s", got)
	}
}

func TestPreflight(t *testing.T) {
	const ours = "https://shop.example.com"
	d := deps(t)
	d.Origins = []string{ours}
	for _, c := range []struct {
		name, origin, method, headers string
		origins                       []string
		granted                       bool
	}{
		{"ours", ours, "POST", "authorization,content-type", d.Origins, true},
		{"any", ours, "POST", "authorization,content-type", nil, true},
		{"row 7 not on the list", "https://other.example.com", "POST", "authorization", d.Origins, false},
		{"row 8 null", "null", "POST", "authorization", nil, false},
		{"row 9 odd method", ours, "PUT", "authorization", d.Origins, false},
		{"row 9 odd header", ours, "POST", "authorization,x-evil", d.Origins, false},
		{"row 10 begins like ours", ours + ".evil.example", "POST", "authorization", d.Origins, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodOptions, "/v1/decide", nil)
			r.Header.Set("Origin", c.origin)
			r.Header.Set("Access-Control-Request-Method", c.method)
			r.Header.Set("Access-Control-Request-Headers", c.headers)
			d := d
			d.Origins = c.origins
			w := httptest.NewRecorder()
			decide.New(d).ServeHTTP(w, r)
			h := w.Header()
			if w.Code != http.StatusNoContent || (h.Get("Access-Control-Allow-Origin") == c.origin) != c.granted || (h.Get("Access-Control-Allow-Headers") != "") != c.granted {
				t.Errorf("%d %v", w.Code, h)
			}
			if credentials := h.Get("Access-Control-Allow-Credentials"); (credentials == "true") != (c.granted && c.origins != nil) || h.Get("Access-Control-Allow-Origin") == "*" {
				t.Errorf("row 11: credentials %q for %q", credentials, h.Get("Access-Control-Allow-Origin"))
			}
		})
	}
}

// The answer is JSON even where an id has characters that JSON escapes.
func TestStrangeIDs(t *testing.T) {
	id, err := json.Marshal("\u2028<\"&\\>ідентифікатор")
	if err != nil {
		t.Fatal(err)
	}
	a := post(decide.New(deps(t)), "demo-secret", `{"anonymousId":`+string(id)+`}`).read(t)
	if a.Person.Node != "anonymousId:\u2028<\"&\\>ідентифікатор" {
		t.Errorf("node %q", a.Person.Node)
	}
}
