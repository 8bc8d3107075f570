package decide_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/functions/decide"
	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/decision"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Who a targeting key means, by which unit, at what price.
func TestTargetingKey(t *testing.T) {
	h := decide.New(deps(t))
	user := func(id string) string { return person.NodeID{Kind: person.UserID, Value: id}.Hash() }
	u1, u9 := proof(t, "u1"), proof(t, "u9")
	for name, c := range map[string]struct {
		key, context string
		hero, unit   string
		reads        int
	}{
		"a device":                               {"demo-write", `"targetingKey":"` + phone + `"`, "hero-ua", device(phone), 1},
		"a device, by its kind":                  {"demo-write", `"targetingKey":"anonymousId:` + phone + `"`, "hero-ua", device(phone), 1},
		"a device beside the key":                {"demo-write", `"anonymousId":"` + phone + `"`, "hero-ua", device(phone), 1},
		"row 27 short id":                        {"demo-write", `"targetingKey":"a1"`, "hero-any", "", 0},
		"row 27 fifteen bytes":                   {"demo-write", `"targetingKey":"123456789012345"`, "hero-any", "", 0},
		"row 27 sixteen bytes":                   {"demo-write", `"targetingKey":"1234567890123456"`, "hero-any", device("1234567890123456"), 1},
		"row 23 zero UUID":                       {"demo-write", `"targetingKey":"00000000-0000-0000-0000-000000000000"`, "hero-any", "", 0},
		"row 12 a user, unproven":                {"demo-write", `"targetingKey":"userId:u1"`, "hero-any", "", 0},
		"row 12 a user beside the key, unproven": {"demo-write", `"targetingKey":"` + nobody + `","userId":"u1"`, "hero-any", device(nobody), 1},
		"row 12 a user alone, unproven":          {"demo-write", `"userId":"u1"`, "hero-any", "", 0},
		"proven":                                 {"demo-write", `"targetingKey":"` + phone + `","userId":"u1","proof":"` + u1 + `"`, "hero-buyer", device(laptop), 2},
		"proven by the proof alone":              {"demo-write", `"targetingKey":"` + phone + `","proof":"` + u1 + `"`, "hero-buyer", device(laptop), 2},
		"proven, as the key":                     {"demo-write", `"targetingKey":"userId:u1","proof":"` + u1 + `"`, "hero-buyer", device(laptop), 2},
		"proven, but new, on a device":           {"demo-write", `"targetingKey":"` + nobody + `","proof":"` + u9 + `"`, "hero-any", device(nobody), 1},
		"proven, but new, as the key":            {"demo-write", `"targetingKey":"userId:u9","proof":"` + u9 + `"`, "hero-any", user("u9"), 1},
		"a server's user":                        {"demo-secret", `"targetingKey":"u1"`, "hero-buyer", device(laptop), 2},
		"a server's user, by its kind":           {"demo-secret", `"targetingKey":"userId:u1"`, "hero-buyer", device(laptop), 2},
		"a server's new user":                    {"demo-secret", `"targetingKey":"u9"`, "hero-any", user("u9"), 1},
		"a server's new user, said twice":        {"demo-secret", `"targetingKey":"u9","userId":"u9"`, "hero-any", user("u9"), 1},
		"a server's new user on a device":        {"demo-secret", `"targetingKey":"u9","anonymousId":"` + nobody + `"`, "hero-any", device(nobody), 1},
		"a server's device":                      {"demo-secret", `"targetingKey":"anonymousId:` + phone + `"`, "hero-ua", device(phone), 1},
		"a server's device beside a user":        {"demo-secret", `"targetingKey":"` + nobody + `","userId":"u9"`, "hero-any", device(nobody), 1},
		"a server's user beside another one's":   {"demo-secret", `"targetingKey":"userId:u9","userId":"u1"`, "hero-buyer", device(laptop), 2},
		"another kind is no kind":                {"demo-write", `"targetingKey":"email:lesia@example.com"`, "hero-any", device("email:lesia@example.com"), 1},
		"null is not there":                      {"demo-write", `"targetingKey":"` + phone + `","userId":null,"proof":null`, "hero-ua", device(phone), 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := send(h, flags+"/hero", c.key, `{"context":{`+c.context+`}}`)
			f := readFlag(t, got)
			if f.Variant != c.hero {
				t.Errorf("shows %s, want %s: %s", f.Variant, c.hero, got.body)
			}
			receipt, err := decision.Verify(decision.Keys(secret), f.Metadata["receipt"].(string))
			if want := decision.Keys(secret).Holder(c.unit); err != nil || receipt.Holder != want {
				t.Errorf("receipt %+v (%v) is not held by %q", receipt, err, c.unit)
			}
			if got.reads != c.reads || got.writes != 0 {
				t.Errorf("%d reads and %d writes, want %d and 0", got.reads, got.writes, c.reads)
			}
		})
	}
}

// Whatever user id a stranger sends without a proof, the answer is byte for byte
// the one without it, the ETag included, and so is the work done.
func TestUnprovenUserIDChangesNoFlag(t *testing.T) {
	h := decide.New(deps(t))
	for _, id := range []string{phone, laptop, nobody, "a1"} {
		want := send(h, flags, "demo-write", targeting(id))
		for _, user := range []string{"u1", "u9", "", "null", id, strings.Repeat("u", 5000)} {
			got := send(h, flags, "demo-write", `{"context":{"targetingKey":"`+id+`","userId":"`+user+`"}}`)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(reply{})); diff != "" {
				t.Errorf("row 12: %q as %.20q: %s", id, user, diff)
			}
		}
	}
}

// Whatever of the context is no identity reaches the rules, with every digit;
// no identity does.
func TestContextReachesRules(t *testing.T) {
	h := decide.New(deps(t))
	rapid.Check(t, func(t *rapid.T) {
		page := rapid.SampledFrom([]string{"checkout", "home", "чай"}).Draw(t, "page")
		extra := rapid.MapOf(rapid.StringMatching(`[a-z]{1,8}`), rapid.Int()).Draw(t, "extra")
		attributes := map[string]any{"page": page, "targetingKey": phone}
		for name, n := range extra {
			if name != "page" && name != "proof" {
				attributes[name] = n
			}
		}
		body, err := json.Marshal(map[string]any{"context": attributes})
		if err != nil {
			t.Fatal(err)
		}
		want := "banner-red"
		if page == "checkout" {
			want = "banner-help"
		}
		if f := readFlag(t, send(h, flags+"/banner", "demo-write", string(body))); f.Variant != want {
			t.Fatalf("%s shows %s, want %s", body, f.Variant, want)
		}
	})
}

// No rule can tell strangers apart by the ids that they claim.
func TestIdentitiesAreNoAttributes(t *testing.T) {
	d := deps(t)
	body := `{"context":{"targetingKey":"` + phone + `","userId":"` + phone + `","anonymousId":"` + phone + `","proof":null,"plan":"` + phone + `"}}`
	for name, want := range map[string]string{"targetingKey": "any", "userId": "any", "anonymousId": "any", "plan": "seen"} {
		rule := op(audience.OpEqual, get("context", name), text(phone))
		s, err := strategy.Ready(strategy.Document{
			Version: "1", Zone: "UTC", Slots: []content.Slot{{ID: "hero", Fallback: "any"}},
			Blocks: []content.Block{
				{ID: "any", Slot: "hero", Weight: 1, Content: json.RawMessage(`{}`)},
				{ID: "seen", Slot: "hero", Weight: 1, Content: json.RawMessage(`{}`), Text: "context." + name, Rule: &rule},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		d.Strategy = current(func() (*strategy.Strategy, error) { return s, nil })
		if f := readFlag(t, send(decide.New(d), flags+"/hero", "demo-write", body)); f.Variant != want {
			t.Errorf("a rule on context.%s shows %q, want %q", name, f.Variant, want)
		}
	}
}
