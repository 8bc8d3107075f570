package cloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rapport/infra/cloud"
)

// shop opens Rapport itself: our template, our functions, our sample strategy.
func shop(t *testing.T, change func(*cloud.Config)) *stage {
	t.Helper()
	config := cloud.Config{
		Template: ours, Data: t.TempDir(), Strategy: "../strategy",
		WriteKey: ourParameters["WriteKey"], SecretKey: ourParameters["SecretKey"], IdentitySecret: ourParameters["IdentitySecret"],
		Now: func() time.Time { return begin }, Patience: 20 * time.Second,
	}
	if change != nil {
		change(&config)
	}
	c, err := cloud.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return &stage{Cloud: c, t: t, config: config}
}

// call sends a request with a key and returns status and body.
func (s *stage) call(method, path, key, body string) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth(key, "")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response := s.ask(r)
	answer, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(answer)
}

// must is call for answers that have to be 200.
func (s *stage) must(method, path, key, body string) string {
	s.t.Helper()
	status, answer := s.call(method, path, key, body)
	if status != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

func TestAVisitorBecomesAKnownCustomer(t *testing.T) {
	s := shop(t, nil)
	const visitor = "b8a7d0f2-3c55-4d6e-9f10-2a3b4c5d6e7f"
	decide := func(key, who string) string {
		return s.must(http.MethodPost, "/v1/decide", key, `{`+who+`,"slots":["hero"]}`)
	}
	if got := decide("demo-write", `"anonymousId":"`+visitor+`"`); !strings.Contains(got, `"block":"hero-welcome"`) {
		t.Errorf("a stranger sees %s", got)
	}
	s.must(http.MethodPost, "/v1/page", "demo-write", `{"messageId":"m1","anonymousId":"`+visitor+`","name":"Home"}`)
	s.settle()
	if got := decide("demo-write", `"anonymousId":"`+visitor+`"`); !strings.Contains(got, `"block":"hero-new"`) {
		t.Errorf("a new visitor sees %s", got)
	}
	s.must(http.MethodPost, "/v1/identify", "demo-secret", `{"messageId":"m2","anonymousId":"`+visitor+`","userId":"u1","traits":{"country":"UA"}}`)
	for i, id := range []string{"m3", "m4", "m5"} {
		s.must(http.MethodPost, "/v1/track", "demo-secret",
			`{"messageId":"`+id+`","userId":"u1","event":"Order Completed","properties":{"order_id":"`+id+`","revenue":2`+strings.Repeat("0", i)+`}}`)
	}
	s.settle()
	if got := decide("demo-secret", `"userId":"u1"`); !strings.Contains(got, `"block":"hero-vip"`) {
		t.Errorf("a good customer sees %s", got)
	}
	var view struct {
		Nodes    []string
		Computed map[string]any
	}
	if err := json.Unmarshal([]byte(s.must(http.MethodGet, "/v1/people/userId:u1", "demo-secret", "")), &view); err != nil {
		t.Fatal(err)
	}
	if len(view.Nodes) != 2 || view.Computed["orders"] != 3.0 {
		t.Errorf("the customer view is %+v", view)
	}
	var bus []events.EventBridgeEvent
	s.read("/local/bus", &bus)
	entered := false
	for _, ev := range bus {
		entered = entered || ev.Source == "rapport" && ev.DetailType == "Audience Entered" && strings.Contains(string(ev.Detail), `"vip"`)
	}
	if !entered {
		t.Errorf("nobody on the bus heard of the new vip: %+v", bus)
	}
	b := s.bill()
	if b.Events.Count != 5 || b.Decisions.Count != 3 || b.Functions["DecideFunction"].WriteUnits != 0 {
		t.Errorf("the meter says %+v", b)
	}
}

func TestTimeAloneEndsAnAudience(t *testing.T) {
	s := shop(t, nil)
	const visitor = "c8a7d0f2-3c55-4d6e-9f10-2a3b4c5d6e7f"
	var bus []events.EventBridgeEvent
	// A new visitor is one for seven days, of which one hour is left.
	then := begin.Add(time.Hour - 7*24*time.Hour).Format(time.RFC3339)
	s.must(http.MethodPost, "/v1/page", "demo-write", `{"messageId":"m1","anonymousId":"`+visitor+`","name":"Home","timestamp":"`+then+`"}`)
	s.settle()
	s.pass(58 * time.Minute)
	if s.read("/local/bus", &bus); len(bus) != 1 || bus[0].DetailType != "Audience Entered" {
		t.Errorf("before the hour is over the bus says %+v", bus)
	}
	s.pass(5 * time.Minute)
	s.read("/local/bus", &bus)
	if len(bus) != 2 || bus[0].DetailType != "Audience Left" || bus[1].DetailType != "Audience Entered" {
		t.Errorf("the bus says %+v", bus)
	}
}

func TestPreflightReachesTheFunction(t *testing.T) {
	s := shop(t, nil)
	for _, path := range []string{"/v1/batch", "/v1/t", "/v1/decide", "/k/demo-write/v1/track", "/api/s/track", "/beacon/v1/batch"} {
		r := httptest.NewRequest(http.MethodOptions, path, nil)
		r.Header.Set("Origin", "https://shop.example.com")
		r.Header.Set("Access-Control-Request-Method", "POST")
		response := s.ask(r)
		if response.StatusCode != http.StatusNoContent || response.Header.Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("%s: %d %v", path, response.StatusCode, response.Header)
		}
	}
}

func TestHealth(t *testing.T) {
	s := shop(t, nil)
	s.settle()
	var health struct{ Status string }
	s.read("/local/health", &health)
	if health.Status != "ok" {
		t.Errorf("health is %+v", health)
	}
}

// copyStrategy copies the sample strategy to a folder that a test may change.
func copyStrategy(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS("../strategy")); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestAChangedStrategyIsPublished(t *testing.T) {
	folder := copyStrategy(t)
	s := shop(t, func(c *cloud.Config) { c.Strategy = folder })
	version := func() string {
		var answer struct{ Strategy string }
		body := s.must(http.MethodPost, "/v1/decide", "demo-write", `{"slots":["hero"]}`)
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		return answer.Strategy
	}
	first := version()
	write(t, folder, "more.yaml", "audiences:\n  everyone-known:\n    name: Known\n    when: known\n")
	s.settle()
	second := version()
	if second == first {
		t.Error("the new strategy was not published")
	}
	mail, err := os.ReadFile(filepath.Join(folder, "cart-reminder.mjml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, folder, "cart-reminder.mjml", strings.Replace(string(mail), "waiting", "still waiting", 1))
	s.settle()
	if got := version(); got == second {
		t.Error("the changed mail was not published")
	}
	second = version()
	write(t, folder, "more.yaml", "audiences:\n  broken:\n    name: Broken\n    when: nonsense(\n")
	s.settle()
	if got := version(); got != second {
		t.Errorf("a broken strategy replaced %s by %s", second, got)
	}
}

func TestAStrategyThatDoesNotHold(t *testing.T) {
	folder := copyStrategy(t)
	good := shop(t, func(c *cloud.Config) { c.Strategy = folder })
	write(t, folder, "more.yaml", "audiences:\n  broken:\n    name: Broken\n    when: nonsense(\n")
	config := good.config
	config.Data = t.TempDir()
	_, err := cloud.Open(config)
	if err == nil || !strings.Contains(err.Error(), "more.yaml:4:") {
		t.Errorf("a first start with a broken strategy: %v", err)
	}
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The whole way, with the limit that the template sets: through the gateway's
// event to the address that the connection has, and back to the header.
func TestSomebodyTriesOutIDs(t *testing.T) {
	template, err := os.ReadFile(ours)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 20 // instead of a thousand, which would take its time here
	smaller := strings.Replace(string(template), "Default: 1000\n    MinValue: 0", fmt.Sprintf("Default: %d\n    MinValue: 0", limit), 1)
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(smaller), 0o600); err != nil {
		t.Fatal(err)
	}
	s := shop(t, func(c *cloud.Config) { c.Template = path })
	decide := func(id int, address string) *http.Response {
		r := httptest.NewRequest(http.MethodPost, "/v1/decide", strings.NewReader(fmt.Sprintf(`{"anonymousId":"%d","slots":[]}`, id)))
		r.SetBasicAuth("demo-write", "")
		r.RemoteAddr = address
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", id%200))
		return s.ask(r)
	}
	for id := range limit {
		if got := decide(id, "203.0.113.5:4711"); got.StatusCode != http.StatusOK {
			t.Fatalf("row 20: %d for id %d", got.StatusCode, id)
		}
	}
	got := decide(limit, "203.0.113.5:4712")
	if wait := got.Header.Get("Retry-After"); got.StatusCode != http.StatusTooManyRequests || wait != "60" {
		t.Errorf("row 20: %d, Retry-After %q", got.StatusCode, wait)
	}
	if got := decide(limit, "203.0.113.6:4711"); got.StatusCode != http.StatusOK {
		t.Errorf("row 20: %d for another address", got.StatusCode)
	}
}
