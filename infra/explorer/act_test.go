package explorer_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/functions/advance"
	"rapport/functions/hear"
	"rapport/functions/send"
	"rapport/functions/unify"
	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/table"
)

// lease is how long a message belongs to one invocation of send; slowness is
// longer than that.
const (
	lease    = send.Lease
	slowness = lease + time.Minute
)

// act is what a process does: it answers whether it is done with it.
type act struct {
	name   string
	run    func(*process) bool
	parcel *parcel  // that it delivers
	no     *refusal // what it commits is the customer's no
	brief  bool     // what follows its first commit is explored elsewhere
}

// delivery hands a parcel to the function behind its queue.
func delivery(p *parcel) act {
	run := map[queueName]func(*process) bool{ingest: unified, timers: woken, messages: sent}[p.queue]
	return act{name: string(p.queue), run: run, parcel: p}
}

var silence = slog.New(slog.DiscardHandler)

func (p *process) batch() events.SQSEvent {
	p.act.parcel.given++
	return events.SQSEvent{Records: []events.SQSMessage{{MessageId: "q1", Body: p.act.parcel.body}}}
}

func (p *process) outlet() people.Outlet {
	return people.Outlet{Bus: p, Messages: processQueue{p, messages}, Tallies: processQueue{p, tallies}}
}

var receipts = decision.Keys([]byte("a secret of these tests, 32 bytes"))

func unified(p *process) bool {
	f := unify.New(unify.Deps{People: p.store().Counting(receipts), Strategy: p, Outlet: p.outlet(), Log: silence})
	return handles(f, p.batch())
}

func (p *process) advance(payload any) bool {
	f := advance.New(advance.Deps{Timers: p.store(), Strategy: p, Queue: processQueue{p, timers}, Outlet: p.outlet(), Log: silence})
	return handles(f, payload)
}

// handles gives a function its payload, and reports whether all of it is done.
func handles(f interface {
	Handle(ctx context.Context, payload json.RawMessage) (any, error)
}, payload any,
) bool {
	body, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	answer, err := f.Handle(context.Background(), body)
	r, batch := answer.(events.SQSEventResponse)
	return err == nil && (!batch || len(r.BatchItemFailures) == 0)
}

func woken(p *process) bool { return p.advance(p.batch()) }

// tick is the minute of the clock. Nobody repeats one that fails. It may begin at
// any moment, and what it sweeps depends on when.
var tick = act{name: "tick", run: func(p *process) bool {
	_ = p.remote("begin", func() error { return nil })
	return p.advance(map[string]string{"source": "aws.scheduler", "detail-type": "Scheduled Event"})
}}

func sent(p *process) bool {
	p.message = &message.Message{}
	if err := json.Unmarshal([]byte(p.act.parcel.body), p.message); err != nil {
		panic(err)
	}
	f := send.New(send.Deps{
		Table: processTable{p}, People: p.store(), Strategy: p, Render: p, Mailer: p,
		Tallies: processQueue{p, tallies}, Now: p.clock, Owner: p.owner, Lease: lease, Log: silence,
	})
	r, err := f.Handle(context.Background(), p.batch())
	return err == nil && len(r.BatchItemFailures) == 0
}

// said lets hear know what SES says of a mail. It has no mishaps: what it must
// keep through those is tested beside it.
func (w *world) said(kind, part string, m mail) {
	p := &process{world: w, name: "hear"}
	f := hear.New(hear.Deps{
		Table: w.table, People: people.NewStore(w.table, w.clock, p.owner), Strategy: p,
		Queue: direct{w, ingest}, Tallies: direct{w, tallies}, Now: w.clock, Owner: p.owner, Log: silence,
	})
	body, err := json.Marshal(map[string]any{
		"id": kind + m.id, "source": "aws.ses", "detail": map[string]any{
			"eventType": kind, part: map[string]any{"timestamp": w.now},
			"mail": map[string]any{"messageId": m.id, "tags": map[string]any{"message": []string{m.message.ID}}},
		},
	})
	if err == nil {
		_, err = f.Handle(context.Background(), body)
	}
	if err != nil {
		w.end.unheard = err.Error()
	}
}

// direct is a queue without mishaps.
type direct struct {
	w    *world
	name queueName
}

func (q direct) Send(_ context.Context, messages ...string) error { return q.w.put(q.name, messages) }

// What others do to the customer.

var everyMail = &refusal{}

var optOut = act{name: "opt-out", no: everyMail, run: func(p *process) bool {
	return p.store().Agree(context.Background(), p.strategy(), customer, "marketing", person.Consent{At: p.clock(), By: "link"}) == nil
}}

var suppression = act{name: "suppression", no: everyMail, run: func(p *process) bool {
	put := table.Put(table.SuppressionKey(message.AddressHash(address)), []byte("{}"), time.Time{}, table.Absent())
	return processTable{p}.Commit(context.Background(), p.owner(), put) == nil
}}

// erasure is over for others with its first commit; shared/people explores how
// the rest of it meets them.
var erasure = act{name: "erasure", no: everyMail, brief: true, run: func(p *process) bool {
	_, err := p.store().Erase(context.Background(), customer, nil)
	return err == nil || fault.KindOf(err) == fault.NotFound
}}
