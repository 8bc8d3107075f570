package audience

import (
	"slices"
	"time"

	"rapport/shared/fault"
)

// Set is all rules of a strategy, compiled together so that each path is looked
// up once however many rules read it. It never changes; any number of goroutines
// may use it, each with its own Facts.
type Set struct {
	rules    []rule
	declared Names // that the rules were compiled with
	slots    []slot
	fields   []field        // sorted by name
	names    []string       // the first names of context paths, sorted
	scratch  int            // most intermediate values that one rule needs
	failures []value        // by reason
	errors   []*fault.Error // by reason
}

// rule is one compiled program.
type rule struct {
	program Program
	test    predicate
	uses    []int // slots, ascending, with those of the rules that it asks for
	temps   int   // intermediate values
	whole   int   // operations
}

// slot is one path that rules read.
type slot struct {
	path  []string
	timed bool // a string there is a time
	name  int  // index into Set.names of a context path
}

// Names is what rules can read besides what every person may have.
type Names struct {
	Times     []string // the paths whose strings are times: "computed.last_order_at"
	Audiences []string // the ids of the first rules, which all others may ask for
	Fields    []Field  // sorted by name
}

// Compile compiles programs; the i-th is then rule i of the set. It returns
// faults of kind Invalid for a program or a field that is not well formed, for one
// over a limit, and for a rule that asks for itself.
func Compile(programs []Program, names Names) (*Set, error) {
	c := &compiler{
		set: &Set{rules: make([]rule, len(programs))}, slotOf: map[string]int{}, timed: map[string]bool{},
		names: names, states: make([]state, len(programs)),
	}
	for _, path := range names.Times {
		c.timed[path] = true
	}
	for i := range programs {
		if err := c.compileRule(programs, i); err != nil {
			return nil, err
		}
	}
	if err := c.compileFields(); err != nil {
		return nil, err
	}
	c.set.declared = names
	c.set.nameContext()
	c.set.giveReasons()
	return c.set, nil
}

// nameContext numbers the members of the context that rules read.
func (s *Set) nameContext() {
	for _, sl := range s.slots {
		if sl.path[0] == Context {
			s.names = append(s.names, sl.path[1])
		}
	}
	slices.Sort(s.names)
	s.names = slices.Compact(s.names)
	for i := range s.slots {
		if sl := &s.slots[i]; sl.path[0] == Context {
			sl.name, _ = slices.BinarySearch(s.names, sl.path[1])
		}
	}
}

// Match reports whether the facts satisfy rule i. An error says that the rule
// could not be decided, because a path is missing or a value has the wrong type;
// callers treat it as no match. The error is shared: do not change it.
func (s *Set) Match(i int, f *Facts) (bool, error) {
	if f.set != s {
		return false, errOtherFacts
	}
	v := s.rules[i].test(f)
	if v < no {
		return false, s.errors[-v]
	}
	return v == yes, nil
}

// Uses returns the paths that rule i reads, sorted: "traits.country".
func (s *Set) Uses(i int) []string {
	var paths []string
	for _, k := range s.rules[i].uses {
		paths = append(paths, pathText(s.slots[k].path))
	}
	slices.Sort(paths)
	return paths
}

// Len returns how many rules there are.
func (s *Set) Len() int { return len(s.rules) }

var errOtherFacts = fault.New(fault.Internal, "other_facts", "fill the facts from the same set of rules first")

// reason says why an operation failed. From lacks on it names a slot.
type reason int64

const (
	wrongType reason = iota + 1
	overflow
	zeroDivisor
	notConvertible
	outOfTime
	lacks // plus the slot's index
)

var reasonTexts = [...]string{
	wrongType:      "a value has a type that the operation cannot work with; guard it, or convert it with int(), double() or string()",
	overflow:       "a number does not fit 64 bits",
	zeroDivisor:    "division by zero",
	notConvertible: "a value cannot be converted to the type asked for",
	outOfTime:      "a time is outside the years 1 to 9999",
}

// giveReasons prepares every failure, so that evaluation need not make one.
func (s *Set) giveReasons() {
	total := int(lacks) + len(s.slots)
	s.failures = make([]value, total)
	s.errors = make([]*fault.Error, total)
	for r := range s.failures {
		s.failures[r] = value{kind: failed, n: int64(r)}
		if r < int(lacks) {
			s.errors[r] = fault.New(fault.Invalid, "rule_undecided", "%s", reasonTexts[r])
			continue
		}
		path := s.slots[r-int(lacks)].path
		s.errors[r] = fault.New(fault.Invalid, "fact_missing", "this person has no %s; guard it with has() if that is normal", pathText(path)).
			In(pathText(path))
	}
}

// stepOf is the resolution of time in rules.
const stepOf = time.Millisecond
