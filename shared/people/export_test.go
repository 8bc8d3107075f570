package people

import (
	"time"

	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Due fires the person's timer in memory, as Wake does in the table.
func Due(p *person.Person, s *strategy.Strategy, now time.Time) []Effect {
	p.Due = time.Time{}
	return reassess(p, spokesman(p), "timer", s, now, false)
}
