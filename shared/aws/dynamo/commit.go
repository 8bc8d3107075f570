package dynamo

import (
	"context"
	"errors"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// Commit implements table.Table. When the answer is kind Unavailable, nobody
// knows whether the writes were applied; the same commit under the same owner
// finds out. A lone check is a read.
func (t *Table) Commit(ctx context.Context, owner string, writes ...table.Write) error {
	if err := table.Validate(owner, writes); err != nil {
		return err
	}
	c := &commit{
		Table: t, owner: owner, writes: writes, seen: make([]*sight, len(writes)),
		patience: t.patience(), usage: table.Usage{Call: "Commit", Items: len(writes)},
	}
	err := c.run(ctx)
	table.Spend(ctx, c.usage)
	return err
}

// commit is one call of Commit.
type commit struct {
	*Table
	owner    string
	writes   []table.Write
	seen     []*sight // what attempts found where they had guessed wrong
	patience *patience
	usage    table.Usage
}

// answer is what DynamoDB says about one write of a commit that it refused.
type answer struct {
	outcome outcome
	item    *stored // what the condition met
}

type outcome uint8

const (
	fine  outcome = iota
	unmet         // the condition does not hold for the item
	busy          // another transaction holds the item
	slow          // over the capacity of the partition
)

// errGuess is why a commit is tried again whose guesses about items were wrong.
var errGuess = errors.New("the item changed between attempts")

func (c *commit) run(ctx context.Context) error {
	for {
		now := c.now()
		answers, err := c.attempt(ctx, now)
		if err != nil {
			return failure(err)
		}
		c.charge(answers)
		if answers == nil || c.ours(answers, now) {
			return nil
		}
		if waits(answers) {
			if err := c.patience.wait(ctx, errors.New("other commits hold the items")); err != nil {
				return c.givenUp(answers, now, err)
			}
			continue
		}
		if err := c.refusal(answers, now); err != nil {
			return err
		}
		if err := c.learn(ctx, answers); err != nil {
			return err
		}
	}
}

// attempt sends the writes. Without an error and without answers, they are applied.
func (c *commit) attempt(ctx context.Context, now int64) ([]answer, error) {
	w := writer{table: c.name, owner: c.owner, now: now}
	if len(c.writes) > 1 {
		return c.transact(ctx, w)
	}
	if c.writes[0].Op == table.OpCheck {
		return c.look(ctx, now)
	}
	return c.single(ctx, w.write(c.writes[0], c.seen[0]))
}

// look holds the condition of a lone check against a read, which costs less
// than a transaction.
func (c *commit) look(ctx context.Context, now int64) ([]answer, error) {
	item, reads, err := c.getItem(ctx, c.patience, c.writes[0].Key)
	c.usage.Reads += reads
	if err != nil || judge(c.writes[0], item, now) == table.Held {
		return nil, err
	}
	return []answer{{unmet, item}}, nil
}

// ours reports whether one of the items to be written shows that this very
// commit was applied before.
func (c *commit) ours(answers []answer, now int64) bool {
	for i, a := range answers {
		if c.writes[i].Op != table.OpCheck && a.item.live(now) && a.item.owner == c.owner {
			return true
		}
	}
	return false
}

// waits reports whether the commit can only be judged later. An item that
// another transaction holds may be the one that shows our owner.
func waits(answers []answer) bool {
	for _, a := range answers {
		if a.outcome == busy || a.outcome == slow {
			return true
		}
	}
	return false
}

// givenUp says how a commit ends that has waited long enough.
func (c *commit) givenUp(answers []answer, now int64, err error) error {
	held := false
	for _, a := range answers {
		held = held || a.outcome == busy
	}
	if f := (*fault.Error)(nil); !held || errors.As(err, &f) && f.Code == "cancelled" {
		return err
	}
	return &table.Conflict{Reasons: c.reasons(answers, now)}
}

// refusal says why the commit is refused for good: a *table.Conflict, a fault,
// or nil when every condition holds and only a guess was wrong.
func (c *commit) refusal(answers []answer, now int64) error {
	reasons := c.reasons(answers, now)
	for _, r := range reasons {
		if r != table.Held {
			return &table.Conflict{Reasons: reasons}
		}
	}
	for i, a := range answers {
		if w := c.writes[i]; a.outcome == unmet && w.Op == table.OpAdd && a.item.live(now) {
			if err := overLimit(w, a.item); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *commit) reasons(answers []answer, now int64) []table.Reason {
	reasons := make([]table.Reason, len(answers))
	for i, a := range answers {
		switch a.outcome {
		case unmet:
			reasons[i] = judge(c.writes[i], a.item, now)
		case busy:
			reasons[i] = table.Busy
		}
	}
	return reasons
}

// learn keeps what the attempt found, for the next one. That one is right,
// unless others change the same items meanwhile: then it waits.
func (c *commit) learn(ctx context.Context, answers []answer) error {
	again := false
	for i, a := range answers {
		if a.outcome == unmet {
			again = again || c.seen[i] != nil
			c.seen[i] = &sight{a.item}
		}
	}
	if again {
		return c.patience.wait(ctx, errGuess)
	}
	return nil
}

// judge says whether the condition of a write holds.
func judge(w table.Write, old *stored, now int64) table.Reason {
	if !old.live(now) {
		return w.Judge(false, 0, 0)
	}
	return w.Judge(true, old.Version, old.counter(w.If.Counter))
}

// overLimit catches what only shows together with the stored item.
func overLimit(w table.Write, old *stored) error {
	for name, n := range w.Counters {
		if overflows(old.counter(name), n) {
			return fault.New(fault.Invalid, "counter_overflow", "counter %q would leave the range of 64 bits; start a new one", name)
		}
	}
	sum := writer{}.sum(w, old)
	if n := sum.bytes(); n > table.MaxItemBytes {
		return fault.New(fault.TooLarge, "item_too_large",
			"the item would have %d bytes, at most %d are allowed; spread its counters over items", n, table.MaxItemBytes)
	}
	return nil
}
