package cloud_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/infra/cloud"
	"rapport/shared/table"
)

// bill is the part of GET /local/meter that tests look at.
type bill struct {
	Functions map[string]entry
	Total     entry
	Decisions unit
	Events    unit
}

type entry struct {
	Invocations, Failures, HTTPRequests, QueueRequests, BusEvents, LogBytes, Mails int
	GBSeconds, ReadUnits, WriteUnits, Dollars                                      float64
	Services                                                                       map[string]float64
}

type unit struct {
	Count             int
	Dollars           float64
	DollarsPerMillion *float64
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func (s *stage) bill() bill {
	s.t.Helper()
	var b bill
	s.read("/local/meter", &b)
	return b
}

func TestTheMeterCountsWhatAWSBills(t *testing.T) {
	data := t.TempDir()
	reading := func(env cloud.Env) (lambda.Handler, error) {
		return lambda.NewHandler(func(ctx context.Context) error {
			env.Log.Info("working", "on", "it")
			_, err := env.Table.Get(ctx, table.Key{Partition: "p", Sort: "s"})
			return err
		}), nil
	}
	functions := map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": reading}
	s := play(t, data, workshop, functions)
	s.send(strings.Split("1 2 3 4 5 6 7 8 9 10 11 12", " ")...)
	s.settle()
	check := func(b bill) {
		t.Helper()
		doorUse, work := b.Functions["DoorFunction"], b.Functions["WorkerFunction"]
		if doorUse.Invocations != 1 || doorUse.HTTPRequests != 1 || doorUse.QueueRequests != 2 {
			t.Errorf("the door: %+v", doorUse)
		}
		// Three batches of four: a request to receive and one to delete each.
		if work.Invocations != 3 || work.QueueRequests != 6 || work.ReadUnits != 3 || work.LogBytes < 3*(700+len(`"msg":"working"`)) {
			t.Errorf("the worker: %+v", work)
		}
		// A run is 3 ms, a send 8, a read 4 and 1 for its item, at 128 MB.
		if !near(doorUse.GBSeconds, 0.019/8) || !near(work.GBSeconds, 3*0.008/8) {
			t.Errorf("the door ran for %v GB-seconds, the worker for %v", doorUse.GBSeconds, work.GBSeconds)
		}
		services := 0.0
		for _, dollars := range work.Services {
			services += dollars
		}
		if !near(services, work.Dollars) || !near(work.Services["sqs"], 6*0.4e-6) || !near(work.Services["logs"], float64(work.LogBytes)*0.5/(1<<30)) {
			t.Errorf("the worker pays %v, and %v in all", work.Services, work.Dollars)
		}
		sum := doorUse.Dollars + work.Dollars
		if sum <= 0 || math.Abs(b.Total.Dollars-sum) > 1e-12 || b.Total.Invocations != 4 {
			t.Errorf("in total: %+v, not %v dollars", b.Total, sum)
		}
	}
	check(s.bill())
	s.stop()
	check(play(t, data, workshop, functions).bill())
}

func TestTheMeterPricesDecisionsAndEvents(t *testing.T) {
	const template = `
Resources:
  DecideFunction:
    Type: AWS::Serverless::Function
    Properties: { MemorySize: 256, Tracing: Active, Events: { H: { Type: HttpApi, Properties: { Path: /decide } } } }
  CollectFunction:
    Type: AWS::Serverless::Function
    Properties: { Events: { H: { Type: HttpApi, Properties: { Path: /collect } } } }
`
	answer := func(status int, body string) cloud.Builder {
		return handler(func() (map[string]any, error) { return map[string]any{"statusCode": status, "body": body}, nil })
	}
	s := play(t, t.TempDir(), template, map[string]cloud.Builder{
		"DecideFunction": answer(200, "{}"), "CollectFunction": answer(200, `{"success":true,"accepted":3}`),
	})
	if b := s.bill(); b.Decisions.DollarsPerMillion != nil || b.Events.Count != 0 {
		t.Errorf("before anything happened: %+v", b)
	}
	s.ask(post("/decide", ""))
	s.ask(post("/decide", ""))
	s.ask(post("/collect", ""))
	b := s.bill()
	if b.Decisions.Count != 2 || b.Events.Count != 3 {
		t.Errorf("%+v", b)
	}
	if traced := b.Functions["DecideFunction"].Services["xray"]; !near(traced, 2*0.05*5e-6) || b.Total.Services["xray"] != traced {
		t.Errorf("traces cost %v", b.Total.Services)
	}
	want := b.Functions["DecideFunction"].Dollars / 2 * 1e6
	if got := b.Decisions.DollarsPerMillion; got == nil || math.Abs(*got-want) > 1e-9 || *got < 1.20 {
		t.Errorf("a million decisions: %v, want %v", got, want)
	}
}

func TestQueueRequests(t *testing.T) {
	size := func(kilobytes int) string { return strings.Repeat("x", kilobytes<<10) }
	for name, c := range map[string]struct {
		bodies []string
		want   int
	}{
		"none":               {nil, 0},
		"one":                {[]string{"a"}, 1},
		"ten":                {strings.Split(strings.Repeat("a", 10), ""), 1},
		"eleven":             {strings.Split(strings.Repeat("a", 11), ""), 2},
		"64 KB":              {[]string{size(64)}, 1},
		"just over 64 KB":    {[]string{size(64) + "x"}, 2},
		"200 KB":             {[]string{size(200)}, 4},
		"two that share not": {[]string{size(200), size(100)}, 6},
		"two that share":     {[]string{size(30), size(30)}, 1},
	} {
		if got := cloud.QueueRequests(c.bodies); got != c.want {
			t.Errorf("%s: %d requests, want %d", name, got, c.want)
		}
	}
}

// How long Lambda takes is assumed from the calls.
func TestTheMeterAssumesTime(t *testing.T) {
	write := func(sort string) table.Write {
		return table.Put(table.Key{Partition: "p", Sort: sort}, nil, time.Time{}, table.Absent())
	}
	writing := func(env cloud.Env) (lambda.Handler, error) {
		return lambda.NewHandler(func(ctx context.Context) error {
			return errors.Join(env.Table.Commit(ctx, "a", write("1")), env.Table.Commit(ctx, "b", write("2"), write("3")))
		}), nil
	}
	s := play(t, t.TempDir(), workshop, map[string]cloud.Builder{"DoorFunction": door, "WorkerFunction": writing})
	s.send("1")
	s.settle()
	// 3 for the run, 6 and 1 for the write, 12 and 2 for the transaction.
	if u := s.bill().Functions["WorkerFunction"]; !near(u.GBSeconds, 0.024/8) || u.WriteUnits != 5 {
		t.Errorf("the worker: %+v", u)
	}
}
