package hear_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/table"
)

func TestMailOfOthersIsAcknowledged(t *testing.T) {
	w := open(t)
	again := w.batch(
		happened{id: "e1", kind: "Bounce", at: noon, part: bounce("Permanent", address)}.String(),
		happened{id: "e2", kind: "Delivery", message: "01JABC", at: noon}.String(),
		happened{id: "e3", kind: "Delivery", message: user.Hash() + "_unheard-of", at: noon}.String(),
		`{"id":"e4","source":"aws.ses","account":"123456789012","detail-type":"Sending Status Disabled","detail":{"tenantName":"a"}}`,
		happened{id: "e5", kind: "Delivery", message: cart, at: noon}.String(),
	)
	if again != nil || len(w.told()) != 1 || w.suppressed(address) != "" {
		t.Errorf("%v come again, told %v, suppressed %q", again, w.told(), w.suppressed(address))
	}
	if !strings.Contains(w.log.String(), "count=4") {
		t.Errorf("the log says %s", w.log.String())
	}
	for _, secret := range []string{address, user.Hash(), "u1"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log names %s", secret)
		}
	}
}

// Row 96, and what cannot be read: each fails alone, with its reason.
func TestStrangeEventsFailAlone(t *testing.T) {
	good := happened{id: "e1", kind: "Delivery", message: cart, at: noon}
	source, account, nameless, timeless := good, good, good, good
	source.source, account.account, nameless.id, timeless.withoutAt = "shop.orders", "210987654321", "", true
	for name, c := range map[string]struct{ body, code string }{
		"source":   {source.String(), "foreign_event"},
		"account":  {account.String(), "foreign_event"},
		"no id":    {nameless.String(), "bad_event"},
		"no time":  {timeless.String(), "bad_event"},
		"no part":  {strings.Replace(good.String(), `"delivery":`, `"other":`, 1), "bad_event"},
		"no JSON":  {"{", "bad_event"},
		"a list":   {"[]", "bad_event"},
		"empty":    {"{}", "bad_event"},
		"a parcel": {`{"source":"aws.ses","account":"123456789012","id":"e1","detail":"text"}`, "bad_event"},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			if again := w.batch(c.body, good.String()); !slices.Equal(again, []int{0}) {
				t.Errorf("%v come again", again)
			}
			if len(w.told()) != 1 || !strings.Contains(w.log.String(), "error=") {
				t.Errorf("told %v, log %s", w.told(), w.log.String())
			}
			if c.body == "[]" || c.body == "{" {
				return
			}
			_, err := w.function.Handle(context.Background(), json.RawMessage(c.body))
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != c.code {
				t.Errorf("alone: %v", err)
			}
		})
	}
	w := open(t)
	w.build("")
	if again := w.batch(account.String()); again != nil {
		t.Errorf("no account is configured: %s", w.log.String())
	}
	if _, err := w.function.Handle(context.Background(), json.RawMessage(`[]`)); fault.KindOf(err) != fault.Malformed {
		t.Errorf("a list: %v", err)
	}
}

// breaking fails commits until it is repaired, or lets another one come first.
type breaking struct {
	table.Table
	err    error
	before func(table.Write)
}

func (b *breaking) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if b.before != nil {
		b.before(writes[0])
	}
	if b.err != nil {
		return b.err
	}
	return b.Table.Commit(ctx, owner, writes...)
}

// An event is acknowledged only when all that follows from it is stored.
func TestFailuresComeAgain(t *testing.T) {
	down := fault.New(fault.Unavailable, "busy", "try again")
	event := happened{id: "e1", kind: "Complaint", message: cart, at: noon, part: map[string]any{"complainedRecipients": to(address)}}.String()
	for name, breakIt := range map[string]func(*world) func(){
		"ingest queue": func(w *world) func() { w.ingest.down = down; return func() { w.ingest.down = nil } },
		"tallies":      func(w *world) func() { w.tallies.down = down; return func() { w.tallies.down = nil } },
		"table": func(w *world) func() {
			b := &breaking{Table: w.db, err: down}
			w.table = b
			w.build("")
			return func() { b.err = nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			repair := breakIt(w)
			if again := w.batch(event); !slices.Equal(again, []int{0}) {
				t.Fatalf("%v come again", again)
			}
			repair()
			if again := w.batch(event); again != nil {
				t.Fatal(w.log.String())
			}
			if len(w.told()) != 1 || w.suppressed(address) == "" || w.counted()["journey/cart-recovery/complained"] != 1 {
				t.Errorf("told %v, counted %v", w.told(), w.counted())
			}
		})
	}
	w := open(t)
	w.down = down
	if _, err := w.function.Handle(context.Background(), json.RawMessage(event)); !errors.Is(err, down) {
		t.Errorf("without a strategy: %v", err)
	}
}

// Two events of one address at the same time: the earlier reason is kept.
func TestSuppressionLosesNoRace(t *testing.T) {
	w := open(t)
	key := table.SuppressionKey(message.AddressHash(address))
	races := 0
	w.table = &breaking{Table: w.db, before: func(write table.Write) {
		if write.Key != key || races > 0 {
			return
		}
		races++
		body := []byte(`{"kind":"complained","at":"2026-11-24T10:00:00Z"}`)
		if err := w.db.Commit(context.Background(), "other", table.Put(key, body, time.Time{}, table.Absent())); err != nil {
			t.Fatal(err)
		}
	}}
	w.build("")
	if again := w.batch(happened{id: "e1", kind: "Bounce", message: cart, at: noon, part: bounce("Permanent", address)}.String()); again != nil {
		t.Fatal(w.log.String())
	}
	if got := w.suppressed(address); races != 1 || !strings.Contains(got, "complained") {
		t.Errorf("%d races, suppressed %s", races, got)
	}
}

func TestClocksThatAreAheadAreNotBelieved(t *testing.T) {
	w := open(t)
	event := happened{id: "e1", kind: "Delivery", message: cart, at: noon.Add(time.Hour)}.String()
	w.batch(event)
	w.now = noon.Add(2 * time.Hour)
	w.batch(event)
	if got := w.ledger(cart).Facts[message.Delivered]; !got.Equal(noon) {
		t.Errorf("delivered %s", got)
	}
	told := w.told()
	if len(told) != 2 || told[0].MessageID != told[1].MessageID || told[0].Digest != told[1].Digest {
		t.Errorf("a repetition has another name: %+v", told)
	}
}

func TestLongLinksAreCut(t *testing.T) {
	w := open(t)
	link := "https://shop.example/?q=1" + strings.Repeat("я", 40<<10)
	w.batch(happened{id: "e1", kind: "Click", message: cart, at: noon, part: map[string]any{"userAgent": agent, "link": link}}.String())
	if told := w.told(); len(told) != 1 || len(told[0].Properties) > 3<<10 || bytes.ContainsRune(told[0].Properties, '\uFFFD') || bytes.Contains(told[0].Properties, []byte(`\ufffd`)) {
		t.Errorf("told %d: %s", len(told), w.log.String())
	}
}
