package decide_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/functions/decide"
	"rapport/shared/access"
	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/embedded"
	"rapport/shared/event"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// Those who visit.
const (
	phone  = "2b7e1516-28ae-4d2a-abf7-158809cf4f3c" // somebody unknown by name, from Ukraine
	laptop = "6bc1bee2-2e40-4f96-993d-7e117393172a" // u1's, from before u1 signed in
	nobody = "ae2d8a57-1e03-4c9e-b76f-ac45af8e5130" // never seen
)

var secret = []byte("demo-receipts")

type current func() (*strategy.Strategy, error)

func (c current) Current(context.Context) (*strategy.Strategy, error) { return c() }

type findFunc func(context.Context, person.NodeID) (*person.Person, error)

func (f findFunc) Find(ctx context.Context, node person.NodeID) (*person.Person, error) {
	return f(ctx, node)
}

func text(t string) audience.Program {
	return audience.Program{Op: audience.OpConst, Type: audience.TypeString, Text: t}
}

func get(path ...string) audience.Program {
	return audience.Program{Op: audience.OpGet, Path: path}
}

func op(name string, args ...audience.Program) audience.Program {
	return audience.Program{Op: name, Args: args}
}

// published is a strategy with something for everybody, as decide's own reader
// gives it: without what it leaves out.
func published(t testing.TB, version string, purposes ...message.Purpose) *strategy.Strategy {
	t.Helper()
	checkout := op(audience.OpEqual, get("context", "page"), text("checkout"))
	one := audience.Program{Op: audience.OpConst, Type: audience.TypeInt, Text: "1"}
	show := func(id, slot, to string, priority, weight int) content.Block {
		return content.Block{
			ID: id, Slot: slot, Audience: to, Priority: priority, Weight: weight,
			Content: json.RawMessage(`{"title":"` + id + ` & <more>"}`),
		}
	}
	help := show("banner-help", "banner", "", 5, 1)
	help.Text, help.Rule = `context.page == "checkout"`, &checkout
	doc := strategy.Document{
		Zone: "UTC", Purposes: purposes,
		Computed: []person.ComputedTrait{{Name: "orders", Op: person.Count, Event: "Order Completed"}},
		Audiences: []audience.Audience{
			{ID: "buyer", Name: "Buyer", When: op(audience.OpAtLeast, get("computed", "orders"), one)},
			{ID: "ukraine", Name: "From Ukraine", When: op(audience.OpEqual, get("traits", "country"), text("UA"))},
		},
		Slots: []content.Slot{{ID: "banner", Fallback: "banner-any"}, {ID: "hero", Fallback: "hero-any"}},
		Blocks: []content.Block{
			show("banner-any", "banner", "", 0, 1), show("banner-blue", "banner", "", 1, 1), show("banner-red", "banner", "", 1, 3), help,
			show("hero-any", "hero", "", 0, 1), show("hero-buyer", "hero", "buyer", 2, 1), show("hero-ua", "hero", "ukraine", 1, 1),
		},
	}
	db := open(t)
	if err := strategy.Publish(t.Context(), db, doc, noon); err != nil {
		t.Fatal(err)
	}
	s, err := strategy.NewEdgeReader(db, func() time.Time { return noon }).Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Version = version
	return s
}

// open is an empty table.
func open(t testing.TB) table.Table {
	t.Helper()
	db, err := embedded.Open(filepath.Join(t.TempDir(), "rapport.db"), func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// populated is a store in which phone and u1 have a history.
func populated(t testing.TB, s *strategy.Strategy) *people.Store {
	t.Helper()
	now := func() time.Time { return noon }
	owner := 0
	store := people.NewStore(open(t), now, func() string { owner++; return fmt.Sprint("owner-", owner) })
	at := noon.Add(-48 * time.Hour)
	add := func(e event.Event) {
		at = at.Add(time.Minute)
		e.Timestamp, e.ReceivedAt, e.Digest = at, at, "digest "+e.MessageID
		if _, err := store.Fold(context.Background(), s, []event.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	add(event.Event{MessageID: "m1", Type: event.Identify, AnonymousID: phone, Traits: json.RawMessage(`{"country":"UA"}`)})
	add(event.Event{MessageID: "m2", Type: event.Page, AnonymousID: laptop})
	add(event.Event{MessageID: "m3", Type: event.Track, Name: "Order Completed", UserID: "u1", Trusted: true})
	add(event.Event{MessageID: "m4", Type: event.Identify, AnonymousID: laptop, UserID: "u1", Trusted: true})
	return store
}

func deps(t testing.TB) decide.Deps {
	t.Helper()
	keys, err := access.NewKeys([]string{"demo-write"}, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	s := published(t, "0123456789ab")
	return decide.Deps{
		People: populated(t, s), Strategy: current(func() (*strategy.Strategy, error) { return s, nil }),
		Keys: keys, Proofs: proofs(t), Secret: secret, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
	}
}

func proofs(t testing.TB) access.Proofs {
	t.Helper()
	p, err := access.NewProofs(access.ProofConfig{Secrets: []string{"demo-identity"}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func proof(t testing.TB, user string) string {
	t.Helper()
	token, err := proofs(t).Issue(user, time.Hour, noon)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// reply is an answer with what it cost.
type reply struct {
	status        int
	header        http.Header
	body          string
	reads, writes int
}

// post asks with a key, and counts what the table is asked.
func post(h http.Handler, key, body string, headers ...string) reply {
	return send(h, "/v1/decide", key, body, headers...)
}

func send(h http.Handler, path, key, body string, headers ...string) reply {
	var out reply
	ctx := table.WithMeter(context.Background(), func(u table.Usage) {
		if u.Writes > 0 {
			out.writes++
			return
		}
		out.reads += u.Items
	})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out.status, out.header, out.body = w.Code, w.Header(), w.Body.String()
	return out
}

// asked is the answer as a caller reads it.
type asked struct {
	Decisions []struct {
		Slot, Block, Receipt string
		Content              json.RawMessage
		Policy               string
		Probability          float64
		Explain              []struct{ Block, Reason, Audience, Why string }
	}
	Strategy string
	Person   *struct {
		Node, Unit string
		Known      bool
		Audiences  []string
		Reads      int
	}
}

func (r reply) read(t testing.TB) asked {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	var a asked
	if err := json.Unmarshal([]byte(r.body), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// blocks lists the chosen blocks in order.
func (r reply) blocks(t testing.TB) string {
	t.Helper()
	var ids []string
	for _, d := range r.read(t).Decisions {
		ids = append(ids, d.Block)
	}
	return strings.Join(ids, " ")
}
