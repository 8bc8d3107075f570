package explorer_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rapport/infra/publish"
	"rapport/shared/embedded"
	"rapport/shared/insight"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// stage is a table in a file, which scenarios use one after another, and the
// strategies.
type stage struct {
	extent
	table      *embedded.DB
	world      *world // that is on it now
	strategies map[plan]*strategy.Strategy
}

// plan is which strategy a scene is played by.
type plan struct {
	guarantee message.Guarantee
	limit     string // that holds mails back, "" for none; see contacts
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{extent: chosen(), strategies: map[plan]*strategy.Strategy{}}
	for _, g := range []message.Guarantee{message.AtMostOnce, message.AtLeastOnce} {
		for name, contact := range contacts {
			s.strategies[plan{g, name}] = cartStrategy(t, g, contact)
		}
	}
	var err error
	s.table, err = embedded.Open(t.TempDir()+"/rapport.db", func() time.Time { return s.world.now })
	if err != nil {
		t.Fatal(err)
	}
	s.table.Bolt().NoSync, s.table.Bolt().NoGrowSync, s.table.Bolt().NoFreelistSync = true, true, true // no power cuts here
	t.Cleanup(func() { _ = s.table.Close() })
	return s
}

// cartStrategy is a journey that sends one mail an hour after the cart was left.
func cartStrategy(t testing.TB, g message.Guarantee, contact message.Contact) *strategy.Strategy {
	t.Helper()
	doc, problems := publish.Load("testdata/strategy")
	for _, p := range problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	doc.Contact = contact
	doc.Purposes = []message.Purpose{{ID: "marketing", Name: "Offers", Basis: message.OptOut}}
	doc.Messages = []message.Template{{ID: "reminder", Purpose: "marketing", Guarantee: g, Subject: "Your cart", HTML: "<p>Your cart</p>"}}
	doc.Journeys = []journey.Journey{{
		ID: "cart", Version: "v1", Start: "Product Added", Goal: []string{"Order Completed"}, Key: "cart_id",
		Steps: []journey.Step{{Wait: time.Hour, Send: "reminder"}},
	}}
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// raw is an item as the file holds it.
type raw struct{ key, value []byte }

var bucket = []byte("table") // of shared/embedded

// items are what is in the table.
func (s *stage) items() (out []raw) {
	_ = s.table.Bolt().View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, v []byte) error {
			out = append(out, raw{bytes.Clone(k), bytes.Clone(v)})
			return nil
		})
	})
	return out
}

// fill makes the table hold the items and nothing else.
func (s *stage) fill(items []raw) {
	err := s.table.Bolt().Update(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket(bucket); err != nil {
			return err
		}
		b, err := tx.CreateBucket(bucket)
		for i := 0; err == nil && i < len(items); i++ {
			err = b.Put(items[i].key, items[i].value)
		}
		return err
	})
	if err != nil {
		panic(err)
	}
}

type queueName string

// The queues that hold something to deliver. Tallies are counted at once.
const (
	ingest   queueName = "ingest"
	timers   queueName = "timers"
	messages queueName = "messages"
	tallies  queueName = "tallies"
)

// parcel is a message of a queue, which delivers it until it is acknowledged.
type parcel struct {
	queue queueName
	body  string
	acked bool
	given int // how often it was delivered
}

type mail struct {
	id      string
	message *message.Message
	begun   int // the commit by which its sender marked the message as being sent
	at      time.Time
}

// refusal says that some mails must not be begun any more.
type refusal struct {
	cart  string    // "": all
	until time.Time // of carts last changed no later than that; zero: of all
	seq   int       // the commit that said so
}

type ghost struct {
	at    int // step; -1: when all is over
	haunt func()
}

// world is one scenario at work: a table, queues, a bus, a mail service, a clock,
// and the processes that meet there.
type world struct {
	*stage
	scene  *scene
	now    time.Time
	all    []*process
	queue  []*parcel
	ghosts []ghost
	steps  int
	seq    int // counts the commits that came through
	tokens int

	refused  []refusal
	mails    []mail
	counts   map[string]insight.Tally
	clash    string          // two tallies with one id and other cells
	heard    map[string]bool // effects on the bus, by id
	suffered [mishaps]int
	met      map[string]int // calls that a mishap befell
	pended   int            // events that were committed with their person, before their record
	unsure   int            // mishaps after which it may be right to send nothing
	end      ended
	trace    func(format string, args ...any)
}

// begin puts the scene on the stage.
func (s *stage) begin(sc *scene) *world {
	w := &world{
		stage: s, scene: sc, now: sc.at, counts: maps.Clone(sc.counts), heard: maps.Clone(sc.heard), met: map[string]int{},
		trace: func(string, ...any) {},
	}
	s.world = w
	s.fill(sc.items)
	for _, p := range sc.queue {
		q := *p
		w.queue = append(w.queue, &q)
	}
	return w
}

func (w *world) strategy() *strategy.Strategy { return w.strategies[w.scene.plan] }

// acts are what the scene's processes do, each with its parcel in this world.
func (w *world) acts() []act {
	acts := slices.Clone(w.scene.acts)
	for i, a := range acts {
		if a.parcel != nil {
			acts[i].parcel = w.queue[slices.Index(w.scene.queue, a.parcel)]
		}
	}
	return acts
}

func (w *world) mishaps() (n int) {
	for _, some := range w.suffered {
		n += some
	}
	return n
}

func (w *world) refuse(r refusal) {
	r.seq = w.seq
	w.refused = append(w.refused, r)
}

func (w *world) put(name queueName, bodies []string) error {
	if name == tallies {
		return w.tally(bodies)
	}
	for _, body := range bodies {
		w.queue = append(w.queue, &parcel{queue: name, body: body})
	}
	return nil
}

// tally counts each id once, as the function tally does.
func (w *world) tally(bodies []string) error {
	for _, text := range bodies {
		t, err := insight.ParseTally(text)
		if err != nil {
			return err
		}
		if had, known := w.counts[t.ID]; known && !slices.Equal(had.Cells, t.Cells) {
			w.clash = t.ID
		} else if !known {
			w.counts[t.ID] = t
		}
	}
	return nil
}

func (w *world) haunt(now func(ghost) bool) {
	var rest, due []ghost
	for _, g := range w.ghosts {
		if now(g) {
			due = append(due, g)
		} else {
			rest = append(rest, g)
		}
	}
	w.ghosts = rest
	for _, g := range due {
		g.haunt()
	}
}

// everything reads the whole table.
func (w *world) everything() []table.Item {
	page, err := w.table.Scan(context.Background(), table.Segment{Of: 1})
	if err != nil || page.Next != "" {
		panic(fmt.Sprint("the table cannot be read: ", err, page.Next))
	}
	return page.Items
}
