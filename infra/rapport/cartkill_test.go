package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

// script is a story that goes on after a kill: each step is repeated until it
// was answered, under the same message ids, and time is moved to instants, not
// by amounts.
type script struct {
	t     *testing.T
	r     *rand.Rand
	data  string
	p     *process
	kills int                      // still to come
	takes map[string]time.Duration // how long the last undisturbed step of a kind took
}

// step runs do, and perhaps kills the process at some moment of it; then the
// process is started anew and do is repeated.
func (s *script) step(kind string, do func(p *process) error) {
	s.t.Helper()
	for {
		victim, struck := s.p, make(chan struct{})
		var blow *time.Timer
		if window := s.takes[kind] * 3 / 2; window > 0 && s.kills > 0 && s.r.IntN(4) > 0 {
			blow = time.AfterFunc(time.Duration(s.r.Int64N(int64(window))), func() { _ = victim.cmd.Process.Kill(); close(struck) })
		}
		begun := time.Now()
		err := do(s.p)
		if blow == nil || blow.Stop() { // or it was faster than the blow
			if err != nil {
				s.t.Fatal(err)
			}
			s.takes[kind] = time.Since(begun)
			return
		}
		<-struck
		s.kills--
		s.p.kill()
		s.p = start(s.t, s.data)
		if err == nil {
			return
		}
	}
}

// now reads the process's clock.
func (p *process) now() (time.Time, error) {
	response, err := http.Get(p.url + "/local/clock")
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ Now time.Time }
	err = json.NewDecoder(response.Body).Decode(&answer)
	return answer.Now, err
}

// until moves time to an instant.
func (s *script) until(at time.Time) {
	s.t.Helper()
	s.step("time", func(p *process) error {
		now, err := p.now()
		if err != nil {
			return err
		}
		left := at.Sub(now)
		if left <= 0 {
			return p.post("/local/settle", "")
		}
		return p.post("/local/clock", fmt.Sprintf(`{"advance":%q}`, left.Truncate(time.Millisecond)))
	})
}

// Killed twenty times, at any moment between the basket and the mail: who
// ordered in time gets no mail, everybody else gets one and never two. A mail
// whose handing over was struck may be unknown: marketing is not sent again
// then, and the report says how many.
func TestKilledBetweenBasketAndMail(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("run again with -kill-seed=%d", seed)
	s := &script{t: t, r: rand.New(rand.NewPCG(seed, 1)), data: t.TempDir(), takes: map[string]time.Duration{}}
	s.p = start(t, s.data)
	defer func() { s.p.kill() }()

	all := shoppers(24)
	begin := virtual(t, s.p.url).Truncate(time.Minute).Add(time.Minute)
	const early, late = 6, 14
	s.kills = early
	for i, one := range all {
		at := begin.Add(time.Duration(i) * time.Minute)
		s.until(at)
		s.step("events", func(p *process) error { return p.post("/v1/batch", batchOf(one.identify(), one.add(at))) })
	}
	for i, one := range all {
		at := begin.Add(time.Duration(i)*time.Minute + 30*time.Minute)
		s.until(at)
		if one.orders {
			s.step("events", func(p *process) error { return p.post("/v1/batch", batchOf(one.order(at))) })
		}
	}
	s.kills += late
	for minute := range len(all) + 2 {
		s.until(begin.Add(time.Hour + time.Duration(minute)*time.Minute))
	}
	for extra := 1; s.kills > 0; extra++ { // what was struck is on its way again
		s.until(begin.Add(90*time.Minute + time.Duration(extra)*time.Minute))
	}
	s.until(begin.Add(6 * time.Hour)) // leases end, and what failed comes again

	got, unexplained := mailed(t, s.p.url), 0
	for _, one := range all {
		switch n := got[one.email]; {
		case n > 1, n > 0 && one.orders:
			t.Errorf("%s (orders: %v) got %d mails", one.user, one.orders, n)
		case n == 0 && !one.orders:
			unexplained++
		}
	}
	r := cartReport(t, s.p.url)
	t.Logf("%+v", r)
	if unexplained != r.Unknown {
		t.Errorf("%d got no mail and did not order, yet %d are unknown", unexplained, r.Unknown)
	}
	if !r.Balanced || r.Pending != 0 || r.Delivered != r.Sent || r.Sent+r.Unknown != len(all)-len(all)/3 {
		t.Errorf("the report does not balance: %+v", r)
	}
	for _, letter := range deadLetters(t, s.p.url) {
		t.Errorf("dead letter: %s", letter)
	}
}
