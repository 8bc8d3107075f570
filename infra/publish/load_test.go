package publish_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"

	"rapport/infra/publish"
	"rapport/shared/content"
	"rapport/shared/strategy"
)

// good is a strategy in one file that is in order; tests change a line of it.
const good = `zone: Europe/Kyiv
computed:
  orders:
    op: count
    event: Order Completed
  revenue:
    op: sum
    event: Order Completed
    of: [revenue, total]
  last_order_at:
    op: last
    event: Order Completed
    of: timestamp
audiences:
  vip:
    name: Best customer
    when: computed.orders >= 3
slots:
  hero:
    fallback: hero-welcome
blocks:
  hero-welcome:
    slot: hero
    content: {title: Welcome}
  hero-vip:
    slot: hero
    audience: vip
    priority: 10
    from: 2026-11-01
    until: 2026-12-01T09:00:00+02:00
    content: {title: Thank you}
`

// write puts files into a new folder.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func texts(problems []publish.Problem) string {
	var lines []string
	for _, p := range problems {
		line := p.String()
		if p.Warning {
			line = "warning " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestGoodStrategy(t *testing.T) {
	doc, problems := publish.Load(write(t, map[string]string{"s.yaml": good}))
	if len(problems) > 0 {
		t.Fatalf("problems: %s", texts(problems))
	}
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	blocks := s.BlocksOf("hero")
	if len(doc.Version) != 12 || len(blocks) != 2 || blocks[0].ID != "hero-vip" || blocks[0].Weight != 1 || blocks[1].When != content.NoRule {
		t.Errorf("version %q, blocks %+v", doc.Version, blocks)
	}
	if from := blocks[0].From.String(); from != "2026-10-31 22:00:00 +0000 UTC" {
		t.Errorf("a date begins at %s, not at midnight in Kyiv", from)
	}
	if got := string(blocks[1].Content); got != `{"title":"Welcome"}` {
		t.Errorf("content is %s", got)
	}
}

func TestFilesMakeOneStrategy(t *testing.T) {
	cut := strings.Index(good, "slots:")
	whole, problems := publish.Load(write(t, map[string]string{"one.yaml": good}))
	spread, more := publish.Load(write(t, map[string]string{"a.yaml": good[cut:], "b.yaml": "# nothing yet\n", "c.yaml": good[:cut], "notes.txt": "?"}))
	if len(problems)+len(more) > 0 || whole.Version != spread.Version {
		t.Errorf("version %s in one file, %s in three; problems %s %s", whole.Version, spread.Version, texts(problems), texts(more))
	}
}

// changes are edits of the good strategy, each with the problems that it makes.
// Structural ones are those that the JSON Schema must find as well.
var changes = []struct {
	name, old, new string
	want           string
	structural     bool
}{
	{"unknown section", "slots:", "slotz:", `s.yaml:18:1: a strategy file has no key "slotz"; did you mean "slots"?`, true},
	{"unknown key", "    priority: 10", "    prioritty: 10", `s.yaml:28:5: the block hero-vip has no key "prioritty"; did you mean "priority"?`, true},
	{"missing key", "    name: Best customer\n", "", `s.yaml:16:5: the audience vip needs name`, true},
	{"no content", "    content: {title: Welcome}\n", "", `s.yaml:23:5: the block hero-welcome needs content`, true},
	{"content is a list", "{title: Welcome}", "[Welcome]", `s.yaml:24:14: content of the block hero-welcome must be keys with values, not a list`, true},
	{"a section that is a list", "slots:\n  hero:\n    fallback: hero-welcome", "slots:\n  - hero", `s.yaml:19:3: slots must be ids with what each of them is, not a list`, true},
	{"an entry without body", "    op: count\n    event: Order Completed\n", "", `s.yaml:3:10: the computed trait orders must be keys with values, not nothing`, true},
	{"bad id", "  hero-vip:", "  Hero VIP:", `s.yaml:25:3: "Hero VIP" cannot be an id: use a-z, 0-9, _ and -, at most 64 characters`, true},
	{"computed name with a dash", "  last_order_at:", "  last-order-at:", `s.yaml:10:3: "last-order-at" cannot be an id: use a-z, 0-9 and _, begin with a letter, at most 64 characters, so that rules can name it`, true},
	{"bad op", "op: sum", "op: summ", `s.yaml:7:9: op of the computed trait revenue cannot be "summ"; did you mean "sum"?`, true},
	{"sum of nothing", "    of: [revenue, total]\n", "", `s.yaml:7:5: the computed trait revenue needs of: the property to take the sum of`, true},
	{"count of something", "op: count", "op: count\n    of: x", `s.yaml:5:9: the computed trait orders counts events: leave of out, or use sum`, true},
	{"window", "op: count", "op: count\n    window: 30d", "", true},
	{"window in hours", "op: count", "op: count\n    window: 24h", `s.yaml:5:13: window of the computed trait orders must be a number of days from 1d to 365d`, true},
	{"window of years", "op: count", "op: count\n    window: 366d", `s.yaml:5:13: window of the computed trait orders must be a number of days from 1d to 365d`, true},
	{"window of no day", "op: count", "op: count\n    window: 0d", `s.yaml:5:13: window of the computed trait orders must be a number of days from 1d to 365d`, true},
	{"window as a number", "op: count", "op: count\n    window: 30", `s.yaml:5:13: window of the computed trait orders must be a number of days from 1d to 365d`, true},
	{"window of last", "op: last", "op: last\n    window: 30d", `s.yaml:12:13: the computed trait last_order_at cannot have a window: leave it out, or use another op than last`, true},
	{"every op", "op: sum", "op: average", "", true},
	{"recency", "op: count\n    event: Order Completed\n  revenue:", "op: count\n    event: Order Completed\n  days:\n    op: recency\n    event: Order Completed\n  revenue:", "", true},
	{"recency of something", "op: count", "op: recency\n    of: x", `s.yaml:5:9: the computed trait orders counts the days since the last event: leave of out`, true},
	{"affinity", "op: sum", "op: affinity\n    half_life: 30d", "", true},
	{"affinity for ever", "op: sum", "op: affinity", `s.yaml:7:5: the computed trait revenue needs half_life: after how many days an event weighs half, like 30d`, true},
	{"affinity in a window", "op: sum", "op: affinity\n    half_life: 30d\n    window: 7d", `s.yaml:9:13: the computed trait revenue cannot have a window: leave it out, or use another op than affinity`, true},
	{"half-life of a sum", "op: sum", "op: sum\n    half_life: 30d", `s.yaml:8:16: the computed trait revenue cannot have a half_life: leave it out, or use affinity`, true},
	{"lifecycle", "audiences:", "lifecycle: {goal: Order Completed, cooling: 60d, lapsed: 180d}\naudiences:", "", true},
	{"lifecycle without goal", "audiences:", "lifecycle: {cooling: 60d, lapsed: 180d}\naudiences:", `s.yaml:14:12: the lifecycle needs goal`, true},
	{"lifecycle with a stage too many", "audiences:", "lifecycle: {goal: a, cooling: 60d, lapsed: 180d, gone: 300d}\naudiences:", `s.yaml:14:50: the lifecycle has no key "gone"; did you mean "goal"?`, true},
	{"lapsed before cooling", "audiences:", "lifecycle: {goal: a, cooling: 60d, lapsed: 60d}\naudiences:", `s.yaml:14:44: lapsed of the lifecycle must be more days than cooling, which comes before`, false},
	{"sum of time", "[revenue, total]", "[timestamp]", `s.yaml:9:9: the computed trait revenue cannot take the sum of timestamp: only first and last can`, false},
	{"retention", "audiences:", "retention: {default: 395d, visitors: 30d, events: {page: 90d, Product Viewed: 36500d, Order Completed: 10y}}\naudiences:", "", true},
	{"retention of nothing", "audiences:", "retention:\naudiences:", "", true},
	{"retention of no event", "audiences:", "retention: {events: }\naudiences:", "", true},
	{"retention of what", "audiences:", "retention: {event: {page: 90d}}\naudiences:", `s.yaml:14:13: the retention has no key "event"; did you mean "events"?`, true},
	{"retention as a text", "audiences:", "retention: 90d\naudiences:", `s.yaml:14:12: the retention must be keys with values, not text`, true},
	{"retention of a list", "audiences:", "retention: {events: [page]}\naudiences:", `s.yaml:14:21: events of the retention must be names or types of events with how long each is kept, not a list`, true},
	{"retention too short", "audiences:", "retention:\n  events:\n    page: 29d\naudiences:", `s.yaml:16:11: page of the retention must be days from 30d to 36500d, or years like 10y`, true},
	{"retention too long", "audiences:", "retention: {default: 36501d}\naudiences:", `s.yaml:14:22: default of the retention must be days from 30d to 36500d, or years like 10y`, true},
	{"retention without unit", "audiences:", "retention: {visitors: 90}\naudiences:", `s.yaml:14:23: visitors of the retention must be days from 30d to 36500d, or years like 10y`, true},
	{"retention of nearly an event", "audiences:", "retention: {events: {Order Complete: 90d}}\naudiences:", `warning s.yaml:14:22: the retention names the event "Order Complete"; did you mean "Order Completed", as the Segment spec has it?`, false},
	{"retention of a list of days", "audiences:", "retention: {visitors: [90d]}\naudiences:", `s.yaml:14:23: visitors of the retention must be days from 30d to 36500d, or years like 10y`, true},
	{"retention of no name", "audiences:", "retention: {events: {\"\": 90d}}\naudiences:", `s.yaml:14:22: an event has a name of at most 200 characters`, true},
	{"no lifecycle", "computed.orders >= 3", `lifecycle == "lapsed"`, `s.yaml:17:11: the strategy has no lifecycle: declare one before rules ask for it`, false},
	{"no such stage", "audiences:\n  vip:\n    name: Best customer\n    when: computed.orders >= 3", "lifecycle: {goal: a, cooling: 6d, lapsed: 9d}\naudiences:\n  vip:\n    name: A\n    when: lifecycle in [\"lapsed\", \"colling\"]", `s.yaml:18:21: there is no stage "colling"; did you mean "cooling"?`, false},
	{"no such audience", "computed.orders >= 3", "audiences.vp", `s.yaml:17:20: there is no audience "vp"; did you mean "vip"?`, false},
	{"has an audience", "computed.orders >= 3", "has(audiences.vip)", `s.yaml:17:14: ask for an audience by its id, like audiences.vip or audiences["new-visitor"]`, false},
	{"an audience that asks for itself", "computed.orders >= 3", "known || audiences.vip", `s.yaml:17:11: the audience vip asks for itself (vip → vip): let one of them do without`, false},
	{"of twice", "[revenue, total]", "[revenue, revenue]", `s.yaml:9:19: "revenue" stands twice in of of the computed trait revenue: keep one`, true},
	{"empty of", "[revenue, total]", "[]", `s.yaml:9:9: of of the computed trait revenue must list 1 to 10 texts`, true},
	{"number for a text", "name: Best customer", "name: 5", `s.yaml:16:11: name of the audience vip must be text, not a number`, true},
	{"empty text", "name: Best customer", `name: ""`, `s.yaml:16:11: name of the audience vip is empty: write it, or leave the key out`, true},
	{"long text", "name: Best customer", "name: " + strings.Repeat("a", 101), `s.yaml:16:11: name of the audience vip has over 100 characters: shorten it`, true},
	{"priority is text", "priority: 10", "priority: high", `s.yaml:28:15: priority of the block hero-vip must be a whole number from 0 to 1000`, true},
	{"weight 0", "priority: 10", "weight: 0", `s.yaml:28:13: weight of the block hero-vip must be a whole number from 1 to 1000`, true},
	{"weight 1001", "priority: 10", "weight: 1001", `s.yaml:28:13: weight of the block hero-vip must be a whole number from 1 to 1000`, true},
	{"weight 1.5", "priority: 10", "weight: 1.5", `s.yaml:28:13: weight of the block hero-vip must be a whole number from 1 to 1000`, true},
	{"bad date", "from: 2026-11-01", "from: tomorrow", `s.yaml:29:11: from of the block hero-vip must be a date like 2026-11-30, or a time with its offset like 2026-11-30T09:00:00+02:00`, true},
	{"time without offset", "from: 2026-11-01", "from: 2026-11-01T00:00:00", `s.yaml:29:11: from of the block hero-vip must be a date like 2026-11-30, or a time with its offset like 2026-11-30T09:00:00+02:00`, true},
	{"empty zone", "zone: Europe/Kyiv", `zone: ""`, "s.yaml:1:7: zone of a strategy file is empty: write it, or leave the key out", true},
	{"good with a rule", "    audience: vip\n", "    audience: vip\n    when: known\n", "", true},
	{"empty sections", "audiences:", "audiences:\n\naudience:", `s.yaml:16:1: a strategy file has no key "audience"; did you mean "audiences"?` + "\n" +
		`s.yaml:29:15: the block hero-vip is for the audience "vip", which does not exist`, true},

	{"local zone", "zone: Europe/Kyiv", "zone: Local", `s.yaml:1:7: there is no time zone "Local": write an IANA name like Europe/Kyiv`, false},
	{"unknown zone", "zone: Europe/Kyiv", "zone: Europe/Kiew", `s.yaml:1:7: there is no time zone "Europe/Kiew": write an IANA name like Europe/Kyiv`, false},
	{"no zone", "zone: Europe/Kyiv\n", "", `strategy: no file has a zone: write zone: with the IANA name of your time zone, like Europe/Kyiv`, false},
	{"no such day", "from: 2026-11-01", "from: 2026-11-31", `s.yaml:29:11: from of the block hero-vip must be a date like 2026-11-30, or a time with its offset like 2026-11-30T09:00:00+02:00`, false},
	{"until before from", "until: 2026-12-01T", "until: 2026-10-01T", `s.yaml:30:12: the block hero-vip ends before it begins: until must be later than from`, false},
	{"until is from", "until: 2026-12-01T09:00:00+02:00", "until: 2026-11-01", `s.yaml:30:12: the block hero-vip ends before it begins: until must be later than from`, false},
	{"twice in a file", "  hero-vip:", "  hero-welcome:", `s.yaml:25:3: "hero-welcome" stands twice in this mapping, at s.yaml:22 and here: keep one`, false},
	{"alias", "{title: Welcome}", "&x {title: Welcome}\n  other:\n    slot: hero\n    content: *x", "s.yaml:26:5: the block other needs content\n" +
		`s.yaml:27:14: write the value out: anchors and aliases are not supported`, false},
	{"unknown slot", "slot: hero\n    audience", "slot: herro\n    audience", `s.yaml:26:11: the block hero-vip is for the slot "herro", which does not exist; did you mean "hero"?`, false},
	{"unknown audience", "audience: vip", "audience: vp", `s.yaml:27:15: the block hero-vip is for the audience "vp", which does not exist; did you mean "vip"?`, false},
	{"fallback missing", "fallback: hero-welcome", "fallback: hero-wellcome", `s.yaml:20:15: the fallback "hero-wellcome" of the slot hero does not exist; did you mean "hero-welcome"?`, false},
	{"fallback not for all", "fallback: hero-welcome", "fallback: hero-vip", "s.yaml:27:15: the block hero-vip is the fallback of the slot hero and must always do: remove audience\n" +
		"s.yaml:29:11: the block hero-vip is the fallback of the slot hero and must always do: remove from\n" +
		"s.yaml:30:12: the block hero-vip is the fallback of the slot hero and must always do: remove until", false},
	{
		"fallback of another slot", "slots:\n", "slots:\n  other:\n    fallback: hero-welcome\n",
		`s.yaml:20:15: the fallback "hero-welcome" of the slot other is a block of the slot "hero": name one of this slot`, false,
	},

	{"cel syntax", "computed.orders >= 3", "computed.orders >=", `s.yaml:17:29: the rule ends too early`, false},
	{"cel word", "computed.orders >= 3", "known and known", `s.yaml:17:17: "and" is not expected here`, false},
	{"cel variable", "computed.orders >= 3", "trait.country == 3", `s.yaml:17:11: there is no trait; did you mean "traits"?`, false},
	{"cel types", "computed.orders >= 3", `known == 3`, `s.yaml:17:17: these two do not go together here: == of (bool, int)`, false},
	{"not a condition", "computed.orders >= 3", `size(traits.tags)`, `s.yaml:17:11: the rule of the audience vip gives a int, not true or false: compare it with something`, false},
	{"any value", "computed.orders >= 3", `traits.flag`, `s.yaml:17:11: the rule of the audience vip gives any value, not true or false: compare it with something`, false},
	{"unknown computed", "computed.orders >= 3", "computed.order >= 3", `s.yaml:17:19: there is no computed trait "order"; did you mean "orders"?`, false},
	{"macro", "computed.orders >= 3", `traits.tags.exists(t, t == "a")`, `s.yaml:17:29: exists cannot be used in a rule: rules know has,`, false},
	{"map", "computed.orders >= 3", `{"a": 1} == traits.a`, `s.yaml:17:20: this is not YAML: `, false},
	{"quoted map", "computed.orders >= 3", `'{"a": 1} == traits.a'`, `s.yaml:17:12: this cannot be used in a rule: rules know has,`, false},
	{"whole traits", "computed.orders >= 3", `size(traits) > 1`, `s.yaml:17:16: traits holds many values: write which one, like traits.name`, false},
	{"inside now", "computed.orders >= 3", `now.hour > 1`, `s.yaml:17:14: now has nothing inside: use it as it is`, false},
	{"index", "computed.orders >= 3", `traits.tags[0] == 1`, `s.yaml:17:22: between [ and ] must stand a name in quotes, like traits["loyalty-tier"]`, false},
	{"pattern", "computed.orders >= 3", `has(traits.a) && traits.a.matches("(")`, `s.yaml:17:45: the pattern "(" cannot be read: write it as RE2 does`, false},
	{"pattern too long", "computed.orders >= 3", `has(traits.a) && traits.a.matches("` + strings.Repeat("a", 257) + `")`, `s.yaml:17:45: a pattern has at most 256 bytes`, false},
	{"pattern from a person", "computed.orders >= 3", `has(traits.a) && traits.a.matches(traits.a)`, `s.yaml:17:51: the pattern of matches must be written in the rule itself`, false},
	{"duration", "computed.orders >= 3", `now - firstSeen < duration("7d")`, `s.yaml:17:37: "7d" is no duration: write hours, minutes and seconds, like "168h" or "1h30m"`, false},
	{"timestamp", "computed.orders >= 3", `now > timestamp("2026-12-01")`, `s.yaml:17:26: "2026-12-01" is no time: write it like "2026-11-30T09:00:00Z"`, false},
	{"too many operations", "computed.orders >= 3", "known" + strings.Repeat(" || known", 120), `s.yaml:17:11: the rule of the audience vip: a rule has at most 200 operations`, false},
	{"step of now", "computed.orders >= 3", `int(now) > 5`, `s.yaml:17:11: the rule of the audience vip: now can only be compared, added to and subtracted; int cannot take it`, false},
	{"second line of a block", "computed.orders >= 3", "|\n      known &&\n      computed.order >= 3", `s.yaml:19:15: there is no computed trait "order"; did you mean "orders"?`, false},
	{"second line of a folded block", "computed.orders >= 3", ">-\n      known\n        && computed.order >= 3", `s.yaml:19:20: there is no computed trait "order"; did you mean "orders"?`, false},
	{"inside quotes", "computed.orders >= 3", `"known && traits.a == \"x\" && computed.order >= 3"`, `s.yaml:17:50: there is no computed trait "order"; did you mean "orders"?`, false},
	{"unguarded", "computed.orders >= 3", `known && traits.country != "UA"`, `warning s.yaml:17:20: whoever has no traits.country never matches, not even a rule that says != or !: write has(traits.country) && … to show that this is meant`, false},
	{"unguarded last", "computed.orders >= 3", `now - computed.last_order_at > duration("1h")`, `warning s.yaml:17:17: whoever has no computed.last_order_at never matches, not even a rule that says != or !: write has(computed.last_order_at) && … to show that this is meant`, false},
	{"context in an audience", "computed.orders >= 3", `has(context.a) && context.a == 1`, `warning s.yaml:17:11: the audience vip reads context, which is empty except while a website asks for content: put that condition into the when of a block`, false},
	{"two documents", "zone: Europe/Kyiv", "zone: Europe/Kyiv\n---\nzone: Europe/Kyiv", `s.yaml:2:1: a file holds one YAML document: move what follows --- to a file of its own`, false},
	{"not YAML", "zone: Europe/Kyiv", "zone: [", `s.yaml:`, false},
	{"infinity", "{title: Welcome}", "{title: .inf}", `s.yaml:24:22: ".inf" cannot be written as JSON: put it in quotes`, false},
}

func TestProblems(t *testing.T) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("the good strategy has no %q", c.old)
			}
			_, problems := publish.Load(write(t, map[string]string{"s.yaml": strings.Replace(good, c.old, c.new, 1)}))
			got := texts(problems)
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" || strings.Count(got, "\n") > strings.Count(c.want, "\n")+2 {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// schemaOf is the schema that editors hold a strategy against.
func schemaOf(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	raw, err := os.ReadFile("../strategy/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

// TestSchemaAgrees makes sure that editors, which go by the schema, and Load say
// the same about the form of a file.
func TestSchemaAgrees(t *testing.T) {
	resolved := schemaOf(t)
	valid := func(t *testing.T, text string) error {
		t.Helper()
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		return resolved.Validate(datesAsText(v))
	}
	for _, c := range sourceChanges {
		t.Run(c.name, func(t *testing.T) {
			if err := valid(t, strings.Replace(goodSource, c.old, c.new, 1)); (err == nil) != (c.want == "" || !c.structural) {
				t.Errorf("the schema says %v, Load %q", err, c.want)
			}
		})
	}
	for _, c := range changes {
		text := strings.Replace(good, c.old, c.new, 1)
		switch c.name {
		case "two documents", "not YAML", "map", "twice in a file", "alias", "infinity":
			continue // has no form to speak of
		}
		t.Run(c.name, func(t *testing.T) {
			if err := valid(t, text); (err == nil) != (c.want == "" || !c.structural) {
				t.Errorf("the schema says %v, Load %q", err, c.want)
			}
		})
	}
	samples, _ := filepath.Glob("../strategy/*.yaml")
	for _, path := range samples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, string(text)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if !strings.HasPrefix(string(text), "# yaml-language-server: $schema=schema.json\n") {
			t.Errorf("%s does not name its schema", path)
		}
	}
}

// datesAsText makes of decoded YAML what JSON has: a date without quotes is text.
func datesAsText(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = datesAsText(v[key])
		}
	case []any:
		for i := range v {
			v[i] = datesAsText(v[i])
		}
	case time.Time:
		return v.Format(time.RFC3339)
	}
	return v
}

func TestSameIDInTwoFiles(t *testing.T) {
	_, problems := publish.Load(write(t, map[string]string{"a.yaml": good, "b.yaml": "zone: UTC\nslots:\n  hero:\n    fallback: hero-vip\n"}))
	want := "b.yaml:1:7: zone stands twice, at a.yaml:1 and here: keep one\nb.yaml:3:3: the slot hero stands twice, at a.yaml:19 and here: rename one of them"
	if got := texts(problems); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Row 100: what asks for itself by way of other files is found as well, once.
func TestAudiencesGoInNoCircle(t *testing.T) {
	_, problems := publish.Load(write(t, map[string]string{
		"a.yaml": strings.Replace(good, "computed.orders >= 3", "known && audiences.close", 1),
		"b.yaml": "audiences:\n  close:\n    name: Close\n    when: '!audiences[\"far-away\"]'\n  far-away:\n    name: Far\n    when: audiences.close || audiences.vip\n",
	}))
	want := `b.yaml:4:11: the audience close asks for itself (close → far-away → close): let one of them do without` + "\n" +
		`b.yaml:4:11: the audience close asks for itself (close → far-away → vip → close): let one of them do without`
	if got := texts(problems); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A rule that grows too large by what it asks for is refused where it stands.
func TestAudiencesAskForTooMuch(t *testing.T) {
	var b strings.Builder
	b.WriteString("zone: UTC\naudiences:\n  a0: {name: A, when: known}\n")
	for i := range 12 {
		fmt.Fprintf(&b, "  a%d: {name: A, when: audiences.a%d && audiences.a%d}\n", i+1, i, i)
	}
	_, problems := publish.Load(write(t, map[string]string{"s.yaml": b.String()}))
	if got := texts(problems); strings.Contains(got, "\n") || !strings.HasPrefix(got, "s.yaml:11:23: with the audiences that it asks for, the audience a8 has over 1000 operations") {
		t.Error(got)
	}
}

func TestNoStrategy(t *testing.T) {
	for name, dir := range map[string]string{"empty folder": t.TempDir(), "no folder": filepath.Join(t.TempDir(), "none")} {
		if _, problems := publish.Load(dir); len(problems) != 1 || problems[0].Warning {
			t.Errorf("%s: %s", name, texts(problems))
		}
	}
}
