package send_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport/shared/message"
	"rapport/shared/people"
	"rapport/shared/person"
)

// visibility is how long the queue waits until it delivers again what was not
// acknowledged.
const visibility = 6 * time.Minute

// ended is what a scenario came to, besides what is in the table.
type ended struct {
	stuck   bool
	before  *message.Ledger // when the queue was done with it
	final   *message.Ledger // after the mail service told what it took
	resent  int             // mails that went out at a delivery after all was over
	unheard bool            // a fact did not make an unknown message sent
}

// settle lets the queue deliver until the message is acknowledged, whatever is
// late arrive, the mail service tell what it took, and the queue deliver once
// more what it had forgotten to delete.
func (w *world) settle(acked bool) {
	for i := 0; !acked; i++ {
		if i == 6 {
			w.end.stuck = true
			return
		}
		acked = w.redeliver(fmt.Sprint("R", i))
	}
	w.haunt(func(ghost) bool { return true })
	w.end.before = w.ledger()
	book := message.Book{Table: w.table, Owner: tokens("hear")}
	for _, m := range w.mails {
		for _, f := range []message.Fact{message.Accepted, message.Delivered} {
			if l, err := book.Settle(context.Background(), w.message.ID, f, m.id, w.now); err != nil || l.State != message.Sent {
				w.end.unheard = true
			}
		}
	}
	out := len(w.mails)
	if !w.redeliver("Z") {
		w.end.stuck = true
	}
	w.end.final, w.end.resent = w.ledger(), len(w.mails)-out
}

func (w *world) redeliver(name string) (acked bool) {
	w.now = w.now.Add(visibility)
	p := w.start(name, deliver)
	for !p.over {
		p.step()
	}
	p.stop()
	return p.acked
}

func (w *world) ledger() *message.Ledger {
	l, err := message.Book{Table: w.table}.Read(context.Background(), w.message.Node, w.message.ID)
	if err != nil {
		panic(err)
	}
	return l
}

// String says in a word or two how it ended.
func (e ended) String() string {
	switch {
	case e.stuck:
		return "stuck"
	case e.before.Reason != "":
		return string(e.before.State) + " (" + e.before.Reason + ")"
	}
	return string(e.before.State)
}

// violation names the first promise that the scenario broke, and how many were
// looked at.
func (w *world) violation(s scenario) (checks int, broken string) {
	promises := []func(scenario) string{
		w.notStuck, w.onceOrAtLeastOnce, w.noneAfterNo, w.ledgerIsTrue, w.eventsSettle, w.countedOnce, w.chargedForWhatIsOut, w.notHeldBack,
	}
	for i, promise := range promises {
		if broken = promise(s); broken != "" {
			return i + 1, broken
		}
	}
	return len(promises), ""
}

func (w *world) notStuck(scenario) string {
	if w.end.stuck {
		return "the message is never acknowledged"
	}
	return ""
}

func (w *world) onceOrAtLeastOnce(s scenario) string {
	l := w.end.before
	switch {
	case s.guarantee == message.AtMostOnce && len(w.mails) > 1:
		return fmt.Sprintf("%d mails are out, at most one may be", len(w.mails))
	case s.guarantee == message.AtLeastOnce && len(w.mails) == 0 && l.Reason == "":
		return fmt.Sprintf("the mail got lost: %s without a reason", l.State)
	case w.end.resent > 0:
		return "a delivery after the end sent again"
	}
	return ""
}

func (w *world) noneAfterNo(scenario) string {
	for _, m := range w.mails {
		switch {
		case m.begun == 0:
			return "a mail went out that was never marked as being sent"
		case w.said > 0 && w.said < m.begun:
			return "a mail was begun after the customer had said no"
		}
	}
	return ""
}

// ledgerIsTrue: it says sent only of what the mail service took, and of that it
// says nothing but sent or unknown.
func (w *world) ledgerIsTrue(scenario) string {
	l, out := w.end.before, len(w.mails)
	switch {
	case l == nil:
		return "there is no ledger"
	case l.State == message.Sent && out == 0:
		return "the ledger says sent, and nothing was"
	case l.State != message.Sent && l.State != message.Unknown && out > 0:
		return fmt.Sprintf("the ledger says %s, and %d mails are out", l.State, out)
	}
	return ""
}

func (w *world) eventsSettle(scenario) string {
	l := w.end.final
	var ids []string
	for _, m := range w.mails {
		ids = append(ids, m.id)
	}
	slices.Sort(ids)
	switch {
	case w.end.unheard, len(ids) > 0 && l.State != message.Sent:
		return fmt.Sprintf("the mail service told of %v, and the ledger says %s", ids, l.State)
	case !slices.Equal(ids, l.Mails):
		return fmt.Sprintf("the ledger knows the mails %v, there are %v", l.Mails, ids)
	}
	return ""
}

// countedOnce: the message is in exactly one place of the report.
func (w *world) countedOnce(scenario) string {
	if w.clash != "" {
		return w.clash + " was counted with other cells than before"
	}
	cells := map[string]int64{}
	for _, t := range w.counts {
		for _, c := range t.Cells {
			cells[strings.TrimPrefix(c.Name, "journey/cart/")] += c.N
		}
	}
	maps.DeleteFunc(cells, func(_ string, n int64) bool { return n == 0 })
	l := w.end.final
	want := map[string]int64{string(l.State): 1}
	if l.State == message.Skipped {
		want = map[string]int64{"skipped/" + l.Reason: 1}
	}
	if len(w.mails) > 0 {
		want["delivered"] = 1
	}
	if !maps.Equal(cells, want) {
		return fmt.Sprintf("counted %v, want %v", cells, want)
	}
	return ""
}

func (w *world) chargedForWhatIsOut(scenario) string {
	p, err := people.NewStore(w.table, w.clock, nil).Find(context.Background(), customer)
	if err != nil || p == nil {
		return "" // erased
	}
	n := len(slices.DeleteFunc(p.Sent(time.Time{}), func(s person.Send) bool { return s.ID != w.message.ID }))
	if want := min(w.end.final.Tries, 1); n != want {
		return fmt.Sprintf("the customer is charged for %d mails, %d may be out", n, want)
	}
	return ""
}

// notHeldBack: without a no, and without more than one harmless mishap, the mail
// goes out.
func (w *world) notHeldBack(s scenario) string {
	if s.other.no || w.fired > 1 || w.unsure > 0 || len(w.mails) > 0 {
		return ""
	}
	return fmt.Sprintf("the mail was held back: %s", w.end)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
