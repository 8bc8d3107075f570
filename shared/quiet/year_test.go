package quiet_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"rapport/shared/quiet"
)

// TestYear sends the mails of 10,000 journeys (1,000 with the race detector) over a
// year to people in 40 zones,
// by timers that fire at whole minutes: none in quiet hours, none early, and none
// later than a minute after the first instant that is allowed.
func TestYear(t *testing.T) {
	const journeys, seed = journeysOfAYear, 1
	names := []string{
		"Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Johannesburg", "Africa/Lagos", "America/Adak",
		"America/Asuncion", "America/Caracas", "America/Chicago", "America/Denver", "America/Halifax", "America/Havana",
		"America/Los_Angeles", "America/New_York", "America/Nuuk", "America/Santiago", "America/Sao_Paulo", "America/St_Johns",
		"Asia/Beirut", "Asia/Dubai", "Asia/Gaza", "Asia/Jerusalem", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Tokyo",
		"Atlantic/Azores", "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin", "Europe/Chisinau",
		"Europe/Dublin", "Europe/Kyiv", "Europe/Lisbon", "Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Marquesas",
	}
	r := rand.New(rand.NewPCG(seed, 0))
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	mails, waited := 0, 0
	for i := range journeys {
		z := zone(t, names[i%len(names)])
		h := quiet.Hours{From: 1 + r.IntN(quiet.Day-1)}
		h.To = (h.From + 1 + r.IntN(13*60)) % quiet.Day
		rule := quiet.Rule{Hours: []quiet.Hours{h}, Place: in(z)}
		now := begin.Add(time.Duration(r.IntN(365*24*3600)) * time.Second)
		if _, end := begin.In(z).ZoneBounds(); i%4 == 0 && !end.IsZero() {
			now = end.Add(time.Duration(r.IntN(2*24*3600)-24*3600) * time.Second) // near a shift
		}
		for range 5 {
			first, _ := rule.First(now)
			sent := first.Add(time.Minute - 1).Truncate(time.Minute) // of the timer
			if first.Equal(now) {
				sent = now
			} else {
				waited++
			}
			again, _ := rule.First(sent) // the gate asks once more, in vain if the minute is quiet
			if quietly := !again.Equal(sent); quietly {
				t.Fatalf("%s in %s: sent at %s, in quiet hours %s", now, z, sent.In(z), h)
			}
			if !shifting(z, sent) && (oracle(h, z, sent) || first.After(now) && !oracle(h, z, first.Add(-time.Second))) {
				t.Fatalf("%s in %s: sent at %s, and the clock says otherwise of %s", now, z, sent.In(z), h)
			}
			if sent.Before(now) || sent.Sub(first) > time.Minute {
				t.Fatalf("%s in %s: sent at %s, allowed from %s", now, z, sent, first)
			}
			mails++
			now = now.Add(time.Duration(1+r.IntN(60*24)) * time.Hour)
		}
	}
	if waited < mails/5 {
		t.Errorf("only %d of %d waited", waited, mails)
	}
	fmt.Printf("journeys=%d zones=%d mails=%d waited=%d in_quiet_hours=0 early=0 seed=%d\n", journeys, len(names), mails, waited, seed)
}
