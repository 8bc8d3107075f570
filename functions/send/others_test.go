package send_test

import (
	"context"
	"encoding/json"
	"time"

	"rapport/shared/event"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/table"
)

// other is what somebody else does to the customer while the message is on its
// way. No says that after it no mail may go out.
type other struct {
	name string
	no   bool
	do   func(*process) error
}

var others = []other{
	{"nobody", false, nil},
	{"opt-out", true, func(p *process) error {
		return p.store().Agree(context.Background(), p.strategy, customer, "marketing", person.Consent{At: p.clock(), By: "link"})
	}},
	{"order", true, func(p *process) error {
		return p.fold(track("m9", "Order Completed", "device-1", "u1", p.clock(), `{"cart_id":"c1","order_id":"o1"}`))
	}},
	{"suppression", true, func(p *process) error {
		key := table.SuppressionKey(message.AddressHash(address))
		return processTable{p: p}.Commit(context.Background(), p.owner(), table.Put(key, []byte("{}"), time.Time{}, table.Absent()))
	}},
	{"erasure", true, func(p *process) error {
		_, err := people.NewStore(&erasing{processTable: processTable{p: p}}, p.clock, p.owner).Erase(context.Background(), customer, nil)
		return err
	}},
	{"visit", false, func(p *process) error {
		e := track("m9", "Viewed", "device-1", "u1", p.clock(), "")
		return p.fold(e)
	}},
	{"merge", false, func(p *process) error { // the person moves to the item of an older device
		e := track("m9", "", "device-0", "u1", p.clock(), "")
		e.Type, e.Traits = event.Identify, json.RawMessage(`{"plan":"gold"}`)
		return p.fold(e)
	}},
}

// erasing is the table of an erasure. Of its calls only those wait for their turn
// that can matter to who sends: the first commit, which puts the tombstone in the
// customer's place, and those that strip the ledger.
type erasing struct {
	processTable
	begun bool
}

func (e *erasing) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	return e.p.table.Get(ctx, keys...)
}

func (e *erasing) Query(ctx context.Context, partition string, r table.Range) (table.Page, error) {
	return e.p.table.Query(ctx, partition, r)
}

func (e *erasing) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	first := !e.begun
	e.begun = true
	if first || writes[0].Key == table.LedgerKey(e.p.message.Node, e.p.message.ID) {
		return e.processTable.Commit(ctx, owner, writes...)
	}
	return e.p.table.Commit(ctx, owner, writes...)
}

func (p *process) fold(e event.Event) error {
	_, err := p.store().Fold(context.Background(), p.strategy, []event.Event{e})
	return err
}

// run is the other as a process. It has no mishaps, so it must not fail.
func (o other) run(p *process) bool {
	p.no = o.no
	if err := o.do(p); err != nil {
		panic(err)
	}
	return true
}
