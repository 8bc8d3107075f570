package publish_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"rapport/infra/publish"
	"rapport/shared/persona"
)

// goodPersona is a strategy with a persona that is in order; tests change a line.
const goodPersona = `zone: Europe/Kyiv
lifecycle: {goal: Order Completed, cooling: 60d, lapsed: 180d}
computed:
  orders: {op: count, event: Order Completed}
  last_order_at: {op: last, event: Order Completed, of: timestamp}
  last_tea: {op: last, event: Order Completed, of: tea}
  likes: {op: affinity, event: Product Viewed, of: category, half_life: 30d}
audiences:
  vip: {name: Best customer, when: computed.orders >= 3}
  quiet: {name: Quiet, when: has(computed.last_order_at) && now - computed.last_order_at > duration("720h")}
slots:
  hero: {fallback: hero-welcome}
blocks:
  hero-welcome: {slot: hero, content: {}}
  hero-vip: {slot: hero, audience: vip, priority: 10, content: {}}
  hero-tea: {slot: hero, audience: vip, priority: 10, content: {}}
  hero-low: {slot: hero, audience: vip, priority: 5, content: {}}
  hero-gift: {slot: hero, when: has(traits.gift) && traits.gift == true, priority: 20, content: {}}
personas:
  regular:
    name: The regular
    known: true
    lifecycle: active
    firstSeen: 400d ago
    lastSeen: 1h30m ago
    traits: {city: Lviv, tags: [tea, 2]}
    computed:
      orders: 9
      last_order_at: 12d ago
      last_tea: oolong
      likes: {herbal: 3, green: 0.5}
    weights: {computed.orders: 3, traits.city: 0}
    expects:
      audiences: [vip]
      hero: hero-vip
`

// personaChanges are edits of it, each with the problems that it makes.
var personaChanges = []struct {
	name, old, new string
	want           string
	structural     bool
}{
	{"good", "", "", "", true},
	{"any of those that are drawn", "hero: hero-vip\n", "hero: hero-tea\n", "", true},
	{"expects nothing", "    expects:\n      audiences: [vip]\n      hero: hero-vip\n", "", "", true},
	{"nobody yet", "lastSeen: 1h30m ago", "lastSeen: now", "", true},

	{"no audience is looked at", "[vip]", "[]", "", true},
	{"outside", "[vip]", "[vip]\n      outside: [quiet]", "", true},
	{"outside, in vain", "audiences: [vip]", "outside: [quiet, vip]", `s.yaml:34:24: the persona regular is in the audience vip, where it expects not to be: computed.orders >= 3 is true (computed.orders = 9)`, false},
	{"outside of none", "audiences: [vip]", "outside: [vp]", `s.yaml:34:17: there is no audience "vp"; did you mean "vip"?`, false},
	{"outside as a text", "audiences: [vip]", "outside: quiet", `s.yaml:34:16: outside of what the persona regular expects must be a list of audiences, not text`, true},
	{"an audience too many", "[vip]", "[vip, quiet]", `s.yaml:34:24: the persona regular is not in the audience quiet, as it expects: now - computed.last_order_at > duration("720h0m0s") is false`, false},
	{"an audience that is none", "[vip]", "[vip, vp]", `s.yaml:34:24: there is no audience "vp"; did you mean "vip"?`, false},
	{"an audience twice", "[vip]", "[vip, vip]", `s.yaml:34:24: "vip" stands twice in what the persona regular expects: keep one`, true},
	{"audiences as a text", "[vip]", "vip", `s.yaml:34:18: audiences of what the persona regular expects must be a list of audiences, not text`, true},
	{"another block", "hero: hero-vip\n", "hero: hero-low\n", `s.yaml:35:13: the persona regular gets the block hero-tea in hero, not hero-low, as it expects: its priority is 5, that of the other 10`, false},
	{"the fallback", "hero: hero-vip\n", "hero: hero-welcome\n", `s.yaml:35:13: the persona regular gets the block hero-tea in hero, not hero-welcome, as it expects: it is for who gets no other`, false},
	{"by a rule", "hero: hero-vip\n", "hero: hero-gift\n", `s.yaml:35:13: the persona regular gets the block hero-tea in hero, not hero-gift, as it expects: its rule does not hold: has(traits.gift) is false`, false},
	{"not in its audience", "orders: 9", "orders: 2", `s.yaml:34:19: the persona regular is not in the audience vip, as it expects: computed.orders >= 3 is false (computed.orders = 2)` + "\n" +
		`s.yaml:35:13: the persona regular gets the block hero-welcome in hero, not hero-vip, as it expects: it is for the audience vip, and computed.orders >= 3 is false (computed.orders = 2)`, false},
	{"a rule that changes", "orders >= 3", "orders >= 10", `s.yaml:34:19: the persona regular is not in the audience vip, as it expects: `, false},
	{"a block that is none", "hero: hero-vip\n", "hero: hero-vp\n", `s.yaml:35:13: the slot hero has no block "hero-vp"; did you mean "hero-vip"?`, false},
	{"a slot that is none", "hero: hero-vip\n", "herro: hero-vip\n", `s.yaml:35:7: what the persona regular expects has no key "herro"; did you mean "hero"?`, false},
	{"a block as a number", "hero: hero-vip\n", "hero: 5\n", `s.yaml:35:13: hero of what the persona regular expects must be text, not a number`, true},

	{"a day where it matters", "priority: 10, content: {}}\n  hero-tea", "priority: 10, from: 2026-12-01, content: {}}\n  hero-tea", `s.yaml:34:7: what the persona regular expects needs at, a date like 2026-11-30: the block hero-vip has from or until`, false},
	{"a time in a rule", "when: computed.orders >= 3", `when: computed.orders >= 3 && now > timestamp("2025-01-01T00:00:00Z")`, `s.yaml:34:7: what the persona regular expects needs at, a date like 2026-11-30: the rule of the audience vip is about a certain time`, false},
	{"a time in a block's rule", "traits.gift == true", `now > timestamp("2045-01-01T00:00:00Z")`, `s.yaml:34:7: what the persona regular expects needs at, a date like 2026-11-30: the rule of the block hero-gift is about a certain time`, false},
	{"a time of a trait", "traits.gift == true", `timestamp(traits.gift) < now`, `s.yaml:34:7: what the persona regular expects needs at, a date like 2026-11-30: the rule of the block hero-gift is about a certain time`, false},
	{"at", "      audiences: [vip]", "      at: 2026-12-24T18:00:00+02:00\n      audiences: [vip]", "", true},
	{"at, no day", "      audiences: [vip]", "      at: Monday\n      audiences: [vip]", `s.yaml:34:11: at of what the persona regular expects must be a date like 2026-11-30`, true},

	{"no name", "    name: The regular\n", "", `s.yaml:21:5: the persona regular needs name`, true},
	{"known as a text", "known: true", "known: perhaps", `s.yaml:22:12: known of the persona regular must be true or false, not text`, true},
	{"no such stage", "lifecycle: active", "lifecycle: actve", `s.yaml:23:16: lifecycle of the persona regular cannot be "actve"; did you mean "active"?`, true},
	{"no lifecycle", "lifecycle: {goal: Order Completed, cooling: 60d, lapsed: 180d}\n", "", `s.yaml:22:16: the strategy has no lifecycle: declare one before the persona regular has a stage of it`, false},
	{"not ago", "400d ago", "400d", `s.yaml:24:16: firstSeen of the persona regular must be how long ago it was: now, 45m ago, 1h30m ago or 3d ago`, true},
	{"ago of nothing", "400d ago", `" ago"`, `s.yaml:24:16: firstSeen of the persona regular must be how long ago it was: now, 45m ago, 1h30m ago or 3d ago`, true},
	{"a date", "400d ago", `2026-01-01`, `s.yaml:24:16: firstSeen of the persona regular must be how long ago it was: now, 45m ago, 1h30m ago or 3d ago`, true},
	{"traits as a list", "{city: Lviv, tags: [tea, 2]}", "[city]", `s.yaml:26:13: traits of the persona regular must be keys with values, not a list`, true},
	{"an empty trait", "city: Lviv,", "city: ,", `s.yaml:26:20: the trait city of the persona regular is empty: write it, or leave the key out`, true},
	{"no such computed trait", "      orders: 9", "      order: 9", `s.yaml:28:7: there is no computed trait "order"; did you mean "orders"?`, false},
	{"a count as a text", "orders: 9", "orders: many", `s.yaml:28:15: orders of the persona regular must be a number, not text: it is the count of something`, false},
	{"a time as a number", "last_order_at: 12d ago", "last_order_at: 12", `s.yaml:29:22: last_order_at of the persona regular must be text, not a number`, false},
	{"an empty computed trait", "last_tea: oolong", "last_tea:", `s.yaml:30:16: last_tea of the persona regular is empty: write it, or leave the key out`, true},
	{"an affinity as a text", "{herbal: 3, green: 0.5}", "herbal", `s.yaml:31:14: likes of the persona regular must be numbers by value, like {herbal: 2.5}`, false},
	{"an affinity of texts", "{herbal: 3, green: 0.5}", "{herbal: much}", `s.yaml:31:14: likes of the persona regular must be numbers by value, like {herbal: 2.5}`, false},
	{"a negative affinity", "{herbal: 3, green: 0.5}", "{herbal: -1}", `s.yaml:31:14: likes of the persona regular must be numbers by value, like {herbal: 2.5}`, false},
	{"a weight of nothing", "traits.city: 0", "traits.cty: 0", `s.yaml:32:35: the persona regular states no "traits.cty" that could weigh; did you mean "traits.city"?`, false},
	{"a weight too large", "computed.orders: 3", "computed.orders: 101", `s.yaml:32:32: computed.orders of weights of the persona regular must be a whole number from 0 to 100`, true},
	{"a weight below 0", "computed.orders: 3", "computed.orders: -1", `s.yaml:32:32: computed.orders of weights of the persona regular must be a whole number from 0 to 100`, true},
	{"an unknown key", "    known: true", "    know: true", `s.yaml:22:5: the persona regular has no key "know"; did you mean "known"?`, true},
}

func TestPersonas(t *testing.T) {
	for _, c := range personaChanges {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(goodPersona, c.old) {
				t.Fatalf("the good strategy has no %q", c.old)
			}
			_, problems := publish.Load(write(t, map[string]string{"s.yaml": strings.Replace(goodPersona, c.old, c.new, 1)}))
			got := texts(problems)
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" || strings.Count(got, "\n") > strings.Count(c.want, "\n")+1 {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestPersonaSchemaAgrees(t *testing.T) {
	resolved := schemaOf(t)
	for _, c := range personaChanges {
		t.Run(c.name, func(t *testing.T) {
			var v any
			if err := yaml.Unmarshal([]byte(strings.Replace(goodPersona, c.old, c.new, 1)), &v); err != nil {
				t.Fatal(err)
			}
			if err := resolved.Validate(datesAsText(v)); (err == nil) != (c.want == "" || !c.structural) {
				t.Errorf("the schema says %v, Load %q", err, c.want)
			}
		})
	}
}

func TestPersonasAsPublished(t *testing.T) {
	doc, problems := publish.Load(write(t, map[string]string{"s.yaml": goodPersona}))
	if len(problems) > 0 {
		t.Fatal(texts(problems))
	}
	field := func(path, value string, weight int) persona.Field {
		return persona.Field{Path: path, Value: json.RawMessage(value), Weight: weight}
	}
	ago := func(path string, ms int64) persona.Field {
		return persona.Field{Path: path, Timed: true, Ago: ms, Weight: 1}
	}
	const minute = 60_000
	want := []persona.Persona{{ID: "regular", Name: "The regular", Fields: []persona.Field{
		ago("computed.last_order_at", 12*24*60*minute),
		field("computed.last_tea", `"oolong"`, 1),
		field("computed.likes", `{"green":0.5,"herbal":3}`, 1),
		field("computed.orders", "9", 3),
		ago("firstSeen", 400*24*60*minute),
		field("known", "true", 1),
		ago("lastSeen", 90*minute),
		field("lifecycle", `"active"`, 1),
		field("traits.city", `"Lviv"`, 0),
		field("traits.tags", `["tea",2]`, 1),
	}}}
	if diff := cmp.Diff(want, doc.Personas); diff != "" {
		t.Error(diff)
	}
	lax, _ := publish.Load(write(t, map[string]string{"s.yaml": strings.Replace(goodPersona, "      hero: hero-vip\n", "", 1)}))
	if lax.Version != doc.Version {
		t.Error("what a persona expects makes another version of the same strategy")
	}
}

// Time makes a member of a persona as of anybody.
func TestPersonasGoWithTime(t *testing.T) {
	for ago, want := range map[string]string{"30d ago": "", "30d1m ago": "s.yaml:34:17: the persona regular is in the audience quiet, where it expects not to be: "} {
		text := strings.Replace(goodPersona, "audiences: [vip]", "outside: [quiet]", 1)
		text = strings.Replace(text, "last_order_at: 12d ago", "last_order_at: "+ago, 1)
		_, problems := publish.Load(write(t, map[string]string{"s.yaml": text}))
		if got := texts(problems); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %s, want %q", ago, got, want)
		}
	}
}

// A moment at which a block begins or ends decides what a persona gets.
func TestPersonasAtAMoment(t *testing.T) {
	winter := strings.Replace(goodPersona, "hero-gift: {slot: hero, when: has(traits.gift) && traits.gift == true,", "hero-gift: {slot: hero, from: 2026-12-01, until: 2026-12-25,", 1)
	for at, want := range map[string]string{
		"2026-11-30": "it is shown later", "2026-12-01": "", "2026-12-24T23:59:59+02:00": "", "2026-12-25": "it is shown no more",
	} {
		text := strings.Replace(winter, "      hero: hero-vip\n", "      hero: hero-gift\n      at: "+at+"\n", 1)
		_, problems := publish.Load(write(t, map[string]string{"s.yaml": text}))
		if got := texts(problems); !strings.HasSuffix(got, want) || want == "" && got != "" {
			t.Errorf("at %s: %s, want %q", at, got, want)
		}
	}
}
