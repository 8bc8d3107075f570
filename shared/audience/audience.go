// Package audience holds rules over a person: who belongs to an audience, who
// may see a block. Authors write rules in CEL; publishing checks them and turns
// each into a Program, which is what this package evaluates, with the meaning
// that CEL gives it and without linking CEL.
//
// A rule reads traits, computed and context (names to JSON values), known (the
// person has a proven user id), lifecycle (the person's stage), audiences (by
// id, whether the person is in another one), preferred (by name, the value of a
// Field), firstSeen, lastSeen and now (timestamps). A JSON number is an int when
// it is a whole number that fits 64 bits, and a double otherwise. Time has
// millisecond steps.
package audience

// Audience is a named rule over a person.
type Audience struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Text        string  `json:"text"` // CEL as its author wrote it
	When        Program `json:"when"` // the same, compiled
}

// The limits of one rule.
const (
	MaxNodes   = 200     // operations, constants and paths in it
	MaxText    = 4 << 10 // bytes of its CEL text
	MaxPattern = 256     // bytes of a regular expression in it
	MaxWhole   = 1000    // operations with those of the audiences that it asks for
)

// Program is a rule as a tree of operations, the form in which a published
// strategy keeps it.
type Program struct {
	Op   string    `json:"op"`
	Path []string  `json:"path,omitempty"` // OpGet and OpHas: the variable, then names
	Type string    `json:"type,omitempty"` // OpConst: which of the Type constants
	Text string    `json:"text,omitempty"` // OpConst: the value, see the Type constants
	Args []Program `json:"args,omitempty"` // of every other operation
}

// The operations that take no arguments.
const (
	OpConst = "const" // a constant
	OpGet   = "get"   // the value at a path; a failure when there is none
	OpHas   = "has"   // whether the last name of a path is there
)

// The operations with arguments have the names that CEL gives them.
const (
	OpAnd, OpOr, OpNot, OpIf                  = "&&", "||", "!", "?:"
	OpEqual, OpUnequal                        = "==", "!="
	OpLess, OpAtMost, OpGreater, OpAtLeast    = "<", "<=", ">", ">="
	OpIn, OpList, OpSize                      = "in", "list", "size"
	OpAdd, OpSubtract, OpMultiply             = "+", "-", "*"
	OpDivide, OpRemainder, OpNegate           = "/", "%", "neg"
	OpContains, OpStarts, OpEnds, OpMatches   = "contains", "startsWith", "endsWith", "matches"
	OpInt, OpDouble, OpString, OpTime, OpSpan = "int", "double", "string", "timestamp", "duration"
)

// The types of constants, each with the form of its Text.
const (
	TypeNull   = "null"      // nothing
	TypeBool   = "bool"      // true or false
	TypeInt    = "int"       // decimal
	TypeDouble = "double"    // decimal, with an exponent if need be
	TypeString = "string"    // the string itself
	TypeTime   = "timestamp" // RFC 3339 in UTC
	TypeSpan   = "duration"  // as Go writes durations: 168h0m0s
)

// The variables that a rule can read, and so the first name of every path.
const (
	Traits    = "traits"
	Computed  = "computed"
	Context   = "context"
	Audiences = "audiences"
	Preferred = "preferred"
	Lifecycle = "lifecycle"
	Known     = "known"
	FirstSeen = "firstSeen"
	LastSeen  = "lastSeen"
	Now       = "now"
)
