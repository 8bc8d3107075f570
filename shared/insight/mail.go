package insight

import (
	"time"

	"rapport/shared/message"
)

// Mail returns the tallies of all that happened to a message so far, as the
// queue carries them. Send and hear both tell of it, under the same ids, so that
// each happening is counted once.
func Mail(l *message.Ledger, zone *time.Location) []string {
	var tallies []string
	for _, c := range l.Counts() {
		t := Tally{ID: c.ID, Day: Day(c.At, zone)}
		for _, change := range c.Add {
			name := append([]string{"journey", l.Journey}, change.Counter...)
			t.Cells = append(t.Cells, Cell{Name: Name(name...), N: change.N})
		}
		tallies = append(tallies, t.String())
	}
	return tallies
}
