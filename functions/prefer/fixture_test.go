package prefer_test

import (
	"bytes"
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

	"rapport/functions/prefer"
	"rapport/shared/access"
	"rapport/shared/embedded"
	"rapport/shared/event"
	"rapport/shared/link"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const device = "2b7e1516-28ae-4d2a-abf7-158809cf4f3c" // u1's

var (
	user    = person.NodeID{Kind: person.UserID, Value: "u1"}
	browser = person.NodeID{Kind: person.AnonymousID, Value: device}
	cart    = user.Hash() + "_2ghqc9tm5rdv8jvhomg9v6kv9o" // a message to u1
)

// world is the function over a table in which u1 is known.
type world struct {
	t       testing.TB
	db      *embedded.DB
	store   *people.Store
	links   link.Keyring
	log     bytes.Buffer
	now     time.Time
	strat   *strategy.Strategy
	down    error // what the strategy's reader answers
	failing error // what Say answers
	writes  int   // commits
	handler http.Handler
}

func (w *world) Current(context.Context) (*strategy.Strategy, error) { return w.strat, w.down }

func (w *world) Holder(ctx context.Context, hash string) (*person.Person, error) {
	return w.store.Holder(ctx, hash)
}

func (w *world) Say(ctx context.Context, s *strategy.Strategy, node person.NodeID, said people.Statement) (*person.Person, error) {
	if w.failing != nil {
		return nil, w.failing
	}
	return w.store.Say(ctx, s, node, said)
}

func open(t testing.TB, origins ...string) *world {
	t.Helper()
	w := &world{t: t, now: noon, links: link.Keys([]byte("demo-identity"))}
	clock := func() time.Time { return w.now }
	var err error
	w.strat, err = strategy.Ready(strategy.Document{
		Version: "0123456789ab", Zone: "UTC", Sender: message.Sender{From: "Linden & Leaf <tea@example.com>"},
		Purposes: []message.Purpose{
			{ID: "marketing", Name: "Offers and reminders", Basis: message.OptOut},
			{ID: "news", Name: "The monthly <letter>", Basis: message.OptIn},
			{ID: "sale", Basis: message.OptOut, GPC: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.db, err = embedded.Open(filepath.Join(t.TempDir(), "rapport.db"), clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	owners := 0
	w.store = people.NewStore(w.db, clock, func() string { owners++; return fmt.Sprint("owner-", owners) })
	_, err = w.store.Fold(context.Background(), w.strat, []event.Event{{
		MessageID: "m1", Type: event.Identify, AnonymousID: device, UserID: "u1", Trusted: true, Timestamp: noon.Add(-time.Hour), ReceivedAt: noon, Digest: "1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.NewKeys([]string{"demo-write"}, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	w.handler = prefer.New(prefer.Deps{
		People: w, Strategy: w, Keys: keys, Proofs: proofs(t), Links: w.links, Now: clock,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)), Origins: origins,
	})
	return w
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

// unsubscribe is the address of the link in u1's cart mail.
func (w *world) unsubscribe() string {
	return w.links.URL("", link.Link{Kind: link.Unsubscribe, Node: user.Hash(), Message: cart, Purpose: "marketing"})
}

// preferences is the address of u1's preferences.
func (w *world) preferences() string {
	return w.links.URL("", link.Link{Kind: link.Preferences, Node: user.Hash(), Message: cart, Purpose: "marketing"})
}

const (
	oneClick = "List-Unsubscribe=One-Click"
	encoded  = "application/x-www-form-urlencoded"
)

// call sends one request; headers are names and values in turn.
func (w *world) call(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	ctx := table.WithMeter(context.Background(), func(u table.Usage) {
		if u.Writes > 0 {
			w.writes++
		}
	})
	r := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

func (w *world) form(target, body string) *httptest.ResponseRecorder {
	return w.call(http.MethodPost, target, body, "Content-Type", encoded)
}

func (w *world) json(key, target, body string, headers ...string) *httptest.ResponseRecorder {
	headers = append(headers, "Content-Type", "application/json")
	if key != "" {
		headers = append(headers, "Authorization", "Bearer "+key)
	}
	return w.call(http.MethodPost, target, body, headers...)
}

// said is what the person that has the node said so far.
func (w *world) said(node person.NodeID) map[string]person.Consent {
	w.t.Helper()
	p, err := w.store.Find(context.Background(), node)
	if err != nil {
		w.t.Fatal(err)
	}
	if p == nil {
		return nil
	}
	return p.Consents()
}

// has fails the test unless the answer has the status and its body the texts.
func has(t testing.TB, r *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if r.Code != status {
		t.Fatalf("status %d, want %d: %s", r.Code, status, r.Body)
	}
	for _, text := range texts {
		if !strings.Contains(r.Body.String(), text) {
			t.Errorf("%q is not in %s", text, r.Body)
		}
	}
}

// code is the code of a refusal in JSON.
func code(t testing.TB, r *httptest.ResponseRecorder) string {
	t.Helper()
	var b struct{ Error struct{ Code string } }
	if err := json.Unmarshal(r.Body.Bytes(), &b); err != nil {
		t.Fatalf("%v: %s", err, r.Body)
	}
	return b.Error.Code
}
