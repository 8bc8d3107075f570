package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// journeyReport is the part of GET /v1/reports/journeys that tests look at.
type journeyReport struct {
	Planned, Sent, Rejected, Unknown, Pending, Delivered int
	Skipped                                              map[string]int
	Balanced                                             bool
	Disagrees                                            []string
}

// cartReport reads what became of the mails of the cart journey.
func cartReport(t *testing.T, url string) journeyReport {
	t.Helper()
	status, body := get(t, url+"/v1/reports/journeys", "demo-secret")
	var answer struct {
		Journeys []struct {
			Journey string
			journeyReport
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, body, err)
	}
	for _, j := range answer.Journeys {
		if j.Journey == "cart-recovery" {
			return j.journeyReport
		}
	}
	t.Fatalf("no cart-recovery in %s", body)
	return journeyReport{}
}

// mailed counts the mails in the outbox by recipient.
func mailed(t *testing.T, url string) map[string]int {
	t.Helper()
	_, body := get(t, url+"/local/outbox", "")
	var mails []struct{ To string }
	if err := json.Unmarshal(body, &mails); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	out := map[string]int{}
	for _, m := range mails {
		out[m.To]++
	}
	return out
}

// deadLetters lists what ended among the dead letters.
func deadLetters(t *testing.T, url string) []string {
	t.Helper()
	_, body := get(t, url+"/local/queues", "")
	var queues []struct {
		Queue string
		Dead  []struct{ Reason, Body string }
	}
	if err := json.Unmarshal(body, &queues); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	var out []string
	for _, q := range queues {
		for _, d := range q.Dead {
			out = append(out, q.Queue+": "+d.Reason+": "+d.Body)
		}
	}
	return out
}

// shopper is a customer of whom we know what must have come of the cart.
type shopper struct {
	user, email string
	orders      bool // within the hour
}

func shoppers(n int) []shopper {
	out := make([]shopper, n)
	for i := range out {
		out[i] = shopper{fmt.Sprintf("u%d", i), fmt.Sprintf("customer%d@example.com", i), i%3 == 2}
	}
	return out
}

func (s shopper) identify() string {
	return fmt.Sprintf(`{"type":"identify","messageId":"in-%s","userId":%q,"traits":{"email":%q}}`, s.user, s.user, s.email)
}

func (s shopper) add(at time.Time) string {
	return s.event("add", "Product Added", at, `"name":"Morning Assam","product_id":"morning-assam","price":9.8,"quantity":1,"currency":"EUR"`)
}

func (s shopper) order(at time.Time) string {
	return s.event("order", "Order Completed", at, `"order_id":"o-`+s.user+`","revenue":9.8`)
}

func (s shopper) event(id, name string, at time.Time, properties string) string {
	return fmt.Sprintf(`{"type":"track","event":%q,"messageId":"%s-%s","userId":%q,"timestamp":%q,"properties":{"cart_id":"c-%s",%s}}`,
		name, id, s.user, s.user, at.UTC().Format(time.RFC3339Nano), s.user, properties)
}

func batchOf(events ...string) string { return `{"batch":[` + strings.Join(events, ",") + `]}` }

// virtual reads the cloud's clock.
func virtual(t *testing.T, url string) time.Time {
	t.Helper()
	_, body := get(t, url+"/local/clock", "")
	var answer struct{ Now time.Time }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return answer.Now
}
