package people_test

import (
	"strings"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/person"
	"rapport/shared/table"
)

// findings is what lies in the table.
type findings struct {
	people   map[string]*person.Person // by root
	pointers map[string]string
	tombs    map[string]person.Tombstone
	timers   map[string][]time.Time // due instants by root
	records  int
}

func (m *machine) scan(t *rapid.T) *findings {
	f := &findings{
		people: map[string]*person.Person{}, pointers: map[string]string{},
		tombs: map[string]person.Tombstone{}, timers: map[string][]time.Time{},
	}
	for item := range m.shelf.items() {
		hash, child := strings.CutPrefix(item.Key.Partition, "n#")
		if _, node, due, ok := table.ParseTimerSort(item.Key.Sort); ok && !child {
			f.timers[node] = append(f.timers[node], due)
		}
		if child && strings.HasPrefix(item.Key.Sort, table.EventPrefix) && len(item.Body) > 0 {
			f.records++
		}
		if item.Key.Sort != "person" {
			continue
		}
		if pointer, ok := person.DecodePointer(item.Body); ok {
			f.pointers[hash] = pointer.To
		} else if tomb, ok := person.DecodeTombstone(item.Body); ok {
			f.tombs[hash] = tomb
		} else {
			f.people[hash] = m.decode(t, hash, &item)
		}
	}
	return f
}

// decode reads a person's item, once each time that it changes.
func (m *machine) decode(t *rapid.T, root string, item *table.Item) *person.Person {
	p := m.decoded[root+string(item.Body)]
	if p == nil {
		var err error
		if p, err = person.Decode(root, item.Version, item.Body); err != nil {
			t.Fatal(err)
		}
		m.decoded[root+string(item.Body)] = p
	}
	return p
}

// draw is portraitOf, once for a moment.
func (m *machine) draw(p *person.Person) portrait {
	d, ok := m.drawn[p]
	if !ok || !d.at.Equal(m.clock.now) {
		d = drawing{m.clock.now, portraitOf(p, m.strat, m.clock.now)}
		m.drawn[p] = d
	}
	return d.portrait
}

// person resolves a node in at most two reads.
func (f *findings) person(hash string) (p *person.Person, root string) {
	if to, ok := f.pointers[hash]; ok {
		hash = to
	}
	return f.people[hash], hash
}

// sound holds that nothing else lies in the table than what the reference knows.
func (f *findings) sound(t *rapid.T, w *world, roots map[string]bool) {
	for root, p := range f.people {
		if !roots[root] {
			t.Fatalf("%v is somebody nobody knows", identities(p))
		}
		if due := f.timers[root]; p.Due.IsZero() && len(due) > 0 || !p.Due.IsZero() && (len(due) != 1 || !due[0].Equal(p.Due)) {
			t.Fatalf("%v waits for %s, and has the timers %v", identities(p), p.Due, due)
		}
		delete(f.timers, root)
	}
	if len(f.timers) > 0 {
		t.Fatalf("timers of nobody: %v", f.timers)
	}
	for id := range w.erased {
		if tomb, ok := f.tombs[id.Hash()]; !ok || len(tomb.Rest) > 0 {
			t.Fatalf("%s was erased and has no closed tombstone", id)
		}
	}
	if len(f.tombs) != len(w.erased) {
		t.Fatalf("%d tombstones, want %d", len(f.tombs), len(w.erased))
	}
	records := 0
	for _, kept := range w.kept {
		records += len(kept)
	}
	if f.records != records {
		t.Fatalf("%d events are kept, want %d", f.records, records)
	}
}
