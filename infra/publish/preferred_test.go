package publish_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"rapport/infra/publish"
	"rapport/shared/audience"
)

// goodPreferred is a strategy with preferred fields that are in order; tests
// change a line.
const goodPreferred = `zone: Europe/Kyiv
computed:
  orders: {op: count, event: Order Completed}
  last_order_at: {op: last, event: Order Completed, of: timestamp}
  last_tea: {op: last, event: Order Completed, of: tea}
  likes: {op: affinity, event: Product Viewed, of: category, half_life: 30d}
preferred:
  theme:
    explicit: theme
    declared: theme
    inferred: {owls: dark, vip: light}
    default: light
  tea:
    explicit: custom.tea
    observed: last_tea
    inferred: likes
    default: green
  rows:
    declared: rows
    default: 3
audiences:
  vip: {name: Best customer, when: computed.orders >= 3}
  owls: {name: Awake at night, when: has(traits.awake) && traits.awake == true}
slots:
  hero: {fallback: hero-welcome}
blocks:
  hero-welcome: {slot: hero, content: {}}
  hero-dark:
    slot: hero
    when: preferred.theme == "dark" && preferred.rows < 5
    content: {}
`

// preferredChanges are edits of it, each with the problems that it makes.
var preferredChanges = []struct {
	name, old, new string
	want           string
	structural     bool
}{
	{"unknown key", "    explicit: theme", "    chosen: theme", `s.yaml:9:5: the preferred field theme has no key "chosen"; there is declared, default, explicit, inferred, observed`, true},
	{"no default", "    default: light\n", "", `s.yaml:9:5: the preferred field theme needs default`, true},
	{"nothing but a default", "    declared: rows\n", "", `s.yaml:19:5: the preferred field rows has only a default: say where else its value may stand, as explicit, declared, observed or inferred`, true},
	{"default of nothing", "default: light", "default: null", `s.yaml:12:14: default of the preferred field theme must be text, a number, true or false or a list, not nothing`, true},
	{"default that is an object", "default: light", "default: {a: b}", `s.yaml:12:14: default of the preferred field theme must be text, a number, true or false or a list, not keys with values`, true},
	{"a name that rules cannot say", "  tea:\n", "  best-tea:\n", `s.yaml:13:3: "best-tea" cannot be an id: use a-z, 0-9 and _, begin with a letter, at most 64 characters, so that rules can name it`, true},
	{"unknown preference", "explicit: theme", "explicit: them", `s.yaml:9:15: explicit of the preferred field theme must be a field of preferences, not "them"; did you mean "theme"?; those of your own are written like custom.font`, true},
	{"a custom field without a name", "explicit: custom.tea", "explicit: custom.", `s.yaml:14:15: explicit of the preferred field tea must be a field of preferences, not "custom."; there is cadence, channels, theme, topics; those of your own are written like custom.font`, true},
	{"unknown computed trait", "observed: last_tea", "observed: last_te", `s.yaml:15:15: there is no computed trait "last_te"; did you mean "last_tea"?`, false},
	{"a count", "observed: last_tea", "observed: orders", `s.yaml:15:15: everybody has a value of orders, so what comes after observed would never count: take a computed trait that may be missing`, false},
	{"a time", "observed: last_tea", "observed: last_order_at", `s.yaml:15:15: last_order_at is a time, which cannot be preferred: take another computed trait`, false},
	{"an affinity as observed", "observed: last_tea", "observed: likes", `s.yaml:15:15: likes is an affinity, which is no single value: write inferred: likes, which takes the heaviest`, false},
	{"no affinity", "inferred: likes", "inferred: last_tea", `s.yaml:16:15: last_tea is no affinity, so nothing is inferred from it: write observed: last_tea`, false},
	{"unknown affinity", "inferred: likes", "inferred: like", `s.yaml:16:15: there is no computed trait "like"; did you mean "likes"?`, false},
	{"a number from an affinity", "default: green", "default: 5", `s.yaml:16:15: what is inferred from the affinity likes is text, so the default of the preferred field tea must be text, not a number`, false},
	{"a list of affinities", "inferred: likes", "inferred: [likes]", `s.yaml:16:15: inferred of the preferred field tea must be text, not a list`, true},
	{"unknown audience", "{owls: dark", "{owl: dark", `s.yaml:11:16: the preferred field theme is inferred for the audience "owl", which does not exist; did you mean "owls"?`, false},
	{"a value of another kind", "{owls: dark", "{owls: true", `s.yaml:11:22: the value of the preferred field theme for the audience owls must be text, as the default is, not true or false`, false},
	{"misspelt field in a rule", "preferred.theme ==", "preferred.them ==", `s.yaml:30:20: there is no preferred field "them"; did you mean "theme"?`, false},
	{"all fields", "preferred.theme ==", "preferred ==", `s.yaml:30:11: read a preferred field by its name, like preferred.theme`, false},
	{"inside of a field", "preferred.theme ==", "preferred.theme.dark ==", `s.yaml:30:26: read a preferred field by its name, like preferred.theme`, false},
	{"has", `preferred.theme == "dark"`, `has(preferred.theme)`, `s.yaml:30:14: everybody has every preferred field: compare it, like preferred.theme == "dark"`, false},
	{"in", `preferred.theme == "dark"`, `true && "theme" in preferred`, `s.yaml:30:27: everybody has every preferred field: compare it, like preferred.theme == "dark"`, false},
	{"a circle", "when: computed.orders >= 3", `when: preferred.theme == "dark"`, `s.yaml:22:36: the audience vip asks for itself (vip → vip): let one of them do without`, false},
	{"another name", "declared: theme", "declared: colours at night", "", false},
	{"audiences alone", "    explicit: theme\n    declared: theme\n", "", "", false},
}

func TestPreferredProblems(t *testing.T) {
	if _, problems := publish.Load(write(t, map[string]string{"s.yaml": goodPreferred})); len(problems) > 0 {
		t.Fatal(texts(problems))
	}
	for _, c := range preferredChanges {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(goodPreferred, c.old, c.new, 1)
			if changed == goodPreferred {
				t.Fatal("nothing changed")
			}
			_, problems := publish.Load(write(t, map[string]string{"s.yaml": changed}))
			if got := texts(problems); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestPreferredSchemaAgrees(t *testing.T) {
	resolved := schemaOf(t)
	for _, c := range preferredChanges {
		t.Run(c.name, func(t *testing.T) {
			var v any
			if err := yaml.Unmarshal([]byte(strings.Replace(goodPreferred, c.old, c.new, 1)), &v); err != nil {
				t.Fatal(err)
			}
			if err := resolved.Validate(datesAsText(v)); (err == nil) != (c.want == "" || !c.structural) {
				t.Errorf("the schema says %v, Load %q", err, c.want)
			}
		})
	}
}

// Fields are sorted by name, and audiences stay in the order in which they count.
func TestPreferredAsPublished(t *testing.T) {
	doc, problems := publish.Load(write(t, map[string]string{"s.yaml": goodPreferred}))
	if len(problems) > 0 {
		t.Fatal(texts(problems))
	}
	text := func(s string) json.RawMessage { return json.RawMessage(`"` + s + `"`) }
	want := []audience.Field{
		{Name: "rows", Declared: "rows", Default: json.RawMessage("3")},
		{Name: "tea", Explicit: "custom.tea", Observed: "last_tea", Affinity: "likes", Default: text("green")},
		{Name: "theme", Explicit: "theme", Declared: "theme", Default: text("light"), Inferred: []audience.Inference{
			{Audience: "owls", Value: text("dark")}, {Audience: "vip", Value: text("light")},
		}},
	}
	if diff := cmp.Diff(want, doc.Preferred); diff != "" {
		t.Error(diff)
	}
}

func TestTooManyPreferredFields(t *testing.T) {
	fields := func(n int) string {
		var b strings.Builder
		b.WriteString("preferred:\n")
		for i := range n {
			fmt.Fprintf(&b, "  f%02d: {explicit: theme, default: x}\n", i)
		}
		return b.String()
	}
	for n, want := range map[int]string{50: "", 52: "p.yaml:52:3: a strategy has at most 50 preferred fields: remove some"} {
		_, problems := publish.Load(write(t, map[string]string{"p.yaml": fields(n), "s.yaml": good}))
		if got := texts(problems); got != want {
			t.Errorf("%d fields: %s", n, got)
		}
	}
}
