package decide_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"rapport/functions/decide"
	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// themed is decide with a theme that can be chosen, told or inferred, a block for
// who prefers dark, and a purpose for personalization.
func themed(t *testing.T) (decide.Deps, *people.Store) {
	t.Helper()
	doc := published(t, "0123456789ab").Document
	doc.Purposes = []message.Purpose{{ID: "fit", Basis: message.OptOut, Allows: []message.Use{message.Personalization}}}
	doc.Preferred = []audience.Field{{
		Name: "theme", Explicit: person.Theme, Declared: "country",
		Inferred: []audience.Inference{{Audience: "buyer", Value: json.RawMessage(`"gold"`)}}, Default: json.RawMessage(`"light"`),
	}}
	dark := op(audience.OpEqual, get("preferred", "theme"), text("dark"))
	doc.Blocks = append(doc.Blocks, content.Block{ID: "hero-dark", Slot: "hero", Rule: &dark, Priority: 9, Weight: 1, Content: json.RawMessage(`{}`)})
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	d := deps(t)
	d.Strategy = current(func() (*strategy.Strategy, error) { return s, nil })
	store := populated(t, s)
	d.People = store
	return d, store
}

// prefer stores a theme, and what was said to being personalized.
func prefer(t *testing.T, store *people.Store, s *strategy.Strategy, id person.NodeID, theme string, consents ...person.Consent) {
	t.Helper()
	said := people.Statement{Consent: map[string]person.Consent{}, Preferences: map[string]person.Trait{
		person.Theme: {Value: json.RawMessage(`"` + theme + `"`), At: noon, By: "write key"},
	}}
	for _, c := range consents {
		said.Consent["fit"] = c
	}
	if _, err := store.Say(context.Background(), s, id, said); err != nil {
		t.Fatal(err)
	}
}

// What was chosen beats what was told, that what is inferred, and a caller learns
// of a person no more than it may: a browser what its own device knows, and of a
// user id without proof nothing at all.
func TestPreferredFields(t *testing.T) {
	d, store := themed(t)
	h := decide.New(d)
	s, _ := d.Strategy.Current(t.Context())
	user, device := person.NodeID{Kind: person.UserID, Value: "u1"}, person.NodeID{Kind: person.AnonymousID, Value: laptop}
	theme := func(key, who, want string) {
		t.Helper()
		got := post(h, key, `{`+who+`,"slots":["hero"]}`)
		if !strings.Contains(got.body, `"preferred":{"theme":{`+want) {
			t.Errorf("%s %s\ngot %d %s\nwant %s", key, who, got.status, got.body, want)
		}
	}
	const byDefault = `"value":"light","source":"default"}}`
	anonymous, proven := `"anonymousId":"`+laptop+`"`, `"proof":"`+proof(t, "u1")+`"`
	theme("demo-write", `"anonymousId":"`+nobody+`"`, byDefault)
	theme("demo-write", `"userId":"u1"`, byDefault)
	theme("demo-write", `"anonymousId":"`+phone+`"`, `"value":"UA","source":"declared"}}`)
	theme("demo-write", proven, `"value":"gold","source":"inferred"}}`)
	theme("demo-write", anonymous, byDefault) // the order is the user's, not the device's
	theme("demo-secret", anonymous, `"value":"gold","source":"inferred"`)
	prefer(t, store, s, user, "dark")
	theme("demo-write", proven, `"value":"dark","source":"explicit"}}`)
	theme("demo-write", anonymous, byDefault)
	theme("demo-write", `"userId":"u1"`, byDefault)
	prefer(t, store, s, device, "dim")
	theme("demo-write", anonymous, `"value":"dim","source":"explicit"}}`)
	if got := post(h, "demo-write", `{`+proven+`}`); got.writes > 0 {
		t.Errorf("%d writes", got.writes)
	}
}

// A proven user has what was chosen on any of their devices.
func TestPreferredFieldsOfAllDevices(t *testing.T) {
	d, store := themed(t)
	s, _ := d.Strategy.Current(t.Context())
	prefer(t, store, s, person.NodeID{Kind: person.AnonymousID, Value: laptop}, "dim")
	got := post(decide.New(d), "demo-write", `{"proof":"`+proof(t, "u1")+`"}`)
	if !strings.Contains(got.body, `"preferred":{"theme":{"value":"dim","source":"explicit"}}`) {
		t.Errorf("got %s", got.body)
	}
}

// A secret key is told where each value was found, and which values lost.
func TestPreferredFieldsExplained(t *testing.T) {
	d, store := themed(t)
	s, _ := d.Strategy.Current(t.Context())
	prefer(t, store, s, person.NodeID{Kind: person.UserID, Value: "u1"}, "dark")
	got := post(decide.New(d), "demo-secret", `{"userId":"u1","slots":["hero"]}`)
	const want = `"preferred":{"theme":{"value":"dark","source":"explicit","of":"theme","at":"2026-11-24T12:00:00Z","by":"write key",` +
		`"others":[{"value":"gold","source":"inferred","of":"audiences.buyer"},{"value":"light","source":"default"}]}}`
	if !strings.Contains(got.body, want) || got.blocks(t) != "hero-dark" {
		t.Errorf("got  %s\nwant %s", got.body, want)
	}
	got = post(decide.New(d), "demo-secret", `{"anonymousId":"`+phone+`","slots":["hero"]}`)
	const why = `preferred.theme == "dark" is false (preferred.theme = "UA", declared)`
	if first := got.read(t).Decisions[0].Explain[0]; first.Block != "hero-dark" || first.Why != why {
		t.Errorf("explained as %+v", first)
	}
}

// Whoever refuses to be personalized is served by what they chose, and by nothing
// else that is known of them.
func TestChoicesHoldAgainstRefusal(t *testing.T) {
	d, store := themed(t)
	h := decide.New(d)
	s, _ := d.Strategy.Current(t.Context())
	who := `{"anonymousId":"` + phone + `","slots":["hero"]}`
	if got := post(h, "demo-write", who); got.blocks(t) != "hero-ua" {
		t.Errorf("before: %s", got.body)
	}
	device := person.NodeID{Kind: person.AnonymousID, Value: phone}
	prefer(t, store, s, device, "dim", person.Consent{At: noon})
	got := post(h, "demo-write", who)
	if got.blocks(t) != "hero-any" || !strings.Contains(got.body, `"value":"dim","source":"explicit"`) {
		t.Errorf("refused: %s", got.body)
	}
	d, store = themed(t)
	prefer(t, store, s, device, "dark", person.Consent{At: noon})
	if got := post(decide.New(d), "demo-write", who); got.blocks(t) != "hero-dark" {
		t.Errorf("refused, and chose dark: %s", got.body)
	}
}

// While people cannot be read, no site is told to fall back from a choice.
func TestNoPreferredFieldsWhileDegraded(t *testing.T) {
	d, _ := themed(t)
	d.People = findFunc(func(context.Context, person.NodeID) (*person.Person, error) { return nil, errors.New("down") })
	got := post(decide.New(d), "demo-write", `{"anonymousId":"`+phone+`"}`)
	if got.status != http.StatusOK || strings.Contains(got.body, "preferred") {
		t.Errorf("%d %s", got.status, got.body)
	}
}
