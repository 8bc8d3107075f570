// Package fault holds the kinds of failure that Rapport knows. Code that
// decides something returns a *fault.Error; the edge (shared/httpapi) turns its
// kind into a status in one place and sends only the code, message and field.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure it is, and so who can mend it.
type Kind uint8

// The kinds. The zero value is Internal, so that an error nobody classified is
// never mistaken for the caller's.
const (
	Internal        Kind = iota // our fault; the cause goes to the log only
	Malformed                   // cannot be read at all
	Unauthenticated             // no key, unknown key or a proof that does not hold
	Forbidden                   // a known caller that may not do this
	NotFound                    // no such thing
	Conflict                    // contradicts what is stored
	TooLarge                    // over a documented limit
	Unsupported                 // a form of body that is not read here
	Invalid                     // readable, but a value is not acceptable
	Limited                     // asks too much at once; fine again after Wait
	Unavailable                 // try again later; nothing was stored
)

var kindNames = [...]string{
	"internal", "malformed", "unauthenticated", "forbidden", "not_found",
	"conflict", "too_large", "unsupported", "invalid", "limited", "unavailable",
}

// String returns the kind as it is written in logs and JSON.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

// Error is a failure with what a caller needs in order to act on it.
type Error struct {
	Kind    Kind
	Code    string // stable, machine-readable: "unknown_slot"
	Message string // a sentence that says what to do next
	Field   string // the field at fault, as the caller wrote it; may be empty
	Err     error  // the cause; it never leaves the process

	Wait time.Duration // of Limited: when to ask again; zero says nothing
}

// New returns an error of the kind, with a stable code and a sentence for people.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// In names the field at fault.
func (e *Error) In(field string) *Error {
	e.Field = field
	return e
}

// After says how long the caller should wait.
func (e *Error) After(wait time.Duration) *Error {
	e.Wait = wait
	return e
}

// Because records the cause.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Message
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, Internal when nobody said.
func KindOf(err error) Kind {
	var f *Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}
