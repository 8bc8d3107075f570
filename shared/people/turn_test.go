package people_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/infra/publish"
	"rapport/shared/audience"
	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// timely is a strategy in which everything can change by time alone.
const timely = `
zone: Europe/Kyiv
computed:
  orders_3d:  {op: count, event: Order Completed, window: 3d}
  revenue_7d: {op: sum, event: Order Completed, of: revenue, window: 7d}
  highest_2d: {op: max, event: Order Completed, of: revenue, window: 2d}
  shops_5d:   {op: unique, event: Order Completed, of: shop, window: 5d}
  shop_4d:    {op: most, event: Order Completed, of: shop, window: 4d}
  quiet_for:  {op: recency, event: Order Completed}
  likes:      {op: affinity, event: Order Completed, of: shop, half_life: 3d}
  orders:     {op: count, event: Order Completed}
lifecycle: {goal: Order Completed, cooling: 4d, lapsed: 9d}
audiences:
  busy: {name: Busy, when: computed.orders_3d >= 2}
  big: {name: Big, when: computed.revenue_7d > 100 || has(computed.highest_2d) && computed.highest_2d >= 90}
  many: {name: Many, when: computed.shops_5d >= 2}
  north: {name: North, when: has(computed.shop_4d) && computed.shop_4d == "north"}
  quiet: {name: Quiet, when: has(computed.quiet_for) && computed.quiet_for >= 5 && computed.quiet_for < 80}
  fond: {name: Fond, when: has(computed.likes.south) && computed.likes.south >= 0.7}
  lost: {name: Lost, when: 'lifecycle in ["cooling", "lapsed"] && !audiences.fond'}
  fresh: {name: Fresh, when: 'now - lastSeen < duration("50h") && !audiences.busy'}
`

func timelyStrategy(t testing.TB) *strategy.Strategy {
	t.Helper()
	return written(t, timely)
}

// written is the strategy that a text declares.
func written(t testing.TB, text string) *strategy.Strategy {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	doc, problems := publish.Load(dir)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// All that changes by time alone is the same from any order, too.
func TestTimelyTraitsInAnyOrder(t *testing.T) {
	strat := timelyStrategy(t)
	for seed := range min(30, seedsByDefault/5) {
		sameFromAnyOrder(t, strat, uint64(seed))
	}
}

// What was announced, by events and by a timer that fires exactly when it is
// due, is at any instant what a fresh evaluation of all events gives. A timer
// fires for nothing only where an event made it needless after it was armed.
func TestTimersAnnounceAtTheRightInstant(t *testing.T) {
	s := timelyStrategy(t)
	w := &watch{}
	variants := alone(t, s)
	for seed := range min(60, seedsByDefault/2) {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		w.s = variants[seed%len(variants)]
		w.seed, w.events, w.p = seed, nil, person.New(userNode("u1"), noon)
		now := noon.Add(time.Duration(r.IntN(24*60)) * time.Minute)
		longest := 4 * 24 * time.Hour
		if seed%3 == 0 {
			longest = 40 * 24 * time.Hour
		}
		for range 14 {
			for range 4 {
				now = now.Add(time.Duration(r.Int64N(int64(longest / 4))))
				w.until(t, now)
			}
			e := purchase(r, len(w.events), now)
			w.events = append(w.events, e)
			w.p, _ = people.Apply(w.p, &e, w.s, now)
			w.compare(t, now)
		}
	}
	t.Logf("%d instants, %d timers, %d of them for nothing", w.instants, w.fired, w.idle)
	if w.instants < 1000 || w.fired < 200 || w.idle*4 > w.fired {
		t.Error("the test covers too little, or too many timers fire for nothing")
	}
}

// alone returns the strategy as it is, with no audience, and with each audience
// alone, as what changes at the same instants for one hides what is wrong with
// another. Only the first two have the life cycle, and who asks for it.
func alone(t *testing.T, s *strategy.Strategy) []*strategy.Strategy {
	t.Helper()
	stages := s.Document
	stages.Audiences = nil
	docs := []strategy.Document{s.Document, stages}
	for i, a := range s.Audiences {
		doc := s.Document
		doc.Audiences = nil
		for j, other := range s.Audiences {
			if i == j || strings.Contains(a.Text, "audiences."+other.ID) {
				doc.Audiences = append(doc.Audiences, other)
			}
		}
		if !strings.Contains(a.Text, "lifecycle") {
			doc.Lifecycle = nil
		}
		docs = append(docs, doc)
	}
	var out []*strategy.Strategy
	for _, doc := range docs {
		ready, err := strategy.Ready(doc)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ready)
	}
	return out
}

// watch goes along with one person.
type watch struct {
	s      *strategy.Strategy
	seed   int
	p      *person.Person
	events []event.Event

	instants, fired, idle int
}

// until fires the timers that are due by then, each exactly when it is.
func (w *watch) until(t *testing.T, at time.Time) {
	t.Helper()
	for !w.p.Due.IsZero() && !w.p.Due.After(at) {
		due := w.p.Due
		w.compare(t, due.Add(-time.Millisecond))
		if w.fired++; len(people.Due(w.p, w.s, due)) == 0 {
			w.idle++
		}
		w.compare(t, due)
	}
	w.compare(t, at)
}

// purchase draws an order, most of them late by up to some days.
func purchase(r *rand.Rand, i int, now time.Time) event.Event {
	e := order(fmt.Sprint("m", i), "u1", now, "0")
	e.Timestamp = now.Add(-time.Duration(r.Int64N(int64(3 * 24 * time.Hour)))).Truncate(time.Millisecond)
	if r.IntN(2) == 0 {
		e.Timestamp = now.Truncate(time.Millisecond)
	}
	e.Properties = fmt.Appendf(nil, `{"revenue":%d,"shop":%q}`, r.IntN(100), []string{"north", "south", "east"}[r.IntN(3)])
	return e
}

// compare holds what was announced against what the events give.
func (w *watch) compare(t *testing.T, at time.Time) {
	t.Helper()
	w.instants++
	s, p, events, seed := w.s, w.p, w.events, w.seed
	view := fromScratch(t, s, events, at)
	var facts audience.Facts
	s.Rules.Fill(&facts, view, nil, at)
	for i, a := range s.Audiences {
		want, _ := s.Rules.Match(i, &facts)
		if _, got := p.Audiences[a.ID]; got != want {
			t.Fatalf("seed %d: at %s %s is %v, from scratch %v: %s\ndue %s", seed, at, a.ID, got, want, s.Rules.Why(i, &facts), p.Due)
		}
	}
	if got := p.Stage; got != view.Stage && (got != "" || view.Stage != person.Visitor) {
		t.Fatalf("seed %d: at %s the stage is %q, from scratch %q", seed, at, got, view.Stage)
	}
}

// fromScratch makes a view of raw events by the definitions of the strategy
// above, with Go's own calendar.
func fromScratch(t *testing.T, s *strategy.Strategy, events []event.Event, at time.Time) *person.View {
	t.Helper()
	v := &person.View{Known: len(events) > 0, Computed: map[string]json.RawMessage{}}
	orders := map[int]int{} // by window
	revenue, highest, last := 0, -1, 1<<30
	shops, times := map[string]bool{}, map[string]int{}
	var days []int
	for _, e := range events {
		var properties struct {
			Revenue int
			Shop    string
		}
		if err := json.Unmarshal(e.Properties, &properties); err != nil {
			t.Fatal(err)
		}
		ago := daysBetween(s.Location(), e.Timestamp, at)
		days = append(days, ago)
		for _, window := range []int{3, 1000} {
			if ago < window {
				orders[window]++
			}
		}
		if ago < 7 {
			revenue += properties.Revenue
		}
		if ago < 2 {
			highest = max(highest, properties.Revenue)
		}
		if ago < 5 {
			shops[properties.Shop] = true
		}
		if ago < 4 {
			times[properties.Shop]++
		}
		last = min(last, ago)
		if e.Timestamp.After(v.LastSeen) {
			v.LastSeen = e.Timestamp
		}
	}
	set := func(name string, n int) { v.Computed[name] = json.RawMessage(strconv.Itoa(n)) }
	set("orders_3d", orders[3])
	set("orders", orders[1000])
	set("revenue_7d", revenue)
	set("shops_5d", len(shops))
	if highest >= 0 {
		set("highest_2d", highest)
	}
	if len(events) > 0 {
		set("quiet_for", last)
	}
	if best := mostFrequent(times); best != "" {
		v.Computed["shop_4d"] = json.RawMessage(strconv.Quote(best))
	}
	v.Computed["likes"] = affinities(s.Location(), events, at)
	if s.Lifecycle != nil {
		v.Stage = stageFrom(s.Location(), events, days)
	}
	return v
}

func mostFrequent(times map[string]int) (best string) {
	for shop, n := range times {
		if best == "" || n > times[best] || n == times[best] && shop < best {
			best = shop
		}
	}
	return best
}

// stageFrom follows the table of the documentation.
func stageFrom(zone *time.Location, events []event.Event, ago []int) person.Stage {
	var latest, before event.Event
	for _, e := range events {
		switch {
		case latest.Timestamp.Before(e.Timestamp):
			latest, before = e, latest
		case before.Timestamp.Before(e.Timestamp):
			before = e
		}
	}
	last := 1 << 30
	for _, n := range ago {
		last = min(last, n)
	}
	switch {
	case len(events) == 0:
		return person.Visitor
	case last >= 9:
		return person.Lapsed
	case last >= 4:
		return person.Cooling
	case len(events) == 1:
		return person.FirstPurchase
	case daysBetween(zone, before.Timestamp, latest.Timestamp) >= 9:
		return person.WonBack
	default:
		return person.Active
	}
}

// affinities weighs the shops: with a half-life of 3 days buckets are of one.
func affinities(zone *time.Location, events []event.Event, at time.Time) json.RawMessage {
	weights := map[string]float64{}
	for _, e := range events {
		var properties struct{ Shop string }
		_ = json.Unmarshal(e.Properties, &properties)
		if ago := daysBetween(zone, e.Timestamp, at); ago < 24 {
			weights[properties.Shop] += math.Exp2(-float64(ago) / 3)
		}
	}
	raw, _ := json.Marshal(weights)
	return raw
}

func daysBetween(zone *time.Location, from, to time.Time) int {
	date := func(t time.Time) time.Time {
		year, month, day := t.In(zone).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	return max(int(date(to).Sub(date(from)).Hours())/24, 0)
}
