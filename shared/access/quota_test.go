package access_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/access"
	"rapport/shared/fault"
)

var (
	home   = netip.MustParsePrefix("192.0.2.1/32")
	office = netip.MustParsePrefix("2001:db8:0:1::/64")
)

func quota(t testing.TB, ids int) *access.Quota {
	t.Helper()
	q, err := access.NewQuota(strconv.Itoa(ids))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// What a quota of two ids a minute admits, step by step.
func TestQuota(t *testing.T) {
	q := quota(t, 2)
	steps := []struct {
		name   string
		source netip.Prefix
		id     string
		at     time.Duration
		wait   time.Duration // 0 when admitted
	}{
		{"first", home, "a", 0, 0},
		{"second", home, "b", time.Second, 0},
		{"one too many", home, "c", 10*time.Second + time.Millisecond, 50*time.Second - time.Millisecond},
		{"what was refused did not count", home, "c", 11 * time.Second, 49 * time.Second},
		{"again about an id is free", home, "a", 12 * time.Second, 0},
		{"somebody else", office, "c", 13 * time.Second, 0},
		{"their own count", office, "a", 14 * time.Second, 0},
		{"of their own", office, "b", 15 * time.Second, 45 * time.Second},
		{"to the end of the window", home, "d", time.Minute - 1, 1},
		{"a new window", home, "d", time.Minute, 0},
		{"forgets what was asked", home, "e", time.Minute, 0},
		{"and counts anew", home, "a", time.Minute, time.Minute},
		{"the clock was set back", home, "a", -time.Hour, 0},
	}
	for _, s := range steps {
		err := q.Admit(s.source, s.id, now.Add(s.at))
		if s.wait == 0 {
			if err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
			continue
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Limited || f.Code != "too_many_visitors" || f.Wait != s.wait {
			t.Errorf("%s: %+v, want a wait of %v", s.name, f, s.wait)
		}
	}
}

// Whatever is asked, a source gets exactly as many different ids as it may.
func TestQuotaCountsDifferentIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		q, err := access.NewQuota(strconv.Itoa(limit))
		if err != nil {
			t.Fatal(err)
		}
		admitted := map[netip.Prefix]map[string]bool{home: {}, office: {}}
		for range rapid.IntRange(1, 40).Draw(t, "questions") {
			source := rapid.SampledFrom([]netip.Prefix{home, office}).Draw(t, "source")
			id := rapid.StringOfN(rapid.RuneFrom([]rune("ab ")), 0, 2, -1).Draw(t, "id")
			seen := admitted[source]
			want := seen[id] || len(seen) < limit
			if err := q.Admit(source, id, now); (err == nil) != want {
				t.Fatalf("%v asks about %q after %v: %v", source, id, seen, err)
			}
			if want {
				seen[id] = true
			}
		}
	})
}

func TestQuotaWithoutLimit(t *testing.T) {
	for name, c := range map[string]struct {
		quota  *access.Quota
		source netip.Prefix
	}{
		"none": {nil, home}, "zero": {quota(t, 0), home}, "unknown source": {quota(t, 1), netip.Prefix{}},
	} {
		for i := range 3 {
			if err := c.quota.Admit(c.source, strconv.Itoa(i), now); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Attackers with many addresses make it forget, not grow.
func TestQuotaIsBounded(t *testing.T) {
	q := quota(t, 1)
	refused := func() bool { return q.Admit(home, "b", now) != nil }
	if err := q.Admit(home, "a", now); err != nil || !refused() {
		t.Fatal("the limit does not hold", err)
	}
	const room = 1 << 16
	for i := range room {
		source := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
		if err := q.Admit(source, "a", now); err != nil {
			t.Fatal(err)
		}
		if i == room-3 && !refused() {
			t.Error("it forgot too early")
		}
	}
	if refused() {
		t.Errorf("it remembers more than %d questions", room)
	}
}

func TestQuotaTakesManyAtOnce(t *testing.T) {
	q := quota(t, 50)
	var admitted atomic.Int64
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 40 {
				if q.Admit(home, fmt.Sprint(worker, "-", i), now) == nil {
					admitted.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := admitted.Load(); n != 50 {
		t.Errorf("%d admitted", n)
	}
}

func TestNewQuotaRefuses(t *testing.T) {
	for _, bad := range []string{"", "-1", "1.5", "many", "99999999999"} {
		if _, err := access.NewQuota(bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func BenchmarkQuota(b *testing.B) {
	q := quota(b, 1000)
	id := "2b7e1516-28ae-4d2a-abf7-158809cf4f3c"
	b.ReportAllocs()
	for b.Loop() {
		if err := q.Admit(home, id, now); err != nil {
			b.Fatal(err)
		}
	}
}
