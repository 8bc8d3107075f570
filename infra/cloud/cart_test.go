package cloud_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// outboxMail is the part of GET /local/outbox that tests look at.
type outboxMail struct {
	ID, To, Subject, Text, HTML, Journey, Step string
	Headers                                    map[string]string
	SentAt                                     time.Time
}

func (s *stage) outbox() []outboxMail {
	s.t.Helper()
	var out []outboxMail
	s.read("/local/outbox", &out)
	return out
}

// customer makes a known customer with an address.
func (s *stage) customer(email string) {
	s.t.Helper()
	s.must(http.MethodPost, "/v1/identify", "demo-secret", `{"messageId":"in-u1","userId":"u1","traits":{"email":"`+email+`"}}`)
}

// does sends an event of a user, at the cloud's own time.
func (s *stage) does(user, id, event, properties string) {
	s.t.Helper()
	s.must(http.MethodPost, "/v1/track", "demo-secret", `{"messageId":"`+id+`","userId":"`+user+`","event":"`+event+
		`","timestamp":"`+s.Now().UTC().Format(time.RFC3339)+`","properties":`+properties+`}`)
}

const assam = `{"cart_id":"c1","product_id":"morning-assam","name":"Morning Assam","price":9.80,"quantity":2,"currency":"EUR",` +
	`"url":"http://127.0.0.1:8080/shop/tea/morning-assam","image_url":"http://127.0.0.1:8080/shop/img/morning-assam.png"}`

// leaves puts tea into a basket and lets an hour and a minute pass.
func (s *stage) leaves(user string) {
	s.t.Helper()
	s.does(user, "add-"+user, "Product Added", assam)
	s.pass(time.Hour + time.Minute)
}

// alive fails when anything ended among the dead letters.
func (s *stage) alive() {
	s.t.Helper()
	var queues []shown
	s.read("/local/queues", &queues)
	for _, q := range queues {
		for _, d := range q.Dead {
			s.t.Errorf("%s: %s in %s", q.Queue, d.Reason, d.Body)
		}
	}
}

func TestACartThatIsLeftBringsOneMail(t *testing.T) {
	s := shop(t, nil)
	s.customer("customer@example.com")
	s.does("u1", "add-1", "Product Added", assam)
	s.pass(59 * time.Minute)
	if got := s.outbox(); len(got) != 0 {
		t.Fatalf("before the hour is over: %+v", got)
	}
	s.pass(2 * time.Minute)
	got := s.outbox()
	if len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	m := got[0]
	if m.To != "customer@example.com" || m.Journey != "cart-recovery" || m.Subject == "" {
		t.Errorf("%+v", m)
	}
	for _, part := range []string{m.HTML, m.Text} {
		if !strings.Contains(part, "Morning Assam") || strings.Contains(part, "{{") {
			t.Errorf("the mail says %s", part)
		}
	}
	if m.Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" || !strings.Contains(m.Headers["List-Unsubscribe"], "<http://127.0.0.1:8080/v1/unsubscribe?t=") {
		t.Errorf("headers %v", m.Headers)
	}
	s.pass(48 * time.Hour)
	if got := s.outbox(); len(got) != 1 {
		t.Errorf("%d mails two days later", len(got))
	}
	s.alive()
}

func TestAnOrderInTimeBringsNone(t *testing.T) {
	for name, properties := range map[string]string{"with the cart's id": `{"order_id":"o1","cart_id":"c1","revenue":19.60}`, "without": `{"order_id":"o1","revenue":19.60}`} {
		t.Run(name, func(t *testing.T) {
			s := shop(t, nil)
			s.customer("customer@example.com")
			s.does("u1", "add-1", "Product Added", assam)
			s.pass(30 * time.Minute)
			s.does("u1", "order-1", "Order Completed", properties)
			s.pass(6 * time.Hour)
			if got := s.outbox(); len(got) != 0 {
				t.Errorf("%d mails", len(got))
			}
			s.alive()
		})
	}
}

// oneClick posts what the button of a mail program posts.
func (s *stage) oneClick(m outboxMail) int {
	s.t.Helper()
	at := regexp.MustCompile(`<(http[^>]*)>`).FindStringSubmatch(m.Headers["List-Unsubscribe"])
	if at == nil {
		s.t.Fatalf("no address in %q", m.Headers["List-Unsubscribe"])
	}
	link, err := url.Parse(at[1])
	if err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, link.RequestURI(), strings.NewReader("List-Unsubscribe=One-Click"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.ask(r).StatusCode
}

func TestWhoUnsubscribesGetsNoMore(t *testing.T) {
	s := shop(t, nil)
	s.customer("customer@example.com")
	s.leaves("u1")
	got := s.outbox()
	if len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	if status := s.oneClick(got[0]); status != http.StatusOK {
		t.Fatalf("unsubscribing answers %d", status)
	}
	s.does("u1", "add-2", "Product Added", strings.Replace(assam, "c1", "c2", 1))
	s.pass(2 * time.Hour)
	if got := s.outbox(); len(got) != 1 {
		t.Errorf("%d mails after unsubscribing", len(got))
	}
	s.alive()
}

func TestAnAddressThatBouncesIsLeftAlone(t *testing.T) {
	for _, to := range []string{"bounce@simulator.amazonses.com", "complaint@simulator.amazonses.com"} {
		s := shop(t, nil)
		s.customer(to)
		s.leaves("u1")
		s.does("u1", "add-2", "Product Added", strings.Replace(assam, "c1", "c2", 1))
		s.pass(2 * time.Hour)
		if got := s.outbox(); len(got) != 1 {
			t.Errorf("%s got %d mails", to, len(got))
		}
		s.alive()
	}
}

func TestReadingAndClickingStandInTheTimeline(t *testing.T) {
	s := shop(t, nil)
	s.customer("customer@example.com")
	s.leaves("u1")
	m := s.outbox()[0]
	s.page("/local/mail/" + m.ID + "/open")
	if response, _ := s.page("/local/mail/" + m.ID + "/click/0"); response.StatusCode != http.StatusFound {
		t.Fatalf("the first link answers %d", response.StatusCode)
	}
	s.settle()
	var timeline struct {
		Events []struct{ Event string }
	}
	if err := json.Unmarshal([]byte(s.must(http.MethodGet, "/v1/people/userId:u1/timeline", "demo-secret", "")), &timeline); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range timeline.Events {
		seen[e.Event]++
	}
	for _, want := range []string{"Email Delivered", "Email Opened", "Email Link Clicked"} {
		if seen[want] != 1 {
			t.Errorf("%s stands %d times in %v", want, seen[want], seen)
		}
	}
	s.alive()
}
