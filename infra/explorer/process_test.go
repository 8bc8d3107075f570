package explorer_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"rapport/functions/send"
	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// process is one invocation of a function, or of whoever else changes the
// customer. It stops ahead of each remote call until it is its turn.
type process struct {
	*world
	name    string
	act     act
	calls   chan string // what it is about to call; closed at the end
	turns   chan mishap // how that goes
	call    string      // that it waits for
	commits int
	dead    bool // it crashed: nothing that it does reaches anybody
	over    bool
	acked   bool

	message *message.Message // that it sends
	begun   int              // the commit by which it marked that
	since   time.Time        // and when that was
	alone   bool             // nothing comes between its calls any more
}

// start lets the process run up to its first call.
func (w *world) start(name string, a act) *process {
	p := &process{world: w, name: name, act: a, calls: make(chan string), turns: make(chan mishap)}
	go func() {
		p.acked = a.run(p)
		close(p.calls)
	}()
	p.wait()
	return p
}

func (p *process) wait() {
	call, more := <-p.calls
	p.call, p.over = call, !more
	if p.over && p.acked && !p.dead && p.act.parcel != nil {
		p.act.parcel.acked = true
	}
	if p.over {
		p.trace("%s: over, acknowledged: %v", p.name, p.acked && !p.dead)
	}
}

// step makes the call that the process waits for, and goes on to the next one.
func (p *process) step(m mishap) {
	p.steps++
	p.haunt(func(g ghost) bool { return g.at >= 0 && g.at <= p.steps })
	p.trace("%s: %s, %s", p.name, p.call, m)
	p.turns <- m
	p.wait()
}

// toEnd makes all the calls that are left, without a mishap.
func (p *process) toEnd() *process {
	for !p.over {
		p.step(fine)
	}
	return p
}

// owner gives every commit another token.
func (p *process) owner() string {
	p.tokens++
	return fmt.Sprint(p.name, "-", p.tokens)
}

// remote makes one remote call, or what becomes of it.
func (p *process) remote(call string, do func() error) error {
	if p.dead {
		return errDead
	}
	if p.alone {
		return do()
	}
	p.calls <- call
	m := <-p.turns
	if m == fine {
		return do()
	}
	p.suffer(call, m)
	switch m {
	case lostReply:
		_ = do()
	case twice:
		_ = do()
		return do()
	case slowBefore:
		p.now = p.now.Add(slowness)
		return do()
	case slowAfter:
		defer func() { p.now = p.now.Add(slowness) }()
		return do()
	case crashBefore:
		p.dead = true
	case crashAfter:
		_ = do()
		p.dead = true
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

// suffer notes the mishap, and whether after it no mail may be right: when it
// befell one who marks a mail as being sent, or let the lease of one end who may.
func (p *process) suffer(call string, m mishap) {
	p.suffered[m]++
	p.met[call]++
	begun := p.begun > 0 || p.message != nil && p.commits > 0 && call == "commit"
	for _, o := range p.all {
		begun = begun || m.slow() && o.message != nil && !o.over
	}
	// An erasure strips the ledger, by which a lost reply would be told.
	if begun && (!m.harmless(call) || p.mishaps() > 1 || p.scene.erased) {
		p.unsure++
	}
}

// processTable is the table as a process reaches it.
type processTable struct{ p *process }

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

// Query is a call to wait for only where there is something to find. A sweep asks
// for dozens of partitions of which one holds anything; the orders of the rest
// tell nothing.
func (t processTable) Query(ctx context.Context, partition string, r table.Range) (page table.Page, err error) {
	if page, err = t.p.table.Query(ctx, partition, r); err != nil || len(page.Items) == 0 {
		return page, err
	}
	err = t.p.remote("query", func() error {
		var err error
		page, err = t.p.table.Query(ctx, partition, r)
		return err
	})
	return page, err
}

func (t processTable) Scan(context.Context, table.Segment) (table.Page, error) {
	panic("no function scans the table")
}

func (t processTable) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	p := t.p
	return p.remote("commit", func() error {
		p.commits++
		if err := p.table.Commit(ctx, owner, writes...); err != nil {
			p.trace("%s: %v", p.name, err)
			return err
		}
		p.seq++
		p.watch(writes)
		return nil
	})
}

// watch looks for what the promises are about in a commit that came through.
func (p *process) watch(writes []table.Write) {
	if settles := len(writes) == 1 && strings.HasPrefix(writes[0].Key.Sort, table.EventPrefix); !settles {
		p.alone = p.act.brief
		if p.act.no != nil {
			p.refuse(*p.act.no)
		}
	}
	if len(writes) == 1 && bytes.IndexByte(writes[0].Body, 0) >= 0 && writes[0].Body[0] == '{' {
		p.pended++
	}
	for _, w := range writes {
		if no, ok := p.scene.refusals[w.Key]; ok {
			p.refuse(no)
		}
		if p.message == nil || w.Op != table.OpPut || w.Key != table.LedgerKey(p.message.Node, p.message.ID) {
			continue
		}
		p.trace("%s: ledger %s", p.name, w.Body)
		if bytes.Contains(w.Body, []byte(`"state":"sending"`)) {
			p.begun, p.since = p.seq, p.now
		}
	}
}

// The other ports of the functions.

func (p *process) Current(context.Context) (*strategy.Strategy, error) { return p.strategy(), nil }

func (p *process) Mail(context.Context, *strategy.Strategy, *message.Message, *person.Person) (send.Mail, error) {
	return send.Mail{Subject: "Your cart"}, nil
}

// Send is the mail service.
func (p *process) Send(context.Context, send.Mail) (id string, err error) {
	begun, at := p.begun, p.since
	err = p.remote("mail", func() error {
		id = fmt.Sprint("ses-", len(p.mails))
		p.mails = append(p.mails, mail{id, p.message, begun, at})
		p.trace("%s: mail %s is out", p.name, id)
		return nil
	})
	return id, err
}

// Publish is the bus.
func (p *process) Publish(_ context.Context, effects []people.Effect) error {
	return p.remote("bus", func() error {
		for _, e := range effects {
			p.heard[e.ID] = true
		}
		return nil
	})
}

// processQueue is one of the queues.
type processQueue struct {
	p    *process
	name queueName
}

func (q processQueue) Send(_ context.Context, messages ...string) error {
	return q.p.remote(string(q.name), func() error { return q.p.put(q.name, messages) })
}

func (p *process) store() *people.Store {
	return people.NewStore(processTable{p}, p.clock, p.owner)
}

func (w *world) clock() time.Time { return w.now }
