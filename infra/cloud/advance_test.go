package cloud_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"rapport/infra/cloud"
	"rapport/shared/fault"
)

const clockwork = workshop + `
        Tick: { Type: Schedule, Properties: { Schedule: rate(1 minute) } }
        Hourly: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(1 hour), Input: '{"hourly":true}' } }
        Never: { Type: Schedule, Properties: { Schedule: rate(1 minute), Enabled: false } }
`

// diary notes what happened at which virtual time.
type diary struct {
	mu      sync.Mutex
	entries []string
	fail    func(body string) bool
}

func (d *diary) builder(env cloud.Env) (lambda.Handler, error) {
	return lambda.NewHandler(func(_ context.Context, payload json.RawMessage) (any, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		at := env.Now().Sub(begin).String()
		var batch events.SQSEvent
		var out events.SQSEventResponse
		_ = json.Unmarshal(payload, &batch)
		for _, m := range batch.Records {
			d.entries = append(d.entries, at+" "+m.Body)
			if d.fail != nil && d.fail(m.Body) {
				out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		switch {
		case strings.Contains(string(payload), "Scheduled Event"):
			var tick events.EventBridgeEvent
			_ = json.Unmarshal(payload, &tick)
			d.entries = append(d.entries, at+" tick "+tick.Time.Format("15:04:05"))
		case len(batch.Records) == 0:
			d.entries = append(d.entries, at+" "+string(payload))
		}
		return out, nil
	}), nil
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.entries
	d.entries = nil
	return out
}

func TestAdvanceRunsWhatFallsDueInOrder(t *testing.T) {
	d := &diary{fail: func(body string) bool { return body == "again" }}
	s := play(t, t.TempDir(), strings.Replace(clockwork, "VisibilityTimeout: 60", "VisibilityTimeout: 80", 1),
		map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": d.builder})
	s.send("first", "again")
	s.pass(4 * time.Minute)
	want := []string{
		"0s first", "0s again", "1m0s tick 12:01:00", "1m20s again", "2m0s tick 12:02:00",
		"2m40s again", "3m0s tick 12:03:00", "4m0s tick 12:04:00",
	}
	if diff := cmp.Diff(want, d.read()); diff != "" {
		t.Error(diff)
	}
	s.pass(0)
	s.pass(30 * time.Second)
	if got := d.read(); len(got) != 0 {
		t.Errorf("%v happened although nothing was due", got)
	}
	s.pass(55*time.Minute + 30*time.Second)
	got := d.read()
	if diff := cmp.Diff([]string{"1h0m0s tick 13:00:00", `1h0m0s {"hourly":true}`}, got[len(got)-2:]); diff != "" || len(got) != 57 {
		t.Errorf("%d entries, the last: %s", len(got), diff)
	}
}

func TestAWeekOfMinutes(t *testing.T) {
	d := &diary{}
	s := play(t, t.TempDir(), clockwork, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": d.builder})
	s.pass(7 * 24 * time.Hour)
	if got := len(d.read()); got != 7*24*61 {
		t.Errorf("%d invocations, want %d", got, 7*24*61)
	}
}

func TestTimeSurvivesARestart(t *testing.T) {
	data := t.TempDir()
	d := &diary{}
	functions := map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": d.builder}
	s := play(t, data, clockwork, functions)
	s.pass(90*time.Minute + 250*time.Millisecond)
	s.stop()
	d.read()
	s = play(t, data, clockwork, functions)
	var now struct{ Now string }
	s.read("/local/clock", &now)
	if now.Now != "2026-11-01T13:30:00.250Z" {
		t.Errorf("it is %s", now.Now)
	}
	s.pass(time.Minute)
	if diff := cmp.Diff([]string{"1h31m0s tick 13:31:00"}, d.read()); diff != "" {
		t.Error(diff)
	}
}

func TestATickThatWasMissedFiresOnce(t *testing.T) {
	data := t.TempDir()
	d := &diary{}
	functions := map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": d.builder}
	s := play(t, data, clockwork, functions)
	s.pass(0)
	s.stop()
	s = prepare(t, data, clockwork, functions)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.config.Now = func() time.Time { return begin.Add(10*time.Minute + time.Second) }
	c, err := cloud.Open(s.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	if _, err := c.Advance(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-done
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"10m1s tick 12:01:00"}, d.read()); diff != "" {
		t.Error(diff)
	}
}

func TestClockRoute(t *testing.T) {
	s := play(t, t.TempDir(), workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler((&worker{}).handle)})
	for _, c := range []struct {
		body   string
		status int
		holds  string
	}{
		{`{"advance":"90m"}`, 200, `"now":"2026-11-01T13:30:00.000Z"`},
		{`{"advance":"0s"}`, 200, `"now":"2026-11-01T13:30:00.000Z"`},
		{`{"advance":"-1h"}`, 422, `"field":"advance"`},
		{`{"advance":"soon"}`, 422, `"field":"advance"`},
		{`{"advance":""}`, 422, `"field":"advance"`},
		{`{"advance":"900000h"}`, 422, `"field":"advance"`},
		{`{}`, 422, `"field":"advance"`},
		{`{"back":"1h"}`, 400, `"code":"malformed_json"`},
		{`{`, 400, `"code":"malformed_json"`},
	} {
		response := s.ask(post("/local/clock", c.body))
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != c.status || !strings.Contains(string(body), c.holds) {
			t.Errorf("%s: %d %s", c.body, response.StatusCode, body)
		}
	}
}

func TestDelayedRetriesDoNotKeepSettleWaiting(t *testing.T) {
	w := &worker{fail: func(string, string) bool { return true }}
	s := play(t, t.TempDir(), workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(w.handle)})
	s.send("a")
	if response := s.ask(post("/local/settle", "")); response.StatusCode != http.StatusOK {
		t.Errorf("settle: %d", response.StatusCode)
	}
	if q := s.queue("Jobs"); q.Delayed != 1 {
		t.Errorf("%+v", q)
	}
}

func TestSettleSaysWhatIsStuck(t *testing.T) {
	release := make(chan struct{})
	s := prepare(t, t.TempDir(), workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler(
		func(context.Context, events.SQSEvent) error { <-release; return nil })})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.config.Patience = 50 * time.Millisecond
	c, err := cloud.Open(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.Cloud = c
	if err := c.Settle(context.Background()); err == nil || !strings.Contains(err.Error(), "Run") {
		t.Errorf("before Run: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	s.send("a")
	response := s.ask(post("/local/settle", ""))
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != 503 || !strings.Contains(string(body), "Jobs") || !strings.Contains(string(body), "not_settled") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	close(release)
	if err := c.Settle(context.Background()); err != nil {
		t.Error(err)
	}
	cancel()
	<-done
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheDataFolderIsForOneProcess(t *testing.T) {
	data := t.TempDir()
	functions := map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": handler((&worker{}).handle)}
	s := play(t, data, workshop, functions)
	_, err := cloud.Open(s.config)
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a second one: %v", err)
	}
}
