package explorer_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/table"
)

// promises are what must hold at the end of every scenario. Each names what broke
// it, "" when nothing did.
var promises = []struct {
	name  string
	holds func(*world) string
}{
	{"everything ends", (*world).everythingEnds},
	{"once", (*world).once},
	{"none after no", (*world).noneAfterNo},
	{"one mail for a cart that was left", (*world).cartsLeft},
	{"limits hold", (*world).limitsHold},
	{"ledgers are true", (*world).ledgersAreTrue},
	{"events of SES settle", (*world).eventsSettle},
	{"the balance", (*world).balanced},
	{"charged for what is out", (*world).charged},
	{"effects are out", (*world).effectsAreOut},
	{"each event counts once", (*world).eventsCountOnce},
	{"each event has its record", (*world).eventsAreKept},
	{"nothing is left of who was erased", (*world).erasedIsGone},
}

// violation names the first promise that the scenario broke.
func (w *world) violation() string {
	if w.end.broken != "" {
		return w.end.broken
	}
	for _, p := range promises {
		if broken := p.holds(w); broken != "" {
			return p.name + ": " + broken
		}
	}
	return ""
}

func (w *world) everythingEnds() string {
	if w.end.stuck != "" {
		return w.end.stuck
	}
	for _, p := range w.end.final.people {
		if !p.Due.IsZero() {
			return fmt.Sprintf("somebody is due at %s, and no timer says so", p.Due.Format(time.TimeOnly))
		}
	}
	return w.end.unheard
}

// once: a mail at most, or at least, as the message promises; and none by a
// delivery after all was over.
func (w *world) once() string {
	out := map[string]int{}
	for _, m := range w.mails {
		out[m.message.ID]++
	}
	for id, l := range w.end.before {
		switch {
		case w.scene.guarantee == message.AtMostOnce && out[id] > 1:
			return fmt.Sprintf("%d mails of one message", out[id])
		case w.scene.guarantee == message.AtLeastOnce && out[id] == 0 && l.Reason == "":
			return fmt.Sprintf("a mail got lost: %s without a reason", l.State)
		}
	}
	if n := len(w.mails) - w.end.mails; n > 0 {
		return fmt.Sprintf("%d mails by deliveries after the end", n)
	}
	return ""
}

func (w *world) noneAfterNo() string {
	for _, m := range w.mails {
		if m.begun == 0 {
			return "a mail that was never marked as being sent"
		}
		for _, no := range w.refused {
			about := (no.cart == "" || no.cart == m.message.Key) && (no.until.IsZero() || !m.message.Changed.After(no.until))
			if about && no.seq < m.begun {
				return "a mail was begun after the customer had said no"
			}
		}
	}
	return ""
}

// cartsLeft: between one order and the next, a cart brings one mail at most; and
// one that is left in the end brings one, unless somebody said no to all mail or
// a mishap made it unknown.
func (w *world) cartsLeft() string {
	goals := map[string][]time.Time{}
	last := map[string]time.Time{}
	for _, e := range w.scene.events {
		if cart := cartOf(e); e.Name == "Order Completed" {
			goals[cart] = append(goals[cart], e.Timestamp)
		} else if e.Name == "Product Added" && e.Timestamp.After(last[cart]) {
			last[cart] = e.Timestamp
		}
	}
	for cart, at := range last {
		orders := append(slices.Clone(goals[cart]), goals[""]...)
		mailed := map[int]map[string]bool{} // messages by the orders before them
		for _, m := range w.mails {
			if m.message.Key != cart {
				continue
			}
			n := before(orders, m.message.Changed)
			if mailed[n] == nil {
				mailed[n] = map[string]bool{}
			}
			mailed[n][m.message.ID] = true
			if len(mailed[n]) > 1 {
				return fmt.Sprintf("two mails for %s", cart)
			}
		}
		left := before(orders, at) == len(orders) && !w.refusedAll() && w.unsure == 0
		if left && len(mailed[len(orders)]) == 0 {
			return fmt.Sprintf("%s was left, and no mail went out", cart)
		}
	}
	return ""
}

// before counts the orders before the change; one at the same time is after it.
func before(orders []time.Time, change time.Time) (n int) {
	for _, at := range orders {
		if at.Before(change) {
			n++
		}
	}
	return n
}

func (w *world) refusedAll() bool {
	return slices.ContainsFunc(w.refused, func(r refusal) bool { return r.until.IsZero() })
}

// ledgersAreTrue: one says sent only of what the mail service took, and of that
// it says nothing but sent or unknown.
func (w *world) ledgersAreTrue() string {
	out := map[string]int{}
	for _, m := range w.mails {
		out[m.message.ID]++
		if w.end.before[m.message.ID] == nil {
			return "a mail without a ledger"
		}
	}
	for id, l := range w.end.before {
		switch {
		case !l.Done():
			return fmt.Sprintf("a message is still %s", l.State)
		case l.State == message.Unknown && w.unsure == 0:
			return "a ledger says unknown, and nothing made it so"
		case l.State == message.Sent && out[id] == 0:
			return "a ledger says sent, and nothing was"
		case l.State != message.Sent && l.State != message.Unknown && out[id] > 0:
			return fmt.Sprintf("a ledger says %s, and %d mails are out", l.State, out[id])
		}
	}
	return ""
}

func (w *world) eventsSettle() string {
	mails := map[string][]string{}
	for _, m := range w.mails {
		mails[m.message.ID] = append(mails[m.message.ID], m.id)
	}
	for id, sent := range mails {
		l := w.end.final.ledgers[id]
		slices.Sort(sent)
		if l.State != message.Sent || !slices.Equal(sent, l.Mails) {
			return fmt.Sprintf("SES told of %v, and the ledger says %s, %v", sent, l.State, l.Mails)
		}
	}
	return ""
}

// balanced: the report has each message that was planned in exactly one place.
func (w *world) balanced() string {
	if w.clash != "" {
		return w.clash + " was counted with other cells than before"
	}
	got := map[string]int64{}
	for _, t := range w.counts {
		for _, c := range t.Cells {
			got[strings.TrimPrefix(c.Name, "journey/cart/")] += c.N
		}
	}
	delete(got, "goal") // which orders were after a mail is not what is explored
	want := map[string]int64{}
	for _, e := range w.end.final.effects {
		if e.Kind == people.MessageDue {
			want["planned"]++
		}
	}
	if w.scene.erased { // what planned them went with the customer; the ledgers stay
		want["planned"] = int64(len(w.end.final.ledgers))
	}
	for _, l := range w.end.final.ledgers {
		place := string(l.State)
		if l.State == message.Skipped {
			place += "/" + l.Reason
		}
		want[place]++
		if l.State == message.Sent {
			want["delivered"]++
		}
	}
	for _, cells := range []map[string]int64{got, want} {
		maps.DeleteFunc(cells, func(_ string, n int64) bool { return n == 0 })
	}
	if !maps.Equal(got, want) || int(want["planned"]) != len(w.end.final.ledgers) {
		return fmt.Sprintf("counted %v, want %v", got, want)
	}
	return ""
}

func (w *world) charged() string {
	if w.scene.erased {
		return ""
	}
	var got, want []string
	for _, p := range w.end.final.people {
		for _, s := range p.Sent(time.Time{}) {
			got = append(got, s.ID)
		}
	}
	for id, l := range w.end.final.ledgers {
		if l.Tries > 0 {
			want = append(want, id)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Sprintf("charged for %v, out may be %v", got, want)
	}
	return ""
}

// effectsAreOut: what is stored with events and timers was published, and nothing
// else was. With the customer what was stored is erased.
func (w *world) effectsAreOut() string {
	if w.scene.erased {
		return ""
	}
	out := maps.Clone(w.heard)
	for _, p := range w.queue {
		var m message.Message
		if p.queue == messages && json.Unmarshal([]byte(p.body), &m) == nil {
			out[m.ID] = true
		}
	}
	stored := w.end.final.effects
	for id, e := range stored {
		if e.Kind != people.Counted && !out[id] {
			return fmt.Sprintf("%s was never published", e.Kind)
		}
	}
	for id := range out {
		if _, ok := stored[id]; !ok {
			return "an effect was published that nothing stores"
		}
	}
	return ""
}

func (w *world) eventsCountOnce() string {
	if w.scene.erased {
		return ""
	}
	names := map[string]string{} // of events, by message id
	for _, e := range w.scene.events {
		names[e.MessageID] = e.Name
	}
	want, got := map[string]int{}, map[string]int{}
	for _, name := range names {
		want[name]++
	}
	for _, p := range w.end.final.people {
		computed := p.View(w.strategy().Declared, w.clock()).Computed
		for trait, name := range map[string]string{"added": "Product Added", "viewed": "Viewed"} {
			var n int
			_ = json.Unmarshal(computed[trait], &n)
			if _, shopper := p.Audiences["shopper"]; trait == "added" && shopper != (n > 0) {
				return fmt.Sprintf("%d products, and a shopper: %v", n, shopper)
			}
			got[name] += n
		}
	}
	for name, n := range got {
		if n != want[name] {
			return fmt.Sprintf("%d of %q are counted, %d happened", n, name, want[name])
		}
	}
	return ""
}

// eventsAreKept: each event that was acknowledged has its record, in its own place.
func (w *world) eventsAreKept() string {
	for _, e := range w.scene.events {
		if w.end.final.records[table.EventKey(e.Node().Hash(), e.MessageID)] != e.Digest && !w.scene.erased {
			return e.MessageID + " has no record"
		}
	}
	return ""
}

func (w *world) erasedIsGone() string {
	for key := range w.end.final.records {
		if hash, _ := strings.CutPrefix(key.Partition, "n#"); slices.Contains(w.end.final.graves, hash) {
			return "of the erased there is " + key.Sort
		}
	}
	return ""
}
