// Package insight is about what worked: it counts what followed from decisions
// and mails, each thing once, and says what the numbers tell and how sure they
// are.
//
// A cell is one number, named by a path. The first segments are its subject,
// "journey/<id>" or "block/<slot>/<block>"; the rest is the counter of that
// subject, such as "sent" or "skipped/goal". What is counted of one subject is
// stored together, so that one read shows counters that nobody foresaw.
package insight

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// Tally asks to count its cells, all of them once under its id. It is what
// travels through the queue of tallies.
type Tally struct {
	ID    string `json:"id"`            // equal ids are the same happening: see ID
	Day   string `json:"day,omitempty"` // 2026-11-24: the cells count for that day too; "": only in total
	Cells []Cell `json:"cells"`
}

// Cell is what to add to one counter.
type Cell struct {
	Name string `json:"name"` // see Name
	N    int64  `json:"n"`    // not 0; below it when a count is taken back, as for a mail that was unknown and is settled
}

// Limits of one tally. A cell that counts for a day too counts twice.
const (
	MaxCells  = 50
	maxAmount = 1_000_000_000_000
)

// Name joins the segments of a cell's name, each escaped as in a URL, so that
// an id may hold a slash.
func Name(segments ...string) string {
	escaped := make([]string, len(segments))
	for i, s := range segments {
		escaped[i] = url.PathEscape(s)
	}
	return strings.Join(escaped, "/")
}

// Segments returns what Name joined.
func Segments(name string) []string {
	segments := strings.Split(name, "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil {
			segments[i] = plain
		}
	}
	return segments
}

var idText = base32.HexEncoding.WithPadding(base32.NoPadding)

// ID names a happening by what makes it one, such as a receipt and its outcome:
// 26 characters 0-9 a-v.
func ID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write([]byte(url.PathEscape(p) + "/")) // a hash takes everything
	}
	return strings.ToLower(idText.EncodeToString(h.Sum(nil)[:16]))
}

const dayFormat = time.DateOnly

// Day is the calendar day of an instant in a zone, as Tally.Day has it.
func Day(at time.Time, zone *time.Location) string { return at.In(zone).Format(dayFormat) }

// String is the tally as the queue carries it.
func (t Tally) String() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(t) // text and numbers only: nothing here can fail
	return strings.TrimSuffix(b.String(), "\n")
}

// ParseTally reads a message of the queue. It fails with Malformed, bad_tally,
// when it is none, and with Invalid when it cannot be counted as it stands.
func ParseTally(text string) (Tally, error) {
	var t Tally
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return Tally{}, fault.New(fault.Malformed, "bad_tally", `a tally is {"id","cells":[{"name","n"}]}`).Because(err)
	}
	return t, t.check()
}

// check holds everything that would make a commit fail however often it is tried.
func (t Tally) check() error {
	each := 1
	if t.Day != "" {
		each = 2
		if _, err := time.Parse(dayFormat, t.Day); err != nil {
			return bad("day", "a day is written 2026-11-24")
		}
	}
	switch {
	case t.ID == "" || len(t.ID) > 256:
		return bad("id", "a tally has an id of 1 to 256 bytes")
	case len(t.Cells) == 0 || len(t.Cells)*each > MaxCells:
		return bad("cells", "a tally has 1 to %d cells, half of that with a day; split it, each part with an id of its own", MaxCells)
	}
	for _, c := range t.Cells {
		subject, counter, ok := split(c.Name)
		switch {
		case !ok || len(subject) > table.MaxKeyPartBytes || len(counter) > table.MaxCounterLength:
			return bad("cells.name", "a cell is called journey/<id>/<counter> or block/<slot>/<block>/<counter>, the counter at most %d bytes",
				table.MaxCounterLength)
		case c.N == 0 || c.N > maxAmount || c.N < -maxAmount:
			return bad("cells.n", "a cell adds at least 1 and at most %d, or takes as much back", int64(maxAmount))
		}
	}
	return nil
}

func bad(field, format string, args ...any) error {
	return fault.New(fault.Invalid, "bad_tally", format, args...).In(field)
}

// subjects says how many segments the name of a subject has, by its first.
var subjects = map[string]int{"journey": 2, "block": 3, "receipts": 1}

// split cuts a cell's name into its subject and the counter.
func split(name string) (subject, counter string, ok bool) {
	segments := strings.Split(name, "/")
	n := subjects[segments[0]]
	if n == 0 || len(segments) <= n {
		return "", "", false
	}
	if slices.Contains(segments, "") || strings.Contains(name, "#") || !utf8.ValidString(name) {
		return "", "", false
	}
	return strings.Join(segments[:n], "/"), strings.Join(segments[n:], "/"), true
}
