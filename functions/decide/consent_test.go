package decide_test

import (
	"context"
	"testing"
	"time"

	"rapport/functions/decide"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// consenting is decide with a purpose for personalization, and a word to it from
// u1, the Ukrainian device and what else is asked for.
func consenting(t *testing.T, purpose message.Purpose, word *person.Consent) decide.Deps {
	t.Helper()
	d := deps(t)
	purpose.ID, purpose.Allows = "personalization", []message.Use{message.Personalization}
	s := published(t, "0123456789ab", purpose)
	d.Strategy = current(func() (*strategy.Strategy, error) { return s, nil })
	store := populated(t, s)
	d.People = store
	for _, id := range []person.NodeID{{Kind: person.UserID, Value: "u1"}, {Kind: person.AnonymousID, Value: phone}} {
		if word == nil {
			continue
		}
		said := people.Statement{
			Consent:     map[string]person.Consent{"personalization": *word},
			Preferences: map[string]person.Trait{person.Theme: {Value: []byte(`"dark"`), At: noon, By: "write key"}},
		}
		if _, err := store.Say(context.Background(), s, id, said); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// Who refuses to have content chosen by what is known of them gets, byte for
// byte, what somebody gets of whom nothing is known.
func TestRefusedPersonalization(t *testing.T) {
	no, yes := &person.Consent{At: noon}, &person.Consent{Given: true, At: noon.Add(-time.Hour)}
	expired := &person.Consent{Given: true, At: noon.Add(-2 * time.Hour), Expires: noon}
	in, out := message.Purpose{Basis: message.OptIn}, message.Purpose{Basis: message.OptOut}
	private := message.Purpose{Basis: message.OptOut, GPC: true}
	for _, c := range []struct {
		name    string
		purpose message.Purpose
		word    *person.Consent
		gpc     string
		refused bool
	}{
		{"opt-out, nothing said", out, nil, "", false},
		{"opt-out, no", out, no, "", true},
		{"opt-out, yes", out, yes, "", false},
		{"opt-out, yes until now", out, expired, "", true},
		{"opt-in, nothing said", in, nil, "", true},
		{"opt-in, yes", in, yes, "", false},
		{"Sec-GPC does not concern it", out, yes, "1", false},
		{"Sec-GPC concerns it", private, yes, "1", true},
		{"another value of Sec-GPC", private, yes, "0", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := consenting(t, c.purpose, c.word)
			empty := d
			empty.People = findFunc(func(context.Context, person.NodeID) (*person.Person, error) { return nil, nil })
			for _, body := range []string{
				`{"anonymousId":"` + phone + `"}`, `{"proof":"` + proof(t, "u1") + `"}`, `{"anonymousId":"` + laptop + `","proof":"` + proof(t, "u1") + `"}`,
			} {
				got := post(decide.New(d), "demo-write", body, "Sec-GPC", c.gpc)
				unknown := post(decide.New(empty), "demo-write", body, "Sec-GPC", c.gpc)
				if got.status != 200 || (got.body == unknown.body) != c.refused {
					t.Errorf("%s: %d %s\nunknown: %s", body, got.status, got.body, unknown.body)
				}
			}
		})
	}
}
