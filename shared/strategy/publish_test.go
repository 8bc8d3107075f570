package strategy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// titled returns the small strategy with another title, and so another version.
func titled(title string) strategy.Document {
	doc := document()
	doc.Blocks[0].Content = json.RawMessage(fmt.Sprintf(`{"title":%q}`, title))
	return doc
}

func publish(t *testing.T, m *memory, doc strategy.Document) string {
	t.Helper()
	if err := strategy.Publish(context.Background(), m, doc, start); err != nil {
		t.Fatal(err)
	}
	sealed, err := doc.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return sealed.Version
}

func current(t *testing.T, r *strategy.Reader) string {
	t.Helper()
	s, err := r.Current(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s.Version
}

func TestPublishAndRead(t *testing.T) {
	for _, size := range []int{10, 299 << 10, 300 << 10, 700 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			m := newMemory(t)
			doc := titled(strings.Repeat("ü", size/2))
			version := publish(t, m, doc)
			s, err := strategy.NewReader(m, func() time.Time { return start }).Current(context.Background())
			if err != nil || s.Version != version {
				t.Fatalf("read %v, published %s: %v", s, version, err)
			}
			if got := string(s.Blocks[0].Content); got != string(doc.Blocks[0].Content) {
				t.Errorf("content came back as %.40s", got)
			}
			if got := string(s.Blocks[1].Content); got != `{"title":"<b> & ü"}` {
				t.Errorf("content came back as %s", got)
			}
		})
	}
}

func TestPublishAgain(t *testing.T) {
	m := newMemory(t)
	publish(t, m, titled("one"))
	writes := m.writes
	publish(t, m, titled("one"))
	if m.writes != writes {
		t.Errorf("publishing the current strategy again wrote %d times", m.writes-writes)
	}
	two := publish(t, m, titled("two"))
	back := publish(t, m, titled("one"))
	if got := current(t, strategy.NewReader(m, func() time.Time { return start })); got != back || got == two {
		t.Errorf("the current strategy is %s after going back from %s to %s", got, two, back)
	}
}

func TestPublishRefuses(t *testing.T) {
	broken := document()
	broken.Slots[0].Fallback = "none"
	cases := map[fault.Kind]strategy.Document{
		fault.Invalid:  broken,
		fault.TooLarge: titled(strings.Repeat("a", 7<<20)),
	}
	for kind, doc := range cases {
		m := newMemory(t)
		if err := strategy.Publish(context.Background(), m, doc, start); fault.KindOf(err) != kind || err == nil {
			t.Errorf("got %v, want kind %s", err, kind)
		}
		if len(m.items) > 0 {
			t.Errorf("kind %s: something was stored", kind)
		}
	}
}

func TestTwoPublishers(t *testing.T) {
	m := newMemory(t)
	publish(t, m, titled("zero"))
	m.before = func(w table.Write) {
		if w.Key == table.StrategyPointerKey() {
			m.before = nil
			publish(t, m, titled("theirs"))
		}
	}
	if err := strategy.Publish(context.Background(), m, titled("ours"), start); fault.KindOf(err) != fault.Conflict || err == nil {
		t.Errorf("got %v, want a conflict", err)
	}
}

func TestForeignPart(t *testing.T) {
	m := newMemory(t)
	doc, _ := titled("one").Seal()
	key := table.StrategyPartKey(doc.Version, "rest", 0)
	m.items[key] = table.Item{Key: key, Version: 1, Body: []byte("[]")}
	if err := strategy.Publish(context.Background(), m, doc, start); fault.KindOf(err) != fault.Conflict || err == nil {
		t.Errorf("got %v, want a conflict", err)
	}
}

func TestReaderLooksEvery30Seconds(t *testing.T) {
	m, now := newMemory(t), start
	r := strategy.NewReader(m, func() time.Time { return now })
	if _, err := r.Current(context.Background()); !hasCode(err, "no_strategy") || fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("without a strategy: %v", err)
	}
	one := publish(t, m, titled("one"))
	if got := current(t, r); got != one {
		t.Fatalf("after the first publication: %s", got)
	}
	two := publish(t, m, titled("two"))
	steps := []struct {
		at      time.Duration
		refresh bool
		want    string
		reads   int
	}{
		{29999 * time.Millisecond, false, one, 0},
		{30 * time.Second, false, two, 2},  // pointer and part
		{31 * time.Second, false, two, 0},  // trusted
		{60 * time.Second, false, two, 1},  // pointer only
		{61 * time.Second, true, two, 1},   // asked to look
		{-60 * time.Second, false, two, 1}, // the clock went back
	}
	for _, step := range steps {
		now = start.Add(step.at)
		if step.refresh {
			r.Refresh()
		}
		before := m.reads
		if got := current(t, r); got != step.want || m.reads-before != step.reads {
			t.Errorf("at %s: %s after %d reads, want %s after %d", step.at, got, m.reads-before, step.want, step.reads)
		}
	}
}

func TestReaderSurvivesFailures(t *testing.T) {
	m, now := newMemory(t), start
	r := strategy.NewReader(m, func() time.Time { return now })
	m.broken = true
	if _, err := r.Current(context.Background()); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	m.broken = false
	one := publish(t, m, titled("one"))
	current(t, r)
	two := publish(t, m, titled("two"))
	delete(m.items, table.StrategyPartKey(two, "rest", 0))
	now = now.Add(time.Minute)
	if got := current(t, r); got != one {
		t.Errorf("with a part missing: %s", got)
	}
	m.broken = true
	now = now.Add(time.Minute)
	if got := current(t, r); got != one {
		t.Errorf("with the table down: %s", got)
	}
}

func TestReaderIsSafeForConcurrentUse(t *testing.T) {
	m := newMemory(t)
	want := publish(t, m, titled("one"))
	r := strategy.NewReader(m, func() time.Time { return start })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				r.Refresh()
				if s, err := r.Current(context.Background()); err != nil || s.Version != want {
					t.Errorf("got %v, %v", s, err)
				}
			}
		})
	}
	wg.Wait()
}

func hasCode(err error, code string) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Code == code
}
