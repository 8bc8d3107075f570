package access

import (
	"crypto/sha256"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"rapport/shared/fault"
)

// Bounds of every quota.
const (
	QuotaWindow = time.Minute // the longest that anybody has to wait
	// maxAsked bounds the memory: 9 MB at the worst. One Lambda instance answers one
	// request at a time and cannot fill it within a window.
	maxAsked = 1 << 16
)

// Quota limits how many different ids one source may ask about in a minute, so
// that nobody can try ids out by the million. Asking again about the same id is
// free: many visitors behind one address cost one each, however often they come.
//
// It lives in the memory of one instance and writes nothing. So the limit is one
// an instance, and an attacker with many addresses has many of them; what the
// front door takes in all is limited there. It is safe for concurrent use. A nil
// Quota has no limit.
type Quota struct {
	ids int // 0: no limit

	mu    sync.Mutex
	ends  time.Time // of the window
	asked map[question]struct{}
	used  map[netip.Prefix]int // ids asked about, by source
}

// question is a hash of source and id: of the same size whatever a caller sends.
type question [sha256.Size / 2]byte

// NewQuota reads how many ids a minute are allowed; "0" allows any number. It
// fails with Invalid, bad_quota.
func NewQuota(ids string) (*Quota, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(ids), 10, 31)
	if err != nil {
		return nil, fault.New(fault.Invalid, "bad_quota", "say how many ids a minute one address may ask about, 0 for any number").Because(err)
	}
	return &Quota{ids: int(n), asked: map[question]struct{}{}, used: map[netip.Prefix]int{}}, nil
}

// Admit counts that the source asks about the id at the instant now. It fails
// with Limited, too_many_visitors, and the time until the next window. A source
// that nobody knows (the zero Prefix) is not counted: everybody would share it.
func (q *Quota) Admit(source netip.Prefix, id string, now time.Time) error {
	if q == nil || q.ids == 0 || !source.IsValid() {
		return nil
	}
	asks := ask(source, id)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	if _, again := q.asked[asks]; again {
		return nil
	}
	if q.used[source] >= q.ids {
		return fault.New(fault.Limited, "too_many_visitors",
			"wait as long as Retry-After says; a server that asks for many visitors uses a secret key").After(q.ends.Sub(now))
	}
	q.asked[asks] = struct{}{}
	q.used[source]++
	return nil
}

// turn begins a window when the last one is over, when the clock was set back,
// and when the memory is full: rather let some ask more than refuse everybody.
func (q *Quota) turn(now time.Time) {
	left := q.ends.Sub(now)
	if left > 0 && left <= QuotaWindow && len(q.asked) < maxAsked {
		return
	}
	q.ends = now.Add(QuotaWindow)
	clear(q.asked)
	clear(q.used)
}

func ask(source netip.Prefix, id string) question {
	sum := sha256.Sum256(append(append(source.AppendTo(nil), ' '), id...))
	return question(sum[:len(question{})])
}
