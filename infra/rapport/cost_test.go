package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rapport/infra/cloud"
)

var costHere = costCommand{Template: "../../template.yaml", Strategy: "../strategy"}

// TestCost holds what Rapport may cost on AWS, everything included, and that a
// decision reads once or twice and writes nothing.
func TestCost(t *testing.T) {
	p, err := costHere.play(t.Context(), terminal{err: t.Output()}, 10)
	if err != nil {
		t.Fatal(err)
	}
	budgets := map[string]float64{ // dollars per million
		"decisions": 1.50, "decisions-merged": 1.50, "events-one-by-one": 5, "events-in-tens": 2, "carts": 250, "idle-hour": 1_000,
	}
	for _, one := range p.Scenarios {
		budget, ok := budgets[one.Name]
		delete(budgets, one.Name)
		if !ok || one.DollarsPerMillion <= 0 || one.DollarsPerMillion > budget {
			t.Errorf("%s: a million costs $%.2f, the budget is $%.2f", one.Name, one.DollarsPerMillion, budget)
		}
		t.Logf("%s: $%.2f per million", one.Name, one.DollarsPerMillion)
	}
	if len(budgets) > 0 {
		t.Errorf("not played: %v", budgets)
	}
	printed(t, p)
	for i, most := range []float64{1, 2} {
		one := p.Scenarios[i]
		decide := one.Functions["DecideFunction"]
		// The strategy's pointer and text are read beside people, once a sandbox.
		reads := (decide.ReadUnits - float64(strategyReads)) / float64(one.Count)
		if decide.WriteUnits != 0 || reads > most || i == 1 && reads <= 1 || len(one.Functions) != 1 {
			t.Errorf("%s: %.3f reads each, %v writes, by %v", one.Name, reads, decide.WriteUnits, one.Functions)
		}
	}
}

// strategyReads is what the first decision reads of the strategy.
const strategyReads = 10

// printed holds the bill as people read it.
func printed(t *testing.T, p played) {
	t.Helper()
	var out bytes.Buffer
	if err := (terminal{out: &out}).printPlayed(p); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"HTTP API", "DynamoDB", "a million decisions: $1.", "a month of such hours: $0.", "Assumed:"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the bill lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), "X-Ray") {
		t.Errorf("the bill has colours or a service that costs nothing:\n%s", out.String())
	}
}

// run runs the tool in this process.
func run(t *testing.T, args ...string) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = realMain(t.Context(), args, terminal{in: strings.NewReader(""), out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestCostOfARunningCloud(t *testing.T) {
	c, err := cloud.Open(cloud.Config{
		Template: "../../template.yaml", Strategy: "../strategy", Data: t.TempDir(), Fleeting: true,
		WriteKey: playWriteKey, SecretKey: playSecretKey, IdentitySecret: "play-identity",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	server := httptest.NewServer(c.Handler())
	t.Cleanup(server.Close)
	s := stage{cloud: c, client: server.Client(), crowd: 1}
	s.client.Transport = direct{c.Handler()}
	if err := s.post(t.Context(), "/v1/decide", playWriteKey, `{"slots":["hero"]}`); err != nil {
		t.Fatal(err)
	}
	code, out, said := run(t, "cost", "--url", server.URL+"/")
	if code != exitFine || !strings.Contains(out, "1 decision: a thousand cost $0.002") {
		t.Errorf("%d %s %s", code, out, said)
	}
	code, out, said = run(t, "cost", "--url", server.URL, "--json")
	var bill cloud.Statement
	if err := json.Unmarshal([]byte(out), &bill); code != exitFine || err != nil || bill.Decisions.Count != 1 {
		t.Errorf("%d %v %s %s", code, err, out, said)
	}
}

func TestCostRefusals(t *testing.T) {
	bare := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(bare.Close)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--url", bare.URL}, "only rapport local has one"},
		{[]string{"--url", "http://127.0.0.1:1"}, "start rapport local"},
		{[]string{"--template", "nowhere.yaml"}, "nowhere.yaml is not there"},
	} {
		code, _, said := run(t, append([]string{"cost"}, c.args...)...)
		if code != exitProblems || !strings.Contains(said, c.want) {
			t.Errorf("%v: %d %q, want %q", c.args, code, said, c.want)
		}
	}
}
