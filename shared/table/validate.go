package table

import (
	"fmt"
	"unicode/utf8"

	"rapport/shared/fault"
)

// Validate reports what is wrong with a commit by itself, whatever the table
// holds: nil, or a fault of kind Invalid or TooLarge. Backends call it before
// they do anything, so that all of them refuse the same commits alike.
func Validate(owner string, writes []Write) error {
	if owner == "" || len(owner) > MaxOwnerBytes || !utf8.ValidString(owner) {
		return fault.New(fault.Invalid, "bad_owner",
			"a commit needs an owner of 1 to %d bytes of UTF-8; make a new one for each commit and keep it for its retries", MaxOwnerBytes)
	}
	if len(writes) == 0 {
		return fault.New(fault.Invalid, "empty_commit", "a commit needs at least one write")
	}
	if len(writes) > MaxCommitWrites {
		return fault.New(fault.TooLarge, "commit_too_large",
			"the commit has %d writes, at most %d are allowed; split it", len(writes), MaxCommitWrites)
	}
	total := 0
	seen := make(map[Key]bool, len(writes))
	for i, w := range writes {
		if err := validateWrite(w); err != nil {
			return err.In(fmt.Sprintf("writes[%d]", i))
		}
		if seen[w.Key] {
			return fault.New(fault.Invalid, "item_named_twice",
				"the commit names the same item twice; put both changes into one write").In(fmt.Sprintf("writes[%d]", i))
		}
		seen[w.Key] = true
		total += w.Bytes()
	}
	if total > MaxCommitBytes {
		return fault.New(fault.TooLarge, "commit_too_large",
			"the commit has %d bytes, at most %d are allowed; split it", total, MaxCommitBytes)
	}
	return nil
}

// ValidateKeys reports what is wrong with the keys of a Get: nil, or a fault of
// kind Invalid or TooLarge.
func ValidateKeys(keys []Key) error {
	if len(keys) > MaxGetKeys {
		return fault.New(fault.TooLarge, "too_many_keys",
			"%d keys are read at once, at most %d are allowed; read them in parts", len(keys), MaxGetKeys)
	}
	for i, key := range keys {
		if err := validateKey(key); err != nil {
			return err.In(fmt.Sprintf("keys[%d]", i))
		}
	}
	return nil
}

// ValidateRange reports what is wrong with a Query: nil, or a fault of kind Invalid.
func ValidateRange(partition string, r Range) error {
	if err := validateKeyPart("partition", partition, 2*MaxKeyPartBytes); err != nil {
		return err
	}
	for _, bound := range []string{r.From, r.To, r.After} {
		if len(bound) > MaxKeyPartBytes || !utf8.ValidString(bound) {
			return fault.New(fault.Invalid, "bad_range",
				"a bound of a range is UTF-8 of at most %d bytes; query within it", MaxKeyPartBytes)
		}
	}
	return validateLimit(r.Limit)
}

// ValidateSegment reports what is wrong with a Scan: nil, or a fault of kind Invalid.
func ValidateSegment(s Segment) error {
	if s.Of < 0 || s.Of > MaxScanSegments || s.Index < 0 || s.Index >= max(s.Of, 1) {
		return fault.New(fault.Invalid, "bad_segment",
			"segment %d of %d does not exist; count from 0 and make at most %d", s.Index, s.Of, MaxScanSegments)
	}
	return validateLimit(s.Limit)
}

func validateLimit(limit int) error {
	if limit < 0 {
		return fault.New(fault.Invalid, "bad_limit", "a limit of %d items is negative; leave it 0 for as many as fit", limit)
	}
	return nil
}

func validateWrite(w Write) *fault.Error {
	if err := validateKey(w.Key); err != nil {
		return err
	}
	if err := validateCondition(w); err != nil {
		return err
	}
	switch {
	case w.Op > OpCheck:
		return fault.New(fault.Invalid, "bad_write", "use Put, Add, Delete or Check to make a write")
	case w.Op == OpAdd && len(w.Counters) == 0:
		return fault.New(fault.Invalid, "bad_write", "an add needs a counter to add to")
	case w.Op != OpPut && len(w.Body) > 0, w.Op > OpAdd && len(w.Counters) > 0:
		return fault.New(fault.Invalid, "bad_write", "only a put stores a body, and only a put or an add has counters")
	case !w.Expires.IsZero() && w.Expires.Unix() <= 0:
		return fault.New(fault.Invalid, "bad_expiry", "an item cannot expire before 1970; leave the expiry zero for never")
	}
	if err := validateCounters(w.Counters); err != nil {
		return err
	}
	if n := w.Bytes(); n > MaxItemBytes {
		return fault.New(fault.TooLarge, "item_too_large",
			"the item has %d bytes, at most %d are allowed; store less or split it", n, MaxItemBytes)
	}
	return nil
}

func validateCondition(w Write) *fault.Error {
	switch c := w.If; {
	case w.Op == OpPut && !c.Absent && c.Version == 0:
		return fault.New(fault.Invalid, "condition_missing", "a put needs the condition Absent or VersionIs")
	case w.Op == OpCheck && c.IsZero():
		return fault.New(fault.Invalid, "condition_missing", "a check needs a condition")
	case c.Version < 0, c.Absent && c.Version > 0, c.Counter == "" && c.Below != 0:
		return fault.New(fault.Invalid, "bad_condition", "use Absent, VersionIs or CounterBelow to make a condition")
	case c.Counter != "":
		return validateCounter(c.Counter)
	}
	return nil
}

func validateCounters(counters map[string]int64) *fault.Error {
	if len(counters) > MaxCounterNames {
		return fault.New(fault.Invalid, "too_many_counters",
			"the item has %d counters, at most %d are allowed; spread them over items", len(counters), MaxCounterNames)
	}
	for name := range counters {
		if err := validateCounter(name); err != nil {
			return err
		}
	}
	return nil
}

func validateCounter(name string) *fault.Error {
	if name == "" || len(name) > MaxCounterLength || !utf8.ValidString(name) {
		return fault.New(fault.Invalid, "bad_counter", "a counter has a name of 1 to %d bytes of UTF-8", MaxCounterLength)
	}
	return nil
}

func validateKey(key Key) *fault.Error {
	if err := validateKeyPart("partition", key.Partition, 2*MaxKeyPartBytes); err != nil {
		return err
	}
	return validateKeyPart("sort key", key.Sort, MaxKeyPartBytes)
}

func validateKeyPart(what, text string, limit int) *fault.Error {
	if text == "" || len(text) > limit || !utf8.ValidString(text) {
		return fault.New(fault.Invalid, "bad_key", "a %s is UTF-8 of 1 to %d bytes, this one has %d", what, limit, len(text))
	}
	return nil
}
