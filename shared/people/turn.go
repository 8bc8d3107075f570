package people

import (
	"time"

	"rapport/shared/audience"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// maxTurns bounds how many changes of a view are looked through that change no
// membership and no stage. What lies further ahead is looked for again from
// there.
const maxTurns = 64

// turn returns the first instant after now at which a membership or the stage
// changes by time alone, zero when none will. It may name one too early, never
// one too late. View and facts are of this moment, and of another afterwards.
//
// Between two changes of the view only now moves, and the rules know when that
// turns them. So it goes from change to change until something turned.
func turn(p *person.Person, s *strategy.Strategy, view *person.View, facts *audience.Facts, now time.Time) time.Time {
	stage, members, at := view.Stage, roll(s, facts), now
	for range maxTurns {
		var due time.Time
		for i := range s.Audiences {
			due = earlier(due, s.Rules.NextFlip(i, facts))
		}
		change := p.NextChange(s.Declared, s.Watched, at)
		if change.IsZero() || !due.IsZero() && due.Before(change) {
			return due
		}
		at = change
		p.Renew(view, s.Declared, at)
		s.Rules.Fill(facts, view, nil, at)
		for i, was := range members {
			if belongs(s, i, facts) != was {
				return at
			}
		}
		if view.Stage != stage {
			return at
		}
	}
	return at
}

// roll evaluates every audience.
func roll(s *strategy.Strategy, facts *audience.Facts) []bool {
	members := make([]bool, len(s.Audiences))
	for i := range members {
		members[i] = belongs(s, i, facts)
	}
	return members
}

// belongs evaluates an audience; a rule that cannot be decided has not matched.
func belongs(s *strategy.Strategy, i int, facts *audience.Facts) bool {
	matched, err := s.Rules.Match(i, facts)
	return matched && err == nil
}

// advance moves the person to a stage of the life cycle. Everybody begins as a
// visitor, which is no change.
func advance(p *person.Person, node person.NodeID, to person.Stage, cause string, now time.Time) []Effect {
	from := p.Stage
	if from == "" {
		from = person.Visitor
	}
	if to == "" {
		p.Stage, p.Staged = "", time.Time{} // the strategy has no life cycle any more
		return nil
	}
	if to == from {
		return nil
	}
	p.Stage, p.Staged = to, now
	e := newEffect(StageEntered, node, string(from)+"\x00"+string(to), cause, now)
	e.Audience, e.Stage, e.From = "", to, from
	return []Effect{e}
}
