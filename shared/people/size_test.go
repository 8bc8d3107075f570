package people_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/table"
)

// One write unit of DynamoDB.
const unit = 1 << 10

// personBytes is the size of the item that the person lies in.
func personBytes(t *testing.T, tb table.Table, id person.NodeID) int {
	t.Helper()
	items, err := tb.Get(t.Context(), table.PersonKey(id.Hash()))
	if err != nil || items[0] == nil {
		t.Fatal(id, err)
	}
	return items[0].Bytes()
}

// A visitor whom nobody knows by name costs one write unit an event, however
// long they look around.
func TestVisitorFitsIntoOneUnit(t *testing.T) {
	tb, strat := newTable(t, at(noon)), sample(t)
	s := newStore(tb, at(noon))
	for i := range 50 {
		e := page(fmt.Sprint("m", i), phone, noon.Add(time.Duration(i)*time.Minute-24*time.Hour))
		e.Properties = json.RawMessage(`{"path":"/shop/tea/linden-blossom","title":"Linden & Leaf","url":"https://shop.example.com/shop/tea/linden-blossom"}`)
		fold(t, s, strat, e)
	}
	n := personBytes(t, tb, device(phone))
	t.Logf("a visitor with 50 page views: %d bytes", n)
	if n > unit {
		t.Errorf("a visitor takes %d bytes, more than one write unit: keep less of nodes", n)
	}
}

func TestCustomerFitsIntoOneRead(t *testing.T) {
	tb, strat := newTable(t, at(noon)), sample(t)
	s := newStore(tb, at(noon))
	fold(t, s, strat, login("i", phone, "u1", noon.Add(-100*24*time.Hour),
		`{"email":"u1@example.com","firstName":"Olena","lastName":"Example","country":"UA","language":"uk","phone":"+380000000000"}`))
	for i := range 50 {
		fold(t, s, strat, order(fmt.Sprint("o", i), "u1", noon.Add(time.Duration(i-100)*24*time.Hour), fmt.Sprintf("%d.90", 20+i)))
	}
	n := 0
	for _, id := range []person.NodeID{userNode("u1"), device(phone)} {
		n = max(n, personBytes(t, tb, id))
	}
	t.Logf("a customer with 50 orders: %d bytes", n)
	if n > 4*unit {
		t.Errorf("a customer takes %d bytes, more than one read unit: keep less of each order", n)
	}
}

// captured are the events that the SDKs' captures decode to.
func captured(t *testing.T, client string) (out []event.Event) {
	t.Helper()
	text, err := os.ReadFile("../event/testdata/" + client + ".golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string][][]struct{ Event *event.Event }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for _, requests := range golden {
		for _, request := range requests {
			for _, o := range request {
				if o.Event != nil {
					out = append(out, *o.Event)
				}
			}
		}
	}
	return out
}

// An event of an SDK, with all that it says of its browser, takes one write unit
// of record.
func TestRecordFitsIntoOneUnit(t *testing.T) {
	for _, client := range []string{"segment-browser", "segment-node", "segment-go", "rudder-node", "jitsu-node"} {
		all, raw, most := 0, 0, 0
		events := captured(t, client)
		for _, e := range events {
			text, err := json.Marshal(people.Record{Event: e})
			if err != nil {
				t.Fatal(err)
			}
			n := table.Item{Key: table.EventKey(e.Node().Hash(), e.MessageID), Body: people.Pack(text)}.Bytes()
			if all, raw, most = all+n, raw+len(text), max(most, n); n > unit && len(text) < 4*unit {
				t.Errorf("%s: the record of %s takes %d bytes", client, text, n)
			}
		}
		t.Logf("%s: %d records of %d bytes, at most %d; as JSON alone %d", client, len(events), all/len(events), most, raw/len(events))
	}
}

func TestPackedComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.Just(people.Dictionary), rapid.Just("Mozilla/5.0 (")), 0, 100).Draw(t, "parts")
		text := []byte("{" + strings.Join(parts, ","))
		body := people.Pack(text)
		if len(body) > len(text) {
			t.Errorf("%d bytes became %d", len(text), len(body))
		}
		back, err := people.Unpack(body)
		if err != nil || !bytes.Equal(back, text) {
			t.Errorf("%q came back as %q, %v", text, back, err)
		}
	})
}

// What is stored was packed against the dictionary as it is.
func TestDictionaryStays(t *testing.T) {
	const want = "a517c1ce6131f197"
	if sum := sha256.Sum256([]byte(people.Dictionary)); hex.EncodeToString(sum[:8]) != want {
		t.Errorf("the dictionary changed (%x): give the new one a byte of its own beside packed, and keep this one", sum[:8])
	}
}

func TestBrokenRecordIsAFault(t *testing.T) {
	body := people.Pack(bytes.Repeat([]byte(`{"e":{}}`), 100))
	if body[0] == '{' {
		t.Fatal("it is not packed")
	}
	if _, err := people.Unpack(body[:len(body)/2]); err == nil {
		t.Error("half of a record is read")
	}
}

func BenchmarkPack(b *testing.B) {
	text, err := os.ReadFile("../../events/collect/segment-browser-track.json")
	if err != nil {
		b.Fatal(err)
	}
	var sample struct{ Body string }
	if err := json.Unmarshal(text, &sample); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		people.Pack([]byte(sample.Body))
	}
}
