package send_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/functions/send"
	"rapport/shared/fault"
	"rapport/shared/insight"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// mishap is what goes wrong with one remote call.
type mishap byte

// The mishaps. A process that is slow stands still for longer than the lease, as
// a frozen sandbox does. What is late has an effect after the caller gave it up:
// soon, while all others are at work, or when they think that all is over.
const (
	fine mishap = iota
	lostRequest
	lostReply
	twice
	slowBefore
	slowAfter
	crashBefore
	crashAfter
	lateSoon
	lateLast
	throttled // by the mail service
	rejected  // by the mail service
	mishaps
)

var mishapNames = [...]string{
	"fine", "lost-request", "lost-reply", "twice", "slow-before", "slow-after",
	"crash-before", "crash-after", "late-soon", "late-last", "throttled", "rejected",
}

func (m mishap) String() string { return mishapNames[m] }

// fits reports whether the mishap can befall the call. That the network asks for
// one mail twice is left out: no sender can tell, and the SDK is told not to.
func (m mishap) fits(call string) bool {
	switch m {
	case throttled, rejected:
		return call == "mail"
	case twice:
		return call != "mail"
	}
	return true
}

// harmless mishaps keep no mail from going out: the mail service refused it for
// now, or a single call to anything else is to be made again.
func (m mishap) harmless(call string) bool {
	return m == throttled || m == twice || call != "mail" && (m == lostRequest || m == lostReply)
}

// world is one scenario at work: the story's table, a mail service, and the
// processes that meet there. One remote call happens at a time, and which one is
// the scenario's choice.
type world struct {
	*story
	table  *memory
	now    time.Time
	seq    int // counts the commits that came through
	said   int // the commit by which the customer said no; 0: not yet
	mails  []mail
	counts map[string]insight.Tally
	clash  string // two tallies with one id and other cells
	ghosts []ghost
	fired  int // mishaps that befell a call
	unsure int // those of them after which it may be right to send nothing
	steps  int
	end    ended
	trace  func(format string, args ...any)
}

type mail struct {
	id    string
	begun int // the commit by which its sender marked the message as being sent
}

type ghost struct {
	at    int // step; -1: when all is over
	haunt func()
}

func (s *story) world() *world {
	w := &world{story: s, now: s.at, counts: map[string]insight.Tally{}, trace: func(string, ...any) {}}
	w.table = copyOf(s.table, w.clock)
	return w
}

func (w *world) clock() time.Time { return w.now }

// process is one invocation: of send, or of whoever changes the customer. It
// stops ahead of each remote call until it is its turn.
type process struct {
	*world
	name    string
	mishaps map[int]mishap // by the number of the call
	calls   int
	begun   int
	no      bool // what it commits is the customer's no
	owner   func() string
	next    func() (string, bool)
	stop    func()
	yield   func(string) bool
	over    bool
	acked   bool
}

// dead is what a process that crashed is thrown out with.
type dead struct{}

func (w *world) start(name string, run func(*process) bool) *process {
	p := &process{world: w, name: name, owner: tokens(name)}
	p.next, p.stop = iter.Pull(iter.Seq[string](func(yield func(string) bool) {
		defer func() {
			if r := recover(); r != nil && r != (dead{}) {
				panic(r)
			}
		}()
		p.yield = yield
		p.acked = run(p)
	}))
	p.step() // up to the first call
	return p
}

// step makes the call that the process waits for, and goes on to the next one.
func (p *process) step() {
	p.steps++
	p.haunt(func(g ghost) bool { return g.at >= 0 && g.at <= p.steps })
	call, ok := p.next()
	p.trace("%s waits for %q", p.name, call)
	p.over = !ok
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

var errNetwork = errors.New("the connection was lost")

// remote makes one remote call, or what becomes of it.
func (p *process) remote(call string, do func() error) error {
	if !p.yield(call) {
		panic(dead{})
	}
	k := p.calls
	p.calls++
	m := p.mishaps[k]
	if m == fine || !m.fits(call) {
		return do()
	}
	p.fired++
	if !m.harmless(call) {
		p.unsure++
	}
	p.trace("%s: %s befalls %s", p.name, m, call)
	switch m {
	case lostReply:
		_ = do()
	case twice:
		_ = do()
		return do()
	case slowBefore:
		p.now = p.now.Add(2 * lease)
		return do()
	case slowAfter:
		defer func() { p.now = p.now.Add(2 * lease) }()
		return do()
	case crashBefore:
		panic(dead{})
	case crashAfter:
		_ = do()
		panic(dead{})
	case lateSoon:
		p.ghosts = append(p.ghosts, ghost{p.steps + 2, func() { _ = do() }})
	case lateLast:
		p.ghosts = append(p.ghosts, ghost{-1, func() { _ = do() }})
	case throttled:
		return fault.New(fault.Unavailable, send.Throttled, "slow down")
	case rejected:
		return fault.New(fault.Invalid, "mail_rejected", "the domain does not exist")
	}
	return errNetwork
}

// processTable is the table as a process reaches it.
type processTable struct {
	table.Table
	p *process
}

func (t processTable) Get(ctx context.Context, keys ...table.Key) (items []*table.Item, err error) {
	err = t.p.remote("get", func() error {
		var err error
		items, err = t.p.table.Get(ctx, keys...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

func (t processTable) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	p := t.p
	return p.remote("commit", func() error {
		if err := p.table.Commit(ctx, owner, writes...); err != nil {
			p.trace("%s: commit: %v", p.name, err)
			return err
		}
		p.seq++
		if p.no && p.said == 0 {
			p.said = p.seq
		}
		for _, w := range writes {
			if w.Key == table.LedgerKey(p.message.Node, p.message.ID) && w.Op == table.OpPut {
				p.trace("%s: ledger %s", p.name, w.Body)
				if bytes.Contains(w.Body, []byte(`"state":"sending"`)) {
					p.begun = p.seq
				}
			}
		}
		return nil
	})
}

// The other ports of send.

func (p *process) Current(context.Context) (*strategy.Strategy, error) { return p.strategy, nil }

func (p *process) Mail(context.Context, *strategy.Strategy, *message.Message, *person.Person) (send.Mail, error) {
	return send.Mail{Subject: "Your cart"}, nil
}

type processMailer struct{ p *process }

func (m processMailer) Send(_ context.Context, _ send.Mail) (id string, err error) {
	begun := m.p.begun
	err = m.p.remote("mail", func() error {
		id = fmt.Sprint("ses-", len(m.p.mails))
		m.p.mails = append(m.p.mails, mail{id, begun})
		m.p.trace("%s: mail %s is out", m.p.name, id)
		return nil
	})
	return id, err
}

type processTallies struct{ p *process }

func (q processTallies) Send(_ context.Context, messages ...string) error {
	return q.p.remote("tally", func() error { return q.p.tally(messages) })
}

// tally counts each id once, as the function tally does.
func (w *world) tally(messages []string) error {
	for _, text := range messages {
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

func (p *process) store() *people.Store {
	return people.NewStore(processTable{p: p}, p.clock, p.owner)
}

// deliver is one delivery of the message by its queue.
func deliver(p *process) bool {
	f := send.New(send.Deps{
		Table: processTable{p: p}, People: p.store(), Strategy: p, Render: p, Mailer: processMailer{p},
		Tallies: processTallies{p}, Now: p.clock, Owner: p.owner, Lease: lease, Log: slog.New(slog.DiscardHandler),
	})
	r, err := f.Handle(context.Background(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "q1", Body: p.body}}})
	return err == nil && len(r.BatchItemFailures) == 0
}
