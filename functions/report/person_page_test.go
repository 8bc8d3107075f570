package report_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport/functions/report"
	"rapport/shared/access"
	"rapport/shared/content"
	"rapport/shared/decision"
	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

const page = "/console/people/userId:u1"

func look(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	w := open(h, "GET", path, "demo-secret")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
	}
	return w.Body.String()
}

func TestPersonPageStatus(t *testing.T) {
	h, fold := serveWith(t, &heard{})
	fold(event.Event{MessageID: "m8", Type: event.Page, UserID: "a/b?c#d", Timestamp: noon, ReceivedAt: noon, Digest: "8"})
	for name, c := range map[string]struct {
		path   string
		status int
		has    string // in the page, or where it leads
	}{
		"a person":                 {page, 200, "u1"},
		"by a device":              {"/console/people/anonymousId:device-1234567890", 200, "device-1234567890"},
		"a slash as it is":         {"/console/people/userId:a/b%3Fc%23d", 200, "a/b?c#d"},
		"nobody":                   {"/console/people/userId:u9", 404, "Nobody here"},
		"who was erased":           {"/console/people/userId:gone", 404, "Nobody here"},
		"no node":                  {"/console/people/u1", 422, "write a node as"},
		"a cursor that is none":    {page + "?after=x", 422, "pass the next value"},
		"the search":               {"/console/people", 200, "Find a person"},
		"the search, with a slash": {"/console/people/", 200, "Find a person"},
		"found by node":            {"/console/people?node=userId:u1", 303, page},
		"found by value":           {"/console/people?node=+u1+", 303, page},
		"a device by value":        {"/console/people?node=device-1234567890", 303, "/console/people/anonymousId:device-1234567890"},
		"found with a slash":       {"/console/people?node=a/b?c%23d", 303, "/console/people/userId:a%2Fb%3Fc%23d"},
		"found nobody":             {"/console/people?node=<b>u9", 404, "&lt;b&gt;u9"},
		"preview":                  {"/console/preview", 200, "an unknown visitor"},
		"preview as a person":      {"/console/preview?node=userId:u1", 200, "as u1"},
		"preview as nobody":        {"/console/preview?node=userId:u9", 404, "Nobody here"},
		"preview as no node":       {"/console/preview?node=u1", 422, "write a node as"},
		"preview as a persona":     {"/console/preview?persona=regular", 200, "as The regular"},
		"preview as no persona":    {"/console/preview?persona=u1", 422, "has no persona"},
		"preview as both":          {"/console/preview?persona=regular&node=userId:u1", 422, "not both"},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(h, "GET", c.path, "demo-secret")
			if has := w.Header().Get("Location") + w.Body.String(); w.Code != c.status || !strings.Contains(has, c.has) {
				t.Errorf("%d %s %s", w.Code, w.Header().Get("Location"), w.Body)
			}
			for _, key := range []string{"", "demo-write"} {
				if w := open(h, "GET", c.path, key); w.Code != 401 || strings.Contains(w.Body.String(), "<h1") {
					t.Errorf("with key %q: %d", key, w.Code)
				}
			}
			if w := open(h, "POST", c.path, "demo-secret"); w.Code != 405 {
				t.Errorf("POST: %d", w.Code)
			}
		})
	}
}

// Rows 62 and 63: what strangers send is shown and never run, wherever it stands.
func TestNothingThatWasSentRuns(t *testing.T) {
	for _, evil := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{{.Secret}}${env}{{range 1e9}}`, `javascript:alert(1)`, `</title></style><script>x`,
	} {
		t.Run(evil, func(t *testing.T) {
			h, fold := serveWith(t, &heard{})
			raw, _ := json.Marshal(evil)
			object := func(format string) json.RawMessage {
				return json.RawMessage(strings.ReplaceAll(format, "$", string(raw)))
			}
			fold(
				event.Event{MessageID: evil, Type: event.Identify, UserID: "u1", AnonymousID: evil + "123456789", Traits: object(`{$:$,"name":$,"email":$}`), Timestamp: noon, ReceivedAt: noon, Digest: "5"},
				event.Event{MessageID: "m6", Type: event.Track, Name: evil, UserID: "u1", Properties: object(`{$:$,"name":$}`), Context: object(`{$:$}`), Timestamp: noon, ReceivedAt: noon, Digest: "6"},
				event.Event{MessageID: "m7", Type: event.Track, Name: "Payment Failed", UserID: "u1", Properties: object(`{"order_id":$,"reason":$}`), Timestamp: noon, ReceivedAt: noon, Digest: "7"},
				event.Event{MessageID: "m9", Type: event.Track, Name: "Product Added", UserID: "u1", Claim: evil, Properties: object(`{"cart_id":$,"product_id":$,"name":$}`), Timestamp: noon, ReceivedAt: noon, Digest: "9"},
			)
			for _, path := range []string{page, "/console/preview?node=userId:u1"} {
				body := look(t, h, path)
				for _, bad := range []string{"<script", "<img", "<no value>", `"javascript:`, "ZgotmplZ", "style=", " onerror=alert(1)>"} {
					if strings.Contains(body, bad) {
						t.Errorf("%s has %s", path, bad)
					}
				}
				if !strings.Contains(html.UnescapeString(body), "<h1>"+evil) && !strings.Contains(html.UnescapeString(body), "What "+evil) {
					t.Errorf("%s does not show it as it was sent", path)
				}
			}
		})
	}
}

func TestPersonPageSays(t *testing.T) {
	h, fold := serveWith(t, &heard{})
	fold(
		event.Event{MessageID: "m5", Type: event.Identify, AnonymousID: "device-1234567890", UserID: "u2", Timestamp: noon.Add(1), ReceivedAt: noon, Digest: "5"},
		event.Event{MessageID: "m3", Type: event.Track, Name: "Order Completed", UserID: "u1", Properties: json.RawMessage(`{"revenue":7}`), Timestamp: noon, ReceivedAt: noon, Digest: "other"},
		event.Event{MessageID: "m1", Type: event.Page, UserID: "u7", Timestamp: noon, ReceivedAt: noon, Digest: "1"},
		event.Event{MessageID: "m7", Type: event.Page, AnonymousID: "device-1234567890", Claim: "u8", Timestamp: noon, ReceivedAt: noon, Digest: "7"},
		event.Event{MessageID: "m6", Type: event.Page, AnonymousID: "device-1234567890", Claim: "u7", Imported: true, TimeCorrected: true, Timestamp: noon.Add(-400 * 24 * time.Hour), ReceivedAt: noon, Digest: "6"},
	)
	body := html.UnescapeString(look(t, h, page))
	for _, want := range []string{
		"<h1>u1</h1>", "Bought once",
		"An order of 600 was placed today", `<a href="#event-`, // its reason leads to its event
		`<th scope="row">country</th><td>UA`, `title="just now">24 Nov, 14:00`,
		"count of Order Completed, last 90 days", "24 Nov, 14:00 (just now)",
		"From Ukraine", `traits.country == "UA" is true (traits.country = "UA")`, "computed.revenue >= 500 is true (computed.revenue = 600)", "Not in", "announced",
		"Most like", "/console/preview?persona=regular", `traits.country: UA, the persona UA (100.0 % alike)`, "it is not known: traits.city.",
		"In no journey.", "None so far.", "Said nothing: mail unless they say no",
		"Belongs to <b>userId:u1</b> by <i>identify</i>", "last year, 1 older left out",
		"became: bought once", "entered From Ukraine", "not counted: its message id came before with other content",
		"it claims to be user u7, without a proof", "it claims to be a user whom nobody knows, without a proof", "its time was corrected", "imported history",
		"Tuesday, 24 November 2026", "Monday, 20 October 2025", "/console/preview?node=userId%3Au1",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	reason := regexp.MustCompile(`<a href="#(event-[0-9]+)">Order Completed</a>`).FindStringSubmatch(body)
	if reason == nil || !strings.Contains(body, `<li id="`+reason[1]+`">`) {
		t.Errorf("the reason leads to %q, and not to the event that counted", reason)
	}
	if refused := html.UnescapeString(look(t, h, "/console/people/userId:u2")); !strings.Contains(refused, "are kept apart: the identity belongs to somebody else") {
		t.Errorf("u2 does not say what it was refused")
	}
}

// The timeline is paged, and every event is on one page.
func TestPersonPagePages(t *testing.T) {
	h, fold := serveWith(t, &heard{})
	for i := range 120 {
		fold(event.Event{MessageID: fmt.Sprint("p", i), Type: event.Page, UserID: "u1", Timestamp: noon.Add(-time.Duration(i) * time.Minute), ReceivedAt: noon, Digest: fmt.Sprint(i)})
	}
	seen, path := map[string]int{}, page
	for pages := 1; ; pages++ {
		body := look(t, h, path)
		for _, part := range strings.Split(body, "<p>Message <code>")[1:] {
			id, _, _ := strings.Cut(part, "</code>")
			seen[id]++
		}
		if newest := strings.Contains(body, "Newest events"); newest != (pages > 1) {
			t.Errorf("page %d leads to the newest: %v", pages, newest)
		}
		before, _, more := strings.Cut(body, `">Older events`)
		if !more {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		path = strings.TrimSuffix(html.UnescapeString(before[strings.LastIndex(before, `href="`)+6:]), "#timeline")
	}
	if len(seen) != 123 {
		t.Errorf("%d events on all pages", len(seen))
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s is on %d pages", id, times)
		}
	}
}

// told is a store that knows one person and what was sent to it.
type told struct {
	report.People
	person *person.Person
	mails  []*message.Ledger
}

func (s told) Find(context.Context, person.NodeID) (*person.Person, error) { return s.person, nil }

func (s told) Timeline(context.Context, *strategy.Strategy, *person.Person, string, int) ([]people.Record, string, error) {
	var out []people.Record
	for i, order := range []string{"1002", "1001", "1000"} {
		out = append(out, people.Record{Event: event.Event{
			MessageID: "o" + order, Type: event.Track, Name: "Order Completed", UserID: "u1",
			Properties: json.RawMessage(`{"order_id":"` + order + `"}`), Timestamp: noon.Add(-time.Duration(i) * time.Hour),
		}})
	}
	return out, "", nil
}

func (s told) Mails(context.Context, *person.Person) ([]*message.Ledger, error) { return s.mails, nil }

func (s told) Why(context.Context, *strategy.Strategy, *person.Person, person.NodeID) (*people.Evidence, error) {
	return &people.Evidence{Refused: []people.Edge{{From: person.NodeID{Kind: person.AnonymousID, Value: "kiosk"}, Link: person.Link{To: person.NodeID{Kind: person.UserID, Value: "u1"}}, Reason: people.ReasonSplit}}}, nil
}

// Where somebody stands, and what became of mails, is told in words.
func TestWalksMailsAndConsentInWords(t *testing.T) {
	p := person.New(person.NodeID{Kind: person.UserID, Value: "u1"}, noon)
	n := p.Nodes[0]
	walk := func(key string, changed time.Duration, fired int) {
		n.Start(person.InstanceKey("cart", key), person.Instance{
			Changed: noon.Add(-changed), By: "m", Fired: fired, FiredAt: noon.Add(-changed), Content: json.RawMessage(`{"items":[{"product_id":"p","name":"Linden","quantity":2}]}`),
		})
	}
	walk("done", 3*time.Hour, 1)
	walk("ordered", 2*time.Hour, 0)
	walk("waiting", 10*time.Minute, 0)
	n.Reach(person.InstanceKey("cart", "ordered"), noon.Add(-time.Hour))
	n.Agree("news", person.Consent{Given: true, At: noon, By: "link:n_1"})
	n.Agree("old", person.Consent{At: noon, By: "secret key"})
	mail := func(state message.State, reason string) *message.Ledger {
		return &message.Ledger{Template: "reminder", Journey: "cart", State: state, Reason: reason, Since: noon, Until: noon.Add(time.Hour)}
	}
	sent := mail(message.Sent, "")
	sent.Facts = map[message.Fact]time.Time{message.Opened: noon}
	rejected := mail(message.Rejected, "bad_address")
	rejected.Detail = "no such domain"
	mails := []*message.Ledger{sent, rejected, mail(message.Skipped, "goal"), mail(message.Skipped, "other_word"), mail(message.Deferred, ""), mail(message.Unknown, ""), mail(message.Sending, ""), mail(message.Claimed, "")}
	doc := strategy.Document{Zone: "Europe/Kyiv", Purposes: []message.Purpose{{ID: "marketing", Name: "Reminders", Basis: message.OptIn}, {ID: "news", Name: "News"}}}
	doc.Messages = []message.Template{{ID: "reminder", Purpose: "marketing"}}
	doc.Journeys = []journey.Journey{{ID: "cart", Start: "Product Added", Goal: []string{"Order Completed"}, Key: "cart_id", Steps: []journey.Step{{Wait: time.Hour, Send: "reminder"}}}}
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.NewKeys(nil, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	h := report.New(report.Deps{People: told{person: p, mails: mails}, Strategy: fixed{s}, Keys: keys, Now: now})
	body := html.UnescapeString(look(t, h, page))
	for _, want := range []string{
		"Waits until 24 Nov, 14:50 (in 50 minutes), and then sends reminder.", "Ended by Order Completed 1001 on 24 Nov, 13:00.", "Done: all its steps were taken.", "2 × Linden",
		"Sent,", "opened <time", "Refused by the mail service: bad_address", "no such domain", "Not sent: what it asks for was done before", "Not sent: other_word",
		"Waits until 24 Nov, 15:00", "Handed over, and the answer was lost", "Being handed over", "Being looked at",
		"Never asked: mail only after a yes", "Said yes", "By link:n_1", "Said no", "<b>anonymousId:kiosk</b> and <b>userId:u1</b> are kept apart: somebody took them apart.",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if first := strings.Index(body, "Waits until 24 Nov, 14:50"); first > strings.Index(body, "Done: all") {
		t.Error("what is under way does not come first")
	}
}

// A yes counts until it expires, said to a purpose or to one of its channels.
func TestConsentThatExpiredInWords(t *testing.T) {
	p := person.New(person.NodeID{Kind: person.UserID, Value: "u1"}, noon)
	for key, left := range map[string]time.Duration{"letter": 0, "letter/sms": 0, "news": time.Second, "offers": -time.Hour} {
		p.Nodes[0].Agree(key, person.Consent{Given: true, At: noon.AddDate(0, 0, -30), By: "link:" + key, Expires: noon.Add(left)})
	}
	s, err := strategy.Ready(strategy.Document{Zone: "Europe/Kyiv", Purposes: []message.Purpose{
		{ID: "letter", Name: "Letter", Basis: message.OptOut}, {ID: "news", Name: "News"}, {ID: "offers", Name: "Offers"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.NewKeys(nil, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	h := report.New(report.Deps{People: told{person: p}, Strategy: fixed{s}, Keys: keys, Now: now})
	body := look(t, h, page)
	const expired = "Said yes, which has expired, "
	for name, want := range map[string]string{"Letter": expired, "letter/sms": expired, "News": "Said yes, ", "Offers": expired} {
		mark := map[bool]string{true: `no">No mail`, false: `yes">Mail`}[want == expired]
		row := `<li>
    <p><span class="mark ` + mark + `</span> <b>` + name + `</b></p>
    <p>` + want
		if !strings.Contains(body, row) {
			t.Errorf("%s is not shown as\n%s", name, row)
		}
	}
}

// The page says when a visitor is forgotten, and nothing of the sort of whom we
// know; of every event it says how long it stays.
func TestPageSaysHowLongThingsAreKept(t *testing.T) {
	h, fold := serveWith(t, &heard{})
	fold(event.Event{MessageID: "v1", Type: event.Page, AnonymousID: "visitor-1234567890", Timestamp: noon, ReceivedAt: noon, Digest: "v"})
	const until = `<time datetime="2027-12-24T12:00:00Z" title="in 13 months">24 Dec 2027, 14:00</time>`
	body := look(t, h, "/console/people/anonymousId:visitor-1234567890")
	for _, want := range []string{"forgotten on " + until + " unless they come back", "<code>v1</code>, kept until " + until} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if body := look(t, h, page); strings.Contains(body, "forgotten on") || !strings.Contains(body, "kept until "+until) {
		t.Error("whom we know is said to be forgotten, or no event to be kept for some time")
	}
}

// A preview draws splits by the person's own unit, as decide does.
func TestPreviewDrawsAsDecideDoes(t *testing.T) {
	s, err := strategy.Ready(strategy.Document{
		Slots: []content.Slot{{ID: "hero", Fallback: "plain"}},
		Blocks: []content.Block{
			{ID: "heavy", Slot: "hero", Weight: 2, Content: json.RawMessage(`{"title":"Heavy"}`)},
			{ID: "light", Slot: "hero", Weight: 1, Content: json.RawMessage(`{"title":"Light"}`)},
			{ID: "plain", Slot: "hero", Weight: 1, Content: json.RawMessage(`{}`)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.NewKeys(nil, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i := range 20 {
		p := person.New(person.NodeID{Kind: person.UserID, Value: fmt.Sprint("u", i)}, noon)
		h := report.New(report.Deps{People: told{person: p}, Strategy: fixed{s}, Keys: keys, Now: now})
		body := look(t, h, "/console/preview?node=userId:u1")
		plan := decision.NewPlan(s)
		slots, _ := plan.Slots(nil)
		want := plan.Decide(decision.Request{Slots: slots, Unit: p.Unit, View: p.View(s.Declared, noon), Now: noon}).Decisions[0].Block.ID
		seen[want]++
		if !strings.Contains(body, "<b>"+want+"</b> <span class=\"source\">drawn, with ") {
			t.Errorf("%s sees %s, the preview says otherwise", p.Unit, want)
		}
		if personal := strings.Contains(body, `<span class="chip">personal</span>`); personal != (want != "heavy") {
			t.Errorf("%s sees %s: personal %v", p.Unit, want, personal)
		}
	}
	if len(seen) != 2 {
		t.Errorf("only %v came up: this proves little", seen)
	}
}

// broken is a store that answers nothing.
type broken struct{ report.People }

func (broken) Find(context.Context, person.NodeID) (*person.Person, error) {
	return nil, fault.New(fault.Internal, "down", "canary@example.com is down")
}

func TestPersonPageWhileThingsAreDown(t *testing.T) {
	keys, err := access.NewKeys(nil, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	down := report.New(report.Deps{People: broken{}, Strategy: fixed{&strategy.Strategy{}}, Keys: keys, Now: now, Log: slog.New(slog.DiscardHandler)})
	for _, path := range []string{page, "/console/people?node=u1", "/v1/people/userId:u1/brief"} {
		if status, body := get(down, path, "demo-secret"); status != 500 || strings.Contains(body, "canary") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
