package hear_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/functions/hear"
	"rapport/shared/embedded"
	"rapport/shared/event"
	"rapport/shared/insight"
	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	device  = "2b7e1516-28ae-4d2a-abf7-158809cf4f3c" // u1's
	address = "recipient@example.com"                // u1's, as the samples have it
)

var (
	user    = person.NodeID{Kind: person.UserID, Value: "u1"}
	browser = person.NodeID{Kind: person.AnonymousID, Value: device}
	cart    = user.Hash() + "_2ghqc9tm5rdv8jvhomg9v6kv9o" // the message that the samples are about
)

// world is the function over a table in which u1's cart mail is being sent.
type world struct {
	t        testing.TB
	db       *embedded.DB
	table    table.Table
	store    *people.Store
	strat    *strategy.Strategy
	down     error // what the strategy's reader answers
	ingest   queue
	tallies  queue
	owners   int
	log      bytes.Buffer
	now      time.Time
	function *hear.Function
}

type queue struct {
	messages []string
	down     error
}

func (q *queue) Send(_ context.Context, messages ...string) error {
	if q.down == nil {
		q.messages = append(q.messages, messages...)
	}
	return q.down
}

func (w *world) Current(context.Context) (*strategy.Strategy, error) { return w.strat, w.down }

func (w *world) owner() string { w.owners++; return fmt.Sprint("owner-", w.owners) }

func open(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: noon}
	clock := func() time.Time { return w.now }
	var err error
	w.strat, err = strategy.Ready(strategy.Document{
		Version: "0123456789ab", Zone: "UTC",
		Purposes: []message.Purpose{{ID: "marketing", Basis: message.OptOut}, {ID: "news", Basis: message.OptIn}},
		Messages: []message.Template{{ID: "cart-reminder", Purpose: "marketing", Guarantee: message.AtMostOnce}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.db, err = embedded.Open(filepath.Join(t.TempDir(), "rapport.db"), clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	w.db.Bolt().NoSync = true // nothing here is about power cuts
	w.table = w.db
	w.store = people.NewStore(w.db, clock, w.owner)
	_, err = w.store.Fold(context.Background(), w.strat, []event.Event{{
		MessageID: "m1", Type: event.Identify, AnonymousID: device, UserID: "u1", Trusted: true, Timestamp: noon.Add(-time.Hour), ReceivedAt: noon, Digest: "1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.sending(cart)
	w.build("123456789012")
	return w
}

func (w *world) build(account string) {
	w.function = hear.New(hear.Deps{
		Table: w.table, People: w.store, Strategy: w, Queue: &w.ingest, Tallies: &w.tallies,
		Now: func() time.Time { return w.now }, Owner: w.owner, Account: account, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
}

// sending stores the ledger of a message that was handed over to SES, without an
// answer so far.
func (w *world) sending(id string) {
	w.t.Helper()
	node, _, _ := strings.Cut(id, "_")
	l := message.Open(&message.Message{
		ID: id, Node: node, Journey: "cart-recovery", Template: "cart-reminder", Due: noon,
	}, message.AtMostOnce)
	for _, err := range []error{l.Claim("send", noon, time.Hour), l.Begin("send", noon, time.Hour)} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	write, err := l.Write()
	if err == nil {
		err = w.db.Commit(context.Background(), w.owner(), write)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// happened is an event of SES about a message, delivered alone in a batch.
type happened struct {
	id, kind  string // as SES names it: "Bounce"
	message   string
	at        time.Time
	part      map[string]any // beside the timestamp
	source    string         // "" for aws.ses
	account   string         // "" for ours
	withoutAt bool
}

var partNames = map[string]string{
	"Send": "send", "Delivery": "delivery", "DeliveryDelay": "deliveryDelay", "Bounce": "bounce", "Complaint": "complaint", "Open": "open",
	"Click": "click", "Reject": "reject", "Rendering Failure": "failure", "Subscription": "subscription",
}

func (h happened) String() string {
	part := map[string]any{"timestamp": h.at}
	if h.withoutAt {
		part = map[string]any{}
	}
	for name, value := range h.part {
		part[name] = value
	}
	mail := map[string]any{"messageId": "0100-ses", "tags": map[string][]string{"message": {h.message}}}
	if h.message == "" {
		delete(mail, "tags")
	}
	body, _ := json.Marshal(map[string]any{
		"id": h.id, "detail-type": "Email", "source": or(h.source, "aws.ses"), "account": or(h.account, "123456789012"),
		"detail": map[string]any{"eventType": h.kind, "mail": mail, partNames[h.kind]: part},
	})
	return string(body)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// batch handles the bodies as one batch and returns which of them come again.
func (w *world) batch(bodies ...string) []int {
	w.t.Helper()
	var batch events.SQSEvent
	for i, body := range bodies {
		batch.Records = append(batch.Records, events.SQSMessage{MessageId: fmt.Sprint(i), Body: body})
	}
	payload, err := json.Marshal(batch)
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := w.function.Handle(context.Background(), payload)
	if err != nil {
		w.t.Fatal(err)
	}
	var again []int
	for _, failure := range answer.(events.SQSEventResponse).BatchItemFailures {
		var i int
		_, _ = fmt.Sscan(failure.ItemIdentifier, &i)
		again = append(again, i)
	}
	return again
}

// ledger is what is stored of the message.
func (w *world) ledger(id string) *message.Ledger {
	w.t.Helper()
	node, _, _ := strings.Cut(id, "_")
	l, err := message.Book{Table: w.db}.Read(context.Background(), node, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// suppressed is what is stored of the address, "" when it may be written to.
func (w *world) suppressed(address string) string {
	w.t.Helper()
	items, err := w.db.Get(context.Background(), table.SuppressionKey(message.AddressHash(address)))
	if err != nil {
		w.t.Fatal(err)
	}
	if items[0] == nil {
		return ""
	}
	return string(items[0].Body)
}

// told are the events on the ingest queue.
func (w *world) told() []event.Event {
	w.t.Helper()
	var out []event.Event
	for _, m := range w.ingest.messages {
		list, err := event.Unpack(m)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, list...)
	}
	return out
}

// counted sums the tallies, each id once, as tally does.
func (w *world) counted() map[string]int64 {
	w.t.Helper()
	seen, out := map[string]bool{}, map[string]int64{}
	for _, m := range w.tallies.messages {
		t, err := insight.ParseTally(m)
		if err != nil {
			w.t.Fatal(err)
		}
		if seen[t.ID] {
			continue
		}
		seen[t.ID] = true
		for _, cell := range t.Cells {
			out[cell.Name] += cell.N
		}
	}
	return out
}

func (w *world) consents() map[string]person.Consent {
	w.t.Helper()
	p, err := w.store.Find(context.Background(), user)
	if err != nil || p == nil {
		w.t.Fatal(p, err)
	}
	return p.Consents()
}
