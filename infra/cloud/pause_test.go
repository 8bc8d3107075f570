package cloud_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/infra/cloud"
)

// sleeping is the shop whose strategy has more to say: of quiet hours, for one.
func sleeping(t *testing.T, more string) *stage {
	t.Helper()
	return shop(t, func(c *cloud.Config) {
		c.Strategy = t.TempDir()
		if err := os.CopyFS(c.Strategy, os.DirFS("../strategy")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.Strategy, "contact.yaml"), []byte(more), 0o600); err != nil {
			t.Fatal(err)
		}
	})
}

// balance fails unless the report of the journey has all of the texts, and adds up.
func (s *stage) balance(texts ...string) {
	s.t.Helper()
	got := s.cartReport()
	for _, text := range append(texts, `"balanced":true`) {
		if !strings.Contains(got, text) {
			s.t.Errorf("no %s in the report %s", text, got)
		}
	}
}

// A basket is left so that its mail falls due in quiet hours: it waits, pages say
// until when, and it comes as they end, once.
func TestAMailWaitsForTheMorning(t *testing.T) {
	s := sleeping(t, `quiet_hours: {from: "15:00", to: "18:00", zones: Europe/Kyiv}`) // it is 14:00 there
	s.customer("customer@example.com")
	s.does("u1", "add-1", "Product Added", assam)
	s.pass(time.Hour + time.Minute)
	if got := s.outbox(); len(got) != 0 {
		t.Fatalf("%d mails in quiet hours", len(got))
	}
	s.balance(`"planned":1,"sent":0`, `"pending":1,"waiting":{"quiet_hours":1}`)
	if got := s.must(http.MethodGet, "/v1/people/userId:u1", "demo-secret", ""); !strings.Contains(got, `"state":"deferred"`) || !strings.Contains(got, `"due":"2026-11-01T16:00:00Z"`) {
		t.Errorf("the person is %s", got)
	}
	export := s.must(http.MethodGet, "/v1/people/userId:u1/export", "demo-secret", "")
	for _, text := range []string{`"waits":[{"message":`, `"ends":"2026-11-02T13:00:00Z"`, `"reason":"quiet_hours"`, `"until":"2026-11-01T16:00:00Z"`} {
		if !strings.Contains(export, text) {
			t.Errorf("no %s in the export %s", text, export)
		}
	}
	for path, text := range map[string]string{
		"/console/people/userId:u1": "Waits until 1 Nov, 18:00 for the end of quiet hours", "/console/": "What pending mails wait for",
	} {
		if got := s.must(http.MethodGet, path, "demo-secret", ""); !strings.Contains(got, text) {
			t.Errorf("%s does not say %q:\n%s", path, text, got)
		}
	}
	s.pass(2*time.Hour + 58*time.Minute)
	if got := s.outbox(); len(got) != 0 {
		t.Fatalf("%d mails a minute early", len(got))
	}
	s.pass(2 * time.Minute)
	got := s.outbox()
	if len(got) != 1 || !strings.Contains(got[0].HTML, "Morning Assam") {
		t.Fatalf("%d mails: %+v", len(got), got)
	}
	if late := got[0].SentAt.Sub(begin.Add(4 * time.Hour)); late < 0 || late > time.Minute {
		t.Errorf("sent %s after the quiet hours", late)
	}
	s.pass(48 * time.Hour)
	s.balance(`"planned":1,"sent":1`, `"pending":0,"waiting":{}`)
	if got := s.outbox(); len(got) != 1 {
		t.Errorf("%d mails", len(got))
	}
	s.alive()
}

// The customer orders, or is erased, while the mail waits: none comes, and the
// report says why.
func TestAMailWaitsInVain(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*stage)
		reason  string
	}{
		"an order": {func(s *stage) {
			s.does("u1", "order-1", "Order Completed", `{"cart_id":"c1","order_id":"o1","total":19.6}`)
		}, "goal"},
		"an erasure": {func(s *stage) { s.must(http.MethodDelete, "/v1/people/userId:u1", "demo-secret", "") }, "erased"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sleeping(t, `quiet_hours: {from: "15:00", to: "18:00", zones: Europe/Kyiv}`)
			s.customer("canary-7f3a@example.com")
			s.does("u1", "add-1", "Product Added", assam)
			s.pass(time.Hour + time.Minute)
			c.happens(s)
			s.pass(4 * time.Hour)
			if got := s.outbox(); len(got) != 0 {
				t.Errorf("%d mails", len(got))
			}
			s.balance(`"planned":1,"sent":0,"skipped":{"`+c.reason+`":1}`, `"pending":0,"waiting":{}`)
			s.alive()
			if c.reason == "erased" {
				s.nowhere("", "canary-7f3a@example.com", "Morning Assam")
			}
		})
	}
}
