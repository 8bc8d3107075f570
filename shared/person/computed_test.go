package person_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/person"
)

// bought is one event as the oracle of these tests sees it.
type bought struct {
	day   int
	value string // JSON
}

// purchases draws so many events of some days, with values from a range.
func purchases(r *rand.Rand, count, days, values int) []bought {
	out := make([]bought, count)
	for i := range out {
		out[i] = bought{day: 20_000 + r.IntN(days), value: strconv.Itoa(r.IntN(values))}
		if r.IntN(3) == 0 {
			out[i].value = fmt.Sprintf(`"v%d"`, r.IntN(values))
		}
	}
	return out
}

// fataler is a test, one of rapid's included.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// remembered folds events into one trait of a person with so many devices, and
// returns the person with what is stored of it.
func remembered(t fataler, c person.ComputedTrait, events []bought, devices int, r *rand.Rand) (*person.Person, string) {
	t.Helper()
	p := &person.Person{}
	for i := range devices {
		p.Adopt(&person.Node{ID: person.NodeID{Kind: person.AnonymousID, Value: fmt.Sprint("device-", i)}})
	}
	for _, e := range events {
		at := time.Unix(int64(e.day)*86400+3600, 0)
		p.Nodes[r.IntN(devices)].Fold(c.Name).Add(c, at, e.day, "m", json.RawMessage(e.value))
	}
	body, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := person.Decode("", 1, body)
	if err != nil {
		t.Fatal(err)
	}
	return back, string(body)
}

func valueOn(p *person.Person, c person.ComputedTrait, day int) string {
	v := p.View(&person.Declared{Computed: []person.ComputedTrait{c}}, time.Unix(int64(day)*86400, 0))
	return string(v.Computed[c.Name])
}

// Every trait is what a fresh look at all events of the window gives, on the
// last day or later, in whatever order the events came and on however many
// devices; and one device stores the same bytes.
func TestTraitsEqualTheirDefinition(t *testing.T) {
	oracles := map[person.Op]func(window []bought) string{
		person.Count: func(w []bought) string { return strconv.Itoa(len(w)) }, person.Sum: sumOf, person.Average: averageOf,
		person.Min: lowestOf, person.Max: highestOf, person.Unique: uniqueOf, person.Most: mostOf,
	}
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		ops := []person.Op{person.Count, person.Sum, person.Average, person.Min, person.Max, person.Unique, person.Most}
		c := person.ComputedTrait{Name: "x", Op: rapid.SampledFrom(ops).Draw(t, "op"), Window: rapid.SampledFrom([]int{0, 1, 2, 7, 30}).Draw(t, "window")}
		values := rapid.SampledFrom([]int{3, 12, 300}).Draw(t, "values")
		if c.Op == person.Most {
			values = min(values, 12) // with more of them it chooses, see TestMostChoosesByHash
		}
		events := purchases(r, rapid.IntRange(0, 200).Draw(t, "count"), 40, values)
		devices := rapid.IntRange(1, 4).Draw(t, "devices")
		p, _ := remembered(t, c, events, devices, r)
		_, one := remembered(t, c, events, 1, r)
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		if _, again := remembered(t, c, events, 1, r); again != one {
			t.Fatalf("%+v depends on the order\n%s\n%s", c, one, again)
		}
		newest := 0
		for _, e := range events {
			if _, err := strconv.Atoi(e.value); err == nil || !slices.Contains([]person.Op{person.Sum, person.Average, person.Min, person.Max}, c.Op) {
				newest = max(newest, e.day)
			}
		}
		// What cannot count any more is not stored.
		recent := slices.DeleteFunc(slices.Clone(events), func(e bought) bool { return c.Window > 0 && e.day < newest-c.Window })
		if _, without := remembered(t, c, recent, 1, r); without != one {
			t.Fatalf("%+v stores what is too old\n%s\n%s", c, one, without)
		}
		// A day before the newest: the clock of an event may be ahead over midnight.
		for day := newest - 1; day <= newest+35; day++ {
			var window []bought
			for _, e := range events {
				if c.Window == 0 || e.day > day-c.Window {
					window = append(window, e)
				}
			}
			if want, got := oracles[c.Op](window), valueOn(p, c, day); got != want {
				t.Fatalf("%+v is %q on day %d, by definition %q", c, got, day-newest, want)
			}
		}
	})
}

func sumOf(window []bought) string {
	sum := 0
	for _, e := range window {
		if n, err := strconv.Atoi(e.value); err == nil {
			sum += n
		}
	}
	return strconv.Itoa(sum)
}

func numbersOf(window []bought) (out []int) {
	for _, e := range window {
		if n, err := strconv.Atoi(e.value); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func averageOf(window []bought) string {
	numbers := numbersOf(window)
	if len(numbers) == 0 {
		return ""
	}
	text := big.NewRat(int64(mustInt(sumOf(window))), int64(len(numbers))).FloatString(6)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

func mustInt(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

func lowestOf(window []bought) string {
	if numbers := numbersOf(window); len(numbers) > 0 {
		return strconv.Itoa(slices.Min(numbers))
	}
	return ""
}

func highestOf(window []bought) string {
	if numbers := numbersOf(window); len(numbers) > 0 {
		return strconv.Itoa(slices.Max(numbers))
	}
	return ""
}

func hash(value string) uint64 {
	sum := sha256.Sum256([]byte(value))
	return binary.BigEndian.Uint64(sum[:]) >> 16
}

// uniqueOf counts different values, or estimates from the hash in place 64.
func uniqueOf(window []bought) string {
	var hashes []uint64
	for _, e := range window {
		hashes = append(hashes, hash(e.value))
	}
	slices.Sort(hashes)
	if hashes = slices.Compact(hashes); len(hashes) < person.SketchSize {
		return strconv.Itoa(len(hashes))
	}
	return strconv.Itoa(int((person.SketchSize - 1) * (float64(1<<48) / float64(hashes[person.SketchSize-1]+1))))
}

func mostOf(window []bought) string {
	times := map[string]int{}
	best := ""
	for _, e := range window {
		times[e.value]++
	}
	for value, n := range times {
		if best == "" || n > times[best] || n == times[best] && value < best {
			best = value
		}
	}
	return best
}

// With more values than it remembers, Most knows those with the smallest hashes,
// exactly.
func TestMostChoosesByHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		events := purchases(r, 90, 1, 60)
		c := person.ComputedTrait{Name: "x", Op: person.Most}
		p, _ := remembered(t, c, events, 3, r)
		_, one := remembered(t, c, events, 1, r)
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		if _, again := remembered(t, c, events, 1, r); again != one {
			t.Fatalf("the choice depends on the order\n%s\n%s", one, again)
		}
		var values []string
		for _, e := range events {
			values = append(values, e.value)
		}
		slices.SortFunc(values, func(a, b string) int { return cmp.Compare(hash(a), hash(b)) })
		values = slices.Compact(values)[:person.MaxValues]
		events = slices.DeleteFunc(events, func(e bought) bool { return !slices.Contains(values, e.value) })
		if want, got := mostOf(events), valueOn(p, c, 20_000); got != want {
			t.Fatalf("most = %s, want %s", got, want)
		}
	})
}

// The estimate of Unique is as good as it says.
func TestUniqueEstimatesWell(t *testing.T) {
	c := person.ComputedTrait{Name: "x", Op: person.Unique}
	var events []bought
	for i := range 5000 {
		events = append(events, bought{20_000, strconv.Itoa(i)})
	}
	p, body := remembered(t, c, events, 1, rand.New(rand.NewPCG(1, 1)))
	if n := mustInt(valueOn(p, c, 20_000)); n < 5000*(100-2*13)/100 || n > 5000*(100+2*13)/100 {
		t.Errorf("5000 values are counted as %d", n)
	}
	if len(body) > 1000 {
		t.Errorf("a full sketch takes %d bytes", len(body))
	}
}

func TestAffinityHalves(t *testing.T) {
	c := person.ComputedTrait{Name: "x", Op: person.Affinity, HalfLife: 30}
	events := []bought{{20_000, `"tea"`}, {20_000, `["tea","coffee","tea"]`}, {20_000, `7`}, {20_000, `{"no":1}`}}
	p, _ := remembered(t, c, events, 2, rand.New(rand.NewPCG(1, 1)))
	for after, want := range map[int]string{
		0: `{"7":1,"coffee":1,"tea":2}`, 32: `{"7":0.477,"coffee":0.477,"tea":0.954}`,
		64: `{"7":0.227,"coffee":0.227,"tea":0.455}`, 239: `{"7":0.004,"coffee":0.004,"tea":0.008}`, 240: "",
	} {
		if got := valueOn(p, c, 20_000+after); got != want {
			t.Errorf("after %d days: %s, want %s", after, got, want)
		}
	}
	exact := person.ComputedTrait{Name: "x", Op: person.Affinity, HalfLife: 8}
	p, _ = remembered(t, exact, events[:1], 1, rand.New(rand.NewPCG(1, 1)))
	for after, want := range map[int]string{0: "1", 8: "0.5", 16: "0.25", 24: "0.125", 63: "0.004"} {
		if got := valueOn(p, exact, 20_000+after); got != `{"tea":`+want+`}` {
			t.Errorf("after %d days: %s, want %s", after, got, want)
		}
	}
}

func TestRecency(t *testing.T) {
	c := person.ComputedTrait{Name: "x", Op: person.Recency}
	p, _ := remembered(t, c, []bought{{20_000, ""}, {20_003, ""}, {20_001, ""}}, 2, rand.New(rand.NewPCG(1, 1)))
	for day, want := range map[int]string{20_002: "0", 20_003: "0", 20_004: "1", 20_103: "100"} {
		if got := valueOn(p, c, day); got != want {
			t.Errorf("on day %d: %s, want %s", day, got, want)
		}
	}
	nobody, _ := remembered(t, c, nil, 1, rand.New(rand.NewPCG(1, 1)))
	if got := valueOn(nobody, c, 20_000); got != "" {
		t.Errorf("without an event it is %s", got)
	}
}

func TestAverageRounds(t *testing.T) {
	for _, c := range []struct{ values, want string }{
		{"1 2", "1.5"},
		{"1 1 2", "1.333333"},
		{"2 2 1", "1.666667"},
		{"-1 -1 -2", "-1.333333"},
		{"-2 -2 -1", "-1.666667"},
		{"0 0", "0"},
		{"0.0000001 0", "0"},
		{"-0.0000001 0", "0"},
		{"0.000001 0", "0.000001"},
		{"0.05 0.05", "0.05"},
		{"1e20 1e20", "100000000000000000000"},
	} {
		trait := person.ComputedTrait{Name: "x", Op: person.Average}
		var events []bought
		for value := range strings.FieldsSeq(c.values) {
			events = append(events, bought{20_000, value})
		}
		p, _ := remembered(t, trait, events, 1, rand.New(rand.NewPCG(1, 1)))
		if got := valueOn(p, trait, 20_000); got != c.want {
			t.Errorf("the average of %s is %s, want %s", c.values, got, c.want)
		}
	}
}
