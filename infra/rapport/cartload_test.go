package main

import (
	"flag"
	"fmt"
	"net/http"
	"testing"
	"time"
)

var load = flag.Bool("load", false, "ten thousand carts and all orders of Complete Journey, not a sample of them")

// Ten thousand carts over ninety days, through the whole local cloud: two thirds
// are left and bring one mail each. How long it took is in the log. Without -load
// there are fewer.
func TestTenThousandCarts(t *testing.T) {
	days, carts := 2, 150
	if *load {
		days, carts = 90, 10_000
	}
	url, stop := tool{t, t.TempDir()}.local()
	defer stop()
	all := shoppers(carts)
	send := func(events []string) {
		t.Helper()
		for len(events) > 0 {
			n := min(len(events), 400)
			if status, body := call(t, http.MethodPost, url+"/v1/batch", "demo-secret", batchOf(events[:n]...)); status != http.StatusOK {
				t.Fatalf("%d %s", status, body)
			}
			events = events[n:]
		}
	}
	pass := func(d time.Duration) {
		t.Helper()
		if status, body := call(t, http.MethodPost, url+"/local/clock", "", fmt.Sprintf(`{"advance":%q}`, d)); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	begun := time.Now()
	for day := range days {
		now, today := virtual(t, url), all[day*carts/days:(day+1)*carts/days]
		var adds, orders []string
		for _, one := range today {
			adds = append(adds, one.identify(), one.add(now))
			if one.orders {
				orders = append(orders, one.order(now.Add(20*time.Minute)))
			}
		}
		send(adds)
		pass(20 * time.Minute)
		send(orders)
		pass(24 * time.Hour)
	}
	took := time.Since(begun)
	left := 0
	got := mailed(t, url)
	for _, one := range all {
		want := 1
		if one.orders {
			want = 0
		} else {
			left++
		}
		if got[one.email] != want {
			t.Errorf("%s got %d mails", one.user, got[one.email])
		}
	}
	r := cartReport(t, url)
	t.Logf("%d carts over %d days in %s: %+v", carts, days, took.Round(time.Millisecond), r)
	if !r.Balanced || r.Pending != 0 || r.Sent != left || r.Delivered != left || r.Unknown+r.Rejected != 0 {
		t.Errorf("the report does not balance: %+v, want %d sent", r, left)
	}
	for _, letter := range deadLetters(t, url) {
		t.Errorf("dead letter: %s", letter)
	}
}
