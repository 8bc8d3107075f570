package cloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"rapport/infra/cloud"
	"rapport/shared/fault"
)

// postOffice sends mail, and hears of it by a rule on the default bus.
const postOffice = `
Resources:
  Said: { Type: AWS::SQS::Queue }
  Letters: { Type: AWS::SES::ConfigurationSet, Properties: { Name: !Sub "${AWS::StackName}-mail" } }
  Deaf: { Type: AWS::SES::ConfigurationSet, Properties: { Name: deaf } }
  LettersToBus:
    Type: AWS::SES::ConfigurationSetEventDestination
    Properties:
      ConfigurationSetName: !Ref Letters
      EventDestination:
        MatchingEventTypes: [SEND, DELIVERY, BOUNCE, COMPLAINT, OPEN, CLICK]
        EventBridgeDestination: { EventBusArn: !Sub "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default" }
  FromSES:
    Type: AWS::Events::Rule
    Properties:
      EventPattern:
        source: [aws.ses]
        detail: { mail: { tags: { "ses:configuration-set": [!Ref Letters] } } }
      Targets: [{ Id: said, Arn: !GetAtt Said.Arn }]
  WriterFunction:
    Type: AWS::Serverless::Function
    Properties:
      Environment: { Variables: { SET: !Ref Letters, DEAF: !Ref Deaf, OTHER: !Ref Said } }
      Events:
        In: { Type: HttpApi, Properties: { Path: "/in/{set}", Method: POST } }
  EarFunction:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Said: { Type: SQS, Properties: { Queue: !GetAtt Said.Arn } }
`

// ear keeps what SES said.
type ear struct {
	mu    sync.Mutex
	heard []said
}

type said struct {
	events.EventBridgeEvent

	detail struct {
		EventType string
		Bounce    struct{ BounceType, BounceSubType string }
		Click     struct{ Link, UserAgent string }
		Mail      struct {
			MessageID   string
			Destination []string
			Tags        map[string][]string
		}
	}
}

func (e *ear) handle(_ context.Context, batch events.SQSEvent) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range batch.Records {
		var s said
		if err := json.Unmarshal([]byte(m.Body), &s.EventBridgeEvent); err != nil {
			return err
		}
		if err := json.Unmarshal(s.Detail, &s.detail); err != nil {
			return err
		}
		e.heard = append(e.heard, s)
	}
	return nil
}

// taken lists what was said since the last call: "Bounce Permanent General".
func (e *ear) taken() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, s := range e.heard {
		d := s.detail
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s%s", d.EventType, d.Bounce.BounceType, d.Bounce.BounceSubType, d.Click.Link)))
	}
	e.heard = nil
	return out
}

// writer sends the mail in a request's body and answers its id.
func writer(env cloud.Env) (lambda.Handler, error) {
	return lambda.NewHandler(func(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (map[string]any, error) {
		mailer, err := env.Mailer(ev.PathParameters["set"])
		if err != nil {
			return nil, err
		}
		var m cloud.Mail
		if err := json.Unmarshal([]byte(ev.Body), &m); err != nil {
			return nil, err
		}
		id, err := mailer.Send(ctx, m)
		if fault.KindOf(err) == fault.Invalid {
			return map[string]any{"statusCode": 422, "body": err.Error()}, nil
		}
		return map[string]any{"statusCode": 200, "body": id}, err
	}), nil
}

// office opens a post office on data.
func office(t *testing.T, data string, e *ear) *stage {
	t.Helper()
	return play(t, data, postOffice, map[string]cloud.Builder{"WriterFunction": writer, "EarFunction": handler(e.handle)})
}

func letter(to string) cloud.Mail {
	return cloud.Mail{
		From: "Shop <shop@example.com>", To: to, Subject: "Still thinking?", Text: "See http://127.0.0.1:8080/shop/cart",
		HTML: `<!doctype html><html><head><title>x</title></head><body><a class="b" href="http://shop.example.com/cart?a=1&amp;b=2">Cart</a>` +
			`<a href='https://shop.example.com/tea'>Tea</a><a ses:no-track href="https://api.example.com/v1/unsubscribe?t=T">No more</a>` +
			`<a href="javascript:alert(1)">x</a><a href="mailto:shop@example.com">Write</a><a>none</a><a href="http:///x">No host</a><a href="/x">No page</a></body></html>`,
		Headers: map[string]string{"List-Unsubscribe": "<mailto:u@example.com>, <https://api.example.com/v1/unsubscribe?t=T>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
		Tags:    map[string]string{"message": "n1_m1", "journey": "cart-recovery", "step": "0"},
	}
}

// mail sends m through the configuration set named by a variable.
func (s *stage) mail(set string, m cloud.Mail) (int, string) {
	s.t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	response := s.ask(post("/in/"+set, string(body)))
	answer, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(answer)
}

// page gets a path as a browser does.
func (s *stage) page(path string) (*http.Response, string) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("User-Agent", "a browser")
	response := s.ask(r)
	body, _ := io.ReadAll(response.Body)
	return response, string(body)
}

func TestTheOutboxKeepsMail(t *testing.T) {
	e := &ear{}
	data := t.TempDir()
	s := office(t, data, e)
	status, id := s.mail("SET", letter("customer@example.com"))
	if status != http.StatusOK || id == "" {
		t.Fatalf("%d %s", status, id)
	}
	s.settle()
	if diff := cmp.Diff([]string{"Send", "Delivery"}, e.taken()); diff != "" {
		t.Error(diff)
	}
	for range 2 { // after a restart too
		var got []map[string]any
		s.read("/local/outbox", &got)
		if len(got) != 1 {
			t.Fatalf("%d mails", len(got))
		}
		headers, _ := got[0]["headers"].(map[string]any)
		delete(got[0], "headers")
		m := letter("")
		want := map[string]any{
			"id": id, "to": "customer@example.com", "subject": m.Subject, "text": m.Text, "html": m.HTML,
			"journey": "cart-recovery", "step": "0", "sentAt": "2026-11-01T12:00:00.000Z",
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Error(diff)
		}
		for name, want := range map[string]string{"From": m.From, "To": "customer@example.com", "Subject": m.Subject, "List-Unsubscribe": m.Headers["List-Unsubscribe"]} {
			if headers[name] != want {
				t.Errorf("header %s is %v", name, headers[name])
			}
		}
		s.stop()
		s = office(t, data, e)
	}
	const price = 0.0001 // of a mail; all else that happened costs less than half of it
	b := s.bill()
	if u := b.Functions["WriterFunction"]; u.Mails != 1 || b.Total.Mails != 1 || u.Dollars < price || u.Dollars > 1.5*price {
		t.Errorf("the meter counts %d mails, and %f dollars", b.Total.Mails, u.Dollars)
	}
}

// What SES says of a mail must not be lost when the process dies after SES
// accepted it: an unknown outcome is settled by it.
func TestWhatSESWillSayIsOnDiskWithTheMail(t *testing.T) {
	e := &ear{}
	data := t.TempDir()
	functions := map[string]cloud.Builder{"WriterFunction": writer, "EarFunction": handler(e.handle)}
	s := prepare(t, data, postOffice, functions) // nobody works, so nothing is delivered
	if status, answer := s.mail("SET", letter("customer@example.com")); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	office(t, data, e).settle()
	if diff := cmp.Diff([]string{"Send", "Delivery"}, e.taken()); diff != "" {
		t.Error(diff)
	}
}

func TestTheMailboxSimulator(t *testing.T) {
	e := &ear{}
	s := office(t, t.TempDir(), e)
	for to, want := range map[string][]string{
		"success@simulator.amazonses.com":         {"Send", "Delivery"},
		"Bounce@Simulator.Amazonses.com":          {"Send", "Bounce Permanent General"},
		"bounce+label1@simulator.amazonses.com":   {"Send", "Bounce Permanent General"},
		"suppressionlist@simulator.amazonses.com": {"Send", "Bounce Permanent Suppressed"},
		"complaint@simulator.amazonses.com":       {"Send", "Delivery", "Complaint"},
		"ooto@simulator.amazonses.com":            {"Send", "Delivery", "Bounce Transient General"},
		"bounce@example.com":                      {"Send", "Delivery"},
	} {
		if status, answer := s.mail("SET", letter(to)); status != http.StatusOK {
			t.Fatalf("%s: %d %s", to, status, answer)
		}
		s.settle()
		if diff := cmp.Diff(want, e.taken()); diff != "" {
			t.Errorf("%s: %s", to, diff)
		}
	}
}

func TestWhatSESSays(t *testing.T) {
	e := &ear{}
	s := office(t, t.TempDir(), e)
	_, id := s.mail("SET", letter("Customer <customer@example.com>"))
	s.settle()
	got := e.heard[0]
	if got.Source != "aws.ses" || got.DetailType != "Email Sent" || got.ID == "" || got.detail.Mail.MessageID != id {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]string{"customer@example.com"}, got.detail.Mail.Destination); diff != "" {
		t.Error(diff)
	}
	tags := got.detail.Mail.Tags
	for name, want := range map[string]string{"message": "n1_m1", "journey": "cart-recovery", "ses:configuration-set": "rapport-mail", "ses:from-domain": "example.com"} {
		if len(tags[name]) != 1 || tags[name][0] != want {
			t.Errorf("tag %s is %v", name, tags[name])
		}
	}
}

func TestOnlyWhatTheTemplateAsksForIsSaid(t *testing.T) {
	e := &ear{}
	s := office(t, t.TempDir(), e)
	if status, _ := s.mail("DEAF", letter("customer@example.com")); status != http.StatusOK {
		t.Fatal(status)
	}
	s.settle()
	if got := e.taken(); got != nil {
		t.Errorf("heard %q of a configuration set without a destination", got)
	}
	var bus []events.EventBridgeEvent
	if s.read("/local/bus", &bus); len(bus) != 0 {
		t.Errorf("the bus has %d events of a configuration set without a destination", len(bus))
	}
}

func TestMailThatSESRefuses(t *testing.T) {
	s := office(t, t.TempDir(), &ear{})
	for name, spoil := range map[string]func(*cloud.Mail){
		"no recipient":    func(m *cloud.Mail) { m.To = "" },
		"two recipients":  func(m *cloud.Mail) { m.To = "a@example.com, b@example.com" },
		"long local part": func(m *cloud.Mail) { m.To = strings.Repeat("a", 65) + "@example.com" },
		"no sender":       func(m *cloud.Mail) { m.From = "shop" },
		"no subject":      func(m *cloud.Mail) { m.Subject = "" },
		"second line":     func(m *cloud.Mail) { m.Subject = "a\r\nBcc: b@example.com" },
		"no body":         func(m *cloud.Mail) { m.HTML, m.Text = "", "" },
		"long header":     func(m *cloud.Mail) { m.Headers["X"] = strings.Repeat("a", 871) },
		"header of lines": func(m *cloud.Mail) { m.Headers["X"] = "a\nb" },
		"header's name":   func(m *cloud.Mail) { m.Headers["X:"] = "a" },
		"letters beyond":  func(m *cloud.Mail) { m.Headers["X"] = "ї" },
		"too many headers": func(m *cloud.Mail) {
			for i := range 14 {
				m.Headers[fmt.Sprint("X-", i)] = "a"
			}
		},
		"tag": func(m *cloud.Mail) { m.Tags["key"] = "a b" },
	} {
		m := letter("customer@example.com")
		spoil(&m)
		if status, answer := s.mail("SET", m); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	var kept []any
	if s.read("/local/outbox", &kept); len(kept) != 0 || s.bill().Total.Mails != 0 {
		t.Errorf("%d refused mails are in the outbox", len(kept))
	}
}

func TestAnUnknownConfigurationSet(t *testing.T) {
	s := office(t, t.TempDir(), &ear{})
	for _, variable := range []string{"NONE", "OTHER"} {
		if status, _ := s.mail(variable, letter("customer@example.com")); status != http.StatusInternalServerError {
			t.Errorf("%s: status is %d", variable, status)
		}
	}
}

func TestSESPublishesToTheDefaultBusOnly(t *testing.T) {
	for spoiled, want := range map[string]string{
		strings.Replace(postOffice, "event-bus/default", "event-bus/own", 1): "default event bus only",
		strings.Replace(postOffice, "[SEND,", "[READ,", 1):                   `SES has no event type "READ"`,
	} {
		if err := cloud.Parse(spoiled, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}
